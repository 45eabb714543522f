"""One entry of an audit arranged for reading: a claim, or a rival of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from tic.document.audit import Audit, Entry, ProtocolRecord
from tic.document.evidence import Contrast
from tic.document.figures import Figure
from tic.report.drawing.drawing import Drawing
from tic.report.drawing.figures import different_axes, figure_drawings, reading
from tic.report.drawing.forest import contrast_strips
from tic.report.findings import nearness
from tic.report.findings.worst_cases import WorstCaseRow, worst_case_row
from tic.report.number_tables import NumberTable, number_table
from tic.report.protocols import STANDARD, protocols_of, siblings
from tic.report.readings import ReadingGrid, reading_grid
from tic.report.roles import name_of
from tic.report.tables import ComparisonGroup, comparison_groups, run_anchor, short
from tic.report.verdicts import BADGES, Badge, decisive


@dataclass(frozen=True)
class FigureView:
    """A figure with its drawings."""

    figure: Figure
    drawings: tuple[Drawing, ...]
    reading: str
    axes_differ: bool


@dataclass(frozen=True)
class ContrastView:
    """A contrast with its strip, and how near it was to another outcome."""

    contrast: Contrast
    strip: Markup
    badge: Badge
    sensitivity: str


@dataclass(frozen=True)
class Reference:
    """A protocol named beside an entry, with the verdict under it if this audit has one."""

    protocol: str
    anchor: str | None
    badge: Badge | None


@dataclass(frozen=True)
class EntryView:
    """One claim or rival in one setting, with everything the page shows of it."""

    entry: Entry
    anchor: str
    name: str
    badge: Badge
    downgraded: bool
    decisive: Contrast | None
    sensitivity: str
    contrasts: tuple[ContrastView, ...]
    comparisons: tuple[ComparisonGroup, ...]
    worst_cases: tuple[WorstCaseRow, ...]
    readings: ReadingGrid | None
    tables: tuple[NumberTable, ...]
    figures: tuple[FigureView, ...]
    differences: tuple[str, ...]
    runs: tuple[tuple[str, str | None], ...]
    protocol: ProtocolRecord | None
    alternatives: tuple[Reference, ...]


def entry_views(
    audit: Audit, anchors: Sequence[str], common: Mapping[str, Sequence[str]]
) -> tuple[EntryView, ...]:
    """Arrange the entries of one role.

    Args:
        audit: An audit with no others.
        anchors: Where the page shows each of them.
        common: For each scope the differences from the paper that are told on top.
    """
    known = {run.fingerprint for run in audit.runs}
    papers = dict.fromkeys(entry.paper for entry in audit.entries)
    records = {(p, record.name): record for p in papers for record in protocols_of(audit, p)}
    return tuple(
        _entry_view(entry, anchor, known, common.get(entry.scope.level, ()), records, references)
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
    records: dict[tuple[str, str], ProtocolRecord],
    references: dict[str, Reference],
) -> EntryView:
    return EntryView(
        entry=entry,
        anchor=anchor,
        name=name_of(entry),
        badge=BADGES[entry.outcome],
        downgraded=entry.own_outcome != entry.outcome,
        decisive=decisive(entry),
        sensitivity=nearness.entry_line(entry),
        contrasts=_contrast_views(entry.contrasts, anchor),
        comparisons=comparison_groups(entry.comparisons, anchor),
        worst_cases=tuple(worst_case_row(case) for case in entry.worst_cases),
        readings=reading_grid(entry.readings),
        tables=tuple(number_table(table) for table in entry.tables),
        figures=_figure_views(entry.figures, anchor),
        differences=tuple(d for d in entry.scope.differences if d not in common),
        runs=tuple((short(run), run_anchor(run) if run in known else None) for run in entry.runs),
        protocol=None if entry.protocol == STANDARD else records[entry.paper, entry.protocol],
        alternatives=tuple(_reference(name, references) for name in entry.alternatives),
    )


def _contrast_views(contrasts: Sequence[Contrast], anchor: str) -> tuple[ContrastView, ...]:
    return tuple(
        ContrastView(one, strip, BADGES[one.outcome], nearness.contrast_line(one))
        for one, strip in zip(contrasts, contrast_strips(contrasts, anchor), strict=True)
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
