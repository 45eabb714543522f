"""Curves, on common axes where the panels of a figure show the same quantity."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from tic.document.evidence import Table, TableRow
from tic.document.figures import Panel, Series
from tic.report.drawing import curves, panel, svg
from tic.report.drawing.axes import shared
from tic.report.drawing.drawing import Drawing, Legend, axis_label, swatch
from tic.report.drawing.panel import Axes
from tic.report.drawing.scales import Domain, domain, from_zero, log_domain

# A panel whose data would fill less of a common axis than this keeps an axis of its own.
_LEAST_X, _LEAST_Y = 0.5, 0.3


def drawings(panels: Mapping[int, Panel], ident: str) -> Iterator[tuple[int, Drawing]]:
    """Draw the panels of one figure, each with its place in it."""
    axes = _common_axes(tuple(panels.values()))
    left = max((panel.left_margin(one) for one in axes), default=0.0)
    for (place, one), ax in zip(panels.items(), axes, strict=True):
        image = panel.draw(one, ax, left, f"{ident}-{place + 1}")
        yield place, Drawing(one.title, image, _legend(one), _remark(one, ax), _table(one))


def reading(panels: Sequence[Panel]) -> str:
    """Say how seeds are drawn."""
    counts = [len(series.values) for one in panels for series in one.series]
    if max(counts, default=0) < 2:
        return ""
    if max(counts) <= curves.MOST_THIN:
        return "Bold: mean over the seeds; thin: one curve per seed."
    return "Line: mean over the seeds; band: from the smallest to the largest seed."


def different_axes(panels: Sequence[Panel]) -> bool:
    """Tell whether panels that show the same quantity do so on different ranges of y."""
    axes = _common_axes(panels)
    labels = {one.y_label for one in panels}
    return any(
        len({ax.y for ax, one in zip(axes, panels, strict=True) if one.y_label == label}) > 1
        for label in labels
    )


def _common_axes(panels: Sequence[Panel]) -> tuple[Axes, ...]:
    logs = [one.log_y and bool(curves.shown_values(one, log=True)) for one in panels]
    quantities = [(p.x_label, p.y_label, log) for p, log in zip(panels, logs, strict=True)]
    x = shared([domain(curves.shown_x(one), pad=0) for one in panels], quantities, _LEAST_X)
    y_alone = [_y_span(one, log) for one, log in zip(panels, logs, strict=True)]
    y = shared(y_alone, quantities, _LEAST_Y)
    return tuple(
        Axes(x_span, _unlog(y_span) if log else y_span, log)
        for x_span, y_span, log in zip(x, y, logs, strict=True)
    )


def _y_span(one: Panel, log: bool) -> Domain:
    """Return the range of y; of its decimal logarithm where the axis is logarithmic."""
    values = curves.shown_values(one, log)
    if log:
        low, high = log_domain(values)
        return (math.log10(low), math.log10(high))
    return from_zero(domain(values), values)


def _unlog(span: Domain) -> Domain:
    return (10.0 ** span[0], 10.0 ** span[1])


def _legend(one: Panel) -> Legend:
    if not curves.needs_legend(one):
        return ()
    return tuple(
        (
            swatch(
                svg.path([(0.0, 6.0), (26.0, 6.0)], curves.stroke(index)),
                svg.glyph(index, (13.0, 6.0), f"glyph {curves.colour(index)}"),
            ),
            series.name,
        )
        for index, series in enumerate(one.series)
    )


def _remark(one: Panel, axes: Axes) -> str:
    hidden = len(curves.shown_values(one, log=False)) - len(curves.shown_values(one, axes.log))
    if hidden:
        return f"{hidden} values at or below zero cannot be drawn on a logarithmic axis."
    if one.log_y and not axes.log:
        return "No value is above zero, so the axis is linear."
    return ""


def _table(one: Panel) -> Table:
    """Return the values of every curve at every x, one per seed that came so far."""
    places = sorted({x for series in one.series for x in series.x})
    return Table(
        title=one.title or one.y_label,
        caption="",
        unit=one.y_label,
        columns=tuple(series.name for series in one.series),
        rows=tuple(
            TableRow(
                name=f"{one.x_label} {axis_label(x)}",
                group="",
                values=tuple(_values_at(series, x) for series in one.series),
            )
            for x in places
        ),
    )


def _values_at(series: Series, x: float) -> tuple[float, ...]:
    points = (point for seed in curves.seed_curves(series) for point in seed)
    return tuple(value for at, value in points if at == x)
