"""An audit arranged for reading: what the page and the summary show, in their order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass

from markupsafe import Markup

from tic.audit.evidence import Audit, Contrast, Entry, Figure, Paper, ProtocolRecord
from tic.report.contents import place
from tic.report.figures import Drawing, different_axes, figure_drawings, reading
from tic.report.forest import contrast_strips
from tic.report.protocols import (
    STANDARD,
    ProtocolTable,
    in_overview,
    protocol_table,
    protocols_of,
    result_sentence,
    siblings,
)
from tic.report.tables import (
    ComparisonGroup,
    Training,
    comparison_groups,
    run_anchor,
    short,
    training,
)
from tic.report.text import slug
from tic.report.verdicts import (
    BADGES,
    Badge,
    ScopeGroup,
    counts_sentence,
    decisive,
    name_of,
    scope_groups,
    title,
)


@dataclass(frozen=True)
class FigureView:
    """A figure with its drawings."""

    figure: Figure
    drawings: tuple[Drawing, ...]
    reading: str
    axes_differ: bool


@dataclass(frozen=True)
class Reference:
    """A protocol named beside an entry, with the verdict under it if this audit has one."""

    protocol: str
    anchor: str | None
    badge: Badge | None


@dataclass(frozen=True)
class EntryView:
    """One claim in one setting, with everything the page shows of it."""

    entry: Entry
    anchor: str
    name: str
    badge: Badge
    downgraded: bool
    decisive: Contrast | None
    contrasts: tuple[tuple[Contrast, Markup, Badge], ...]
    comparisons: tuple[ComparisonGroup, ...]
    figures: tuple[FigureView, ...]
    differences: tuple[str, ...]
    runs: tuple[tuple[str, str | None], ...]
    protocol: ProtocolRecord | None
    alternatives: tuple[Reference, ...]


@dataclass(frozen=True)
class PlaceView:
    """The entries on one place of a paper, and how often each verdict came out."""

    name: str
    entries: tuple[EntryView, ...]
    counts: tuple[tuple[Badge, int], ...]


@dataclass(frozen=True)
class PaperView:
    """A paper and the verdicts on its claims, in the order of the audit.

    `overview` are those that the first table lists, `places` all of them for the contents.
    """

    paper: Paper | None
    key: str
    anchor: str
    entries: tuple[EntryView, ...]
    overview: tuple[EntryView, ...]
    places: tuple[PlaceView, ...]


@dataclass(frozen=True)
class AuditView:
    """The whole page; `items` are all entries in the order of the audit."""

    audit: Audit
    title: str
    sentence: str
    scopes: tuple[ScopeGroup, ...]
    items: tuple[EntryView, ...]
    papers: tuple[PaperView, ...]
    protocols: ProtocolTable | None
    protocol_sentence: str
    training: Training


def audit_view(audit: Audit) -> AuditView:
    """Arrange an audit for the page."""
    scopes = scope_groups(audit.entries)
    views = _entry_views(audit, {scope.level: scope.differences for scope in scopes})
    table = protocol_table(audit)
    shown = in_overview(audit.entries) if table else audit.entries
    return AuditView(
        audit=audit,
        title=title(audit),
        sentence=counts_sentence(shown),
        scopes=scopes,
        items=views,
        papers=_paper_views(audit, views, {entry.id for entry in shown}),
        protocols=table,
        protocol_sentence=result_sentence(audit, table) if table else "",
        training=training(audit.runs),
    )


def _entry_views(audit: Audit, common: dict[str, tuple[str, ...]]) -> tuple[EntryView, ...]:
    known = {run.fingerprint for run in audit.runs}
    anchors = _unique(f"claim-{slug(entry.id)}" for entry in audit.entries)
    records = {record.name: record for record in protocols_of(audit)}
    return tuple(
        _entry_view(entry, anchor, known, common[entry.scope.level], records, references)
        for entry, anchor, references in zip(
            audit.entries, anchors, _references(audit.entries, anchors), strict=True
        )
    )


def _references(entries: Sequence[Entry], anchors: Sequence[str]) -> Iterator[dict[str, Reference]]:
    """Return for each entry the verdicts on its claim under all protocols of the audit."""
    for members in siblings(entries):
        yield {
            protocol: Reference(protocol, anchors[index], BADGES[entries[index].outcome])
            for protocol, index in members.items()
        }


def _entry_view(
    entry: Entry,
    anchor: str,
    known: set[str],
    common: Sequence[str],
    records: dict[str, ProtocolRecord],
    references: dict[str, Reference],
) -> EntryView:
    strips = contrast_strips(entry.contrasts, anchor)
    return EntryView(
        entry=entry,
        anchor=anchor,
        name=name_of(entry),
        badge=BADGES[entry.outcome],
        downgraded=entry.own_outcome != entry.outcome,
        decisive=decisive(entry),
        contrasts=tuple(
            (contrast, strip, BADGES[contrast.outcome])
            for contrast, strip in zip(entry.contrasts, strips, strict=True)
        ),
        comparisons=comparison_groups(entry.comparisons, anchor),
        figures=_figure_views(entry.figures, anchor),
        differences=tuple(d for d in entry.scope.differences if d not in common),
        runs=tuple((short(run), run_anchor(run) if run in known else None) for run in entry.runs),
        protocol=None if entry.protocol == STANDARD else records[entry.protocol],
        alternatives=tuple(_reference(name, references) for name in entry.alternatives),
    )


def _figure_views(figures: Sequence[Figure], anchor: str) -> tuple[FigureView, ...]:
    return tuple(
        FigureView(
            figure=figure,
            drawings=figure_drawings(figure, f"{anchor}-f{index + 1}"),
            reading=reading(figure),
            axes_differ=different_axes(figure),
        )
        for index, figure in enumerate(figures)
    )


def _reference(protocol: str, references: dict[str, Reference]) -> Reference:
    return references.get(protocol, Reference(protocol, None, None))


def _paper_views(
    audit: Audit, views: Sequence[EntryView], shown: Set[str]
) -> tuple[PaperView, ...]:
    papers = {paper.key: paper for paper in audit.papers}
    keys = dict.fromkeys([*papers, *(view.entry.paper for view in views)])
    members = {key: tuple(v for v in views if v.entry.paper == key) for key in keys}
    return tuple(
        PaperView(
            paper=papers.get(key),
            key=key,
            anchor=f"paper-{slug(key)}",
            entries=entries,
            overview=tuple(view for view in entries if view.entry.id in shown),
            places=_place_views(entries),
        )
        for key, entries in members.items()
    )


def _place_views(views: Sequence[EntryView]) -> tuple[PlaceView, ...]:
    places: dict[str, list[EntryView]] = {}
    for view in views:
        places.setdefault(place(view.entry.source), []).append(view)
    return tuple(
        PlaceView(name, tuple(members), _counts(members)) for name, members in places.items()
    )


def _counts(views: Sequence[EntryView]) -> tuple[tuple[Badge, int], ...]:
    counts = Counter(view.badge for view in views)
    return tuple((badge, counts[badge]) for badge in BADGES.values() if counts[badge])


def _unique(names: Iterable[str]) -> list[str]:
    seen = Counter[str]()
    result = []
    for name in names:
        seen[name] += 1
        result.append(name if seen[name] == 1 else f"{name}--{seen[name]}")
    return result
