"""A claim, or a rival of one, arranged for reading, with everything that its verdict rests on."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from tic.document.evidence import Contrast
from tic.document.figures import Figure
from tic.report.coverage import coverage_lines
from tic.report.drawing.drawing import Drawing
from tic.report.drawing.figures import different_axes, figure_drawings, reading
from tic.report.drawing.forest import contrast_strips
from tic.report.findings import nearness
from tic.report.findings.worst_cases import WorstCaseRow, worst_case_row
from tic.report.index import Index, Item
from tic.report.number_tables import NumberTable, number_table
from tic.report.readings import ReadingGrid, reading_grid
from tic.report.tables import ComparisonGroup, comparison_groups, run_anchor, short
from tic.report.verdicts import BADGES, Badge


@dataclass(frozen=True)
class FigureView:
    """A figure with its drawings."""

    figure: Figure
    drawings: tuple[Drawing, ...]
    reading: str
    axes_differ: bool


@dataclass(frozen=True)
class ContrastView:
    """A contrast with its strip, how near it was to another outcome, and why no seed settles it."""

    contrast: Contrast
    strip: Markup
    badge: Badge
    sensitivity: str
    unsettled: str


@dataclass(frozen=True)
class Article:
    """One claim or rival in one setting, with everything the page shows of it.

    `coverage` says what the verdict covers. `alternatives` are the verdicts under the protocols
    that could change this one, and `not_run` those of these protocols that this audit has no
    verdict under.
    """

    item: Item
    sensitivity: str
    coverage: tuple[str, ...]
    contrasts: tuple[ContrastView, ...]
    comparisons: tuple[ComparisonGroup, ...]
    worst_cases: tuple[WorstCaseRow, ...]
    readings: ReadingGrid | None
    tables: tuple[NumberTable, ...]
    figures: tuple[FigureView, ...]
    differences: tuple[str, ...]
    runs: tuple[tuple[str, str | None], ...]
    alternatives: tuple[Item, ...]
    not_run: tuple[str, ...]


def articles(
    index: Index, items: Sequence[Item], common: Mapping[tuple[str, str], Collection[str]]
) -> tuple[Article, ...]:
    """Arrange claims or rivals.

    Args:
        index: That of the audit.
        items: Those to arrange.
        common: By paper and scope: the differences from the paper that stand on top.
    """
    known = {run.fingerprint for run in index.audit.runs}
    return tuple(
        _article(
            item,
            known,
            common.get((item.entry.paper, item.entry.scope.level), ()),
            index.siblings.get(item, {}),
        )
        for item in items
    )


def _article(
    item: Item, known: Collection[str], common: Collection[str], siblings: Mapping[str, Item]
) -> Article:
    entry, anchor = item.entry, item.anchor
    return Article(
        item=item,
        sensitivity=nearness.entry_line(entry),
        coverage=coverage_lines(entry),
        contrasts=_contrast_views(entry.contrasts, anchor),
        comparisons=comparison_groups(entry.comparisons, anchor),
        worst_cases=tuple(worst_case_row(case) for case in entry.worst_cases),
        readings=reading_grid(entry.readings),
        tables=tuple(number_table(table) for table in entry.tables),
        figures=_figure_views(entry.figures, anchor),
        differences=tuple(d for d in entry.scope.differences if d not in common),
        runs=tuple((short(run), run_anchor(run) if run in known else None) for run in entry.runs),
        alternatives=tuple(siblings[name] for name in entry.alternatives if name in siblings),
        not_run=tuple(name for name in entry.alternatives if name not in siblings),
    )


def _contrast_views(contrasts: Sequence[Contrast], anchor: str) -> tuple[ContrastView, ...]:
    return tuple(
        ContrastView(
            contrast=one,
            strip=strip,
            badge=BADGES[one.outcome],
            sensitivity=nearness.contrast_line(one),
            unsettled=nearness.unsettled_line(one),
        )
        for one, strip in zip(contrasts, contrast_strips(contrasts, anchor), strict=True)
    )


def _figure_views(figures: Sequence[Figure], anchor: str) -> tuple[FigureView, ...]:
    return tuple(
        FigureView(
            figure=figure,
            drawings=figure_drawings(figure, f"{anchor}-f{place}"),
            reading=reading(figure),
            axes_differ=different_axes(figure),
        )
        for place, figure in enumerate(figures, start=1)
    )
