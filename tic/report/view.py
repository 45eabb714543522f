"""An audit arranged for reading: what the page and the summary show, in their order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from tic.audit.evidence import Audit, Contrast, Entry, Figure, Paper
from tic.report.figures import Drawing, different_axes, figure_drawings, reading
from tic.report.forest import contrast_strips
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


@dataclass(frozen=True)
class PaperView:
    """A paper and the verdicts on its claims, in the order of the audit."""

    paper: Paper | None
    key: str
    anchor: str
    entries: tuple[EntryView, ...]


@dataclass(frozen=True)
class AuditView:
    """The whole page."""

    audit: Audit
    title: str
    sentence: str
    scopes: tuple[ScopeGroup, ...]
    papers: tuple[PaperView, ...]
    training: Training


def audit_view(audit: Audit) -> AuditView:
    """Arrange an audit for the page."""
    scopes = scope_groups(audit.entries)
    views = _entry_views(audit, {scope.level: scope.differences for scope in scopes})
    return AuditView(
        audit=audit,
        title=title(audit),
        sentence=counts_sentence(audit.entries),
        scopes=scopes,
        papers=_paper_views(audit, views),
        training=training(audit.runs),
    )


def _entry_views(audit: Audit, common: dict[str, tuple[str, ...]]) -> list[EntryView]:
    known = {run.fingerprint for run in audit.runs}
    anchors = _unique(f"claim-{slug(entry.id)}" for entry in audit.entries)
    return [
        _entry_view(entry, anchor, known, common[entry.scope.level])
        for entry, anchor in zip(audit.entries, anchors, strict=True)
    ]


def _entry_view(entry: Entry, anchor: str, known: set[str], common: Sequence[str]) -> EntryView:
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
        figures=tuple(
            FigureView(
                figure=f,
                drawings=figure_drawings(f, f"{anchor}-f{index + 1}"),
                reading=reading(f),
                axes_differ=different_axes(f),
            )
            for index, f in enumerate(entry.figures)
        ),
        differences=tuple(d for d in entry.scope.differences if d not in common),
        runs=tuple((short(run), run_anchor(run) if run in known else None) for run in entry.runs),
    )


def _paper_views(audit: Audit, views: Sequence[EntryView]) -> tuple[PaperView, ...]:
    papers = {paper.key: paper for paper in audit.papers}
    keys = dict.fromkeys([*papers, *(view.entry.paper for view in views)])
    members = {key: tuple(v for v in views if v.entry.paper == key) for key in keys}
    return tuple(
        PaperView(papers.get(key), key, f"paper-{slug(key)}", entries)
        for key, entries in members.items()
    )


def _unique(names: Iterable[str]) -> list[str]:
    seen = Counter[str]()
    result = []
    for name in names:
        seen[name] += 1
        result.append(name if seen[name] == 1 else f"{name}--{seen[name]}")
    return result
