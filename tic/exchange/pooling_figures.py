"""Pooling the figures that several audits have of one claim."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tic.document.audit import Entry
from tic.document.deciding import sampled_seeds
from tic.document.evidence import Record
from tic.document.figures import Figure, FigurePart, Grid, Histogram, Panel
from tic.exchange.pooling_seeds import SeedOrder


def pool_figures(entries: Sequence[Entry]) -> tuple[Figure, ...]:
    """One figure with the seeds of all where its numbers are one per seed, or else side by side.

    Counts of histograms, which are over all seeds, are added. Images have no seeds: they are
    shown once where all audits have the same.
    """
    if len({len(entry.figures) for entry in entries}) > 1:
        return tuple(_titled(entry, figure) for entry in entries for figure in entry.figures)
    order = SeedOrder.of_entries(entries)
    shown: list[Figure] = []
    for figures in zip(*(entry.figures for entry in entries), strict=True):
        joined = _pool_figure(figures, order)
        alone = (_titled(entry, figure) for entry, figure in zip(entries, figures, strict=True))
        shown += alone if joined is None else [joined]
    return tuple(shown)


def seeds_text(entry: Entry) -> str:
    """Name the seeds that an entry was judged on, in order."""
    return ", ".join(map(str, sorted(sampled_seeds(entry)))) or "none"


def _titled(entry: Entry, figure: Figure) -> Figure:
    return figure.model_copy(update={"title": f"{figure.title}, seeds {seeds_text(entry)}"})


def _pool_figure(figures: Sequence[Figure], order: SeedOrder) -> Figure | None:
    if not _are_alike(figures, {"panels"}) or len({len(one.panels) for one in figures}) > 1:
        return None
    panels = [
        _pool_part(parts, order) for parts in zip(*(one.panels for one in figures), strict=True)
    ]
    if any(part is None for part in panels):
        return None
    return figures[0].model_copy(update={"panels": tuple(panels)})


def _pool_part(parts: Sequence[FigurePart], order: SeedOrder) -> Record | None:
    """Return the part with the seeds of all; None where that would not be one number per seed."""
    first = parts[0]
    if isinstance(first, Panel):
        return _pool_panels(parts, order)
    if isinstance(first, Grid):
        return _pool_values(parts, order)
    if isinstance(first, Histogram):
        return _pool_counts(parts)
    return first if _are_alike(parts, set()) else None


def _pool_panels(panels: Sequence[Any], order: SeedOrder) -> Record | None:
    if not _are_alike(panels, {"series"}) or len({len(one.series) for one in panels}) > 1:
        return None
    series = [
        _pool_values(curves, order) for curves in zip(*(one.series for one in panels), strict=True)
    ]
    if any(one is None for one in series):
        return None
    pooled: Record = panels[0].model_copy(update={"series": tuple(series)})
    return pooled


def _pool_counts(histograms: Sequence[Any]) -> Record | None:
    if not _are_alike(histograms, {"counts"}):
        return None
    by_series = zip(*(one.counts for one in histograms), strict=True)
    added = tuple(tuple(map(sum, zip(*rows, strict=True))) for rows in by_series)
    pooled: Record = histograms[0].model_copy(update={"counts": added})
    return pooled


def _pool_values(records: Sequence[Any], order: SeedOrder) -> Record | None:
    """Join `values`, of which the first axis must be the seeds."""
    if not _are_alike(records, {"values"}):
        return None
    values = [record.values for record in records]
    if not order.fits(values):
        return None
    pooled: Record = records[0].model_copy(update={"values": order.joined(values)})
    return pooled


def _are_alike(records: Sequence[Record], apart: set[str]) -> bool:
    first, *others = [(type(record), record.model_dump(exclude=apart)) for record in records]
    return all(other == first for other in others)
