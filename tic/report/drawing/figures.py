"""Figures as rows of panels, on common axes and scales where they show the same quantity."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from tic.document.evidence import Figure, HeatMap, Panel
from tic.report.drawing import curves, heatmap, panel, svg
from tic.report.drawing.panel import Axes
from tic.report.drawing.parts import parts
from tic.report.drawing.scales import Domain, domain, from_zero, log_domain, share

# A panel whose data would fill less of a common axis than this keeps an axis of its own.
_LEAST_X, _LEAST_Y = 0.5, 0.3


@dataclass(frozen=True)
class Drawing:
    """One panel, ready for the page."""

    title: str
    image: Markup
    legend: tuple[tuple[Markup, str], ...]
    remark: str


def figure_drawings(figure: Figure, ident: str) -> tuple[Drawing, ...]:
    """Draw all panels and heat maps of a figure, in its order.

    Args:
        figure: The data.
        ident: Prefix of the identifiers inside the drawings.
    """
    found = parts(figure)
    drawn = dict(_panel_drawings(found.panels, ident))
    drawn.update(_heat_map_drawings(found.heat_maps, ident))
    return tuple(drawn[place] for place in sorted(drawn))


def different_axes(figure: Figure) -> bool:
    """Tell whether panels that show the same quantity do so on different ranges of y."""
    panels = tuple(parts(figure).panels.values())
    axes = _common_axes(panels)
    labels = {one.y_label for one in panels}
    return any(
        len({ax.y for ax, one in zip(axes, panels, strict=True) if one.y_label == label}) > 1
        for label in labels
    )


def reading(figure: Figure) -> str:
    """Say how seeds are drawn in this figure."""
    found = parts(figure)
    sentences = [_reading_of_curves(tuple(found.panels.values()))]
    if found.heat_maps:
        sentences.append("Cells: mean over the seeds.")
    return " ".join(filter(None, sentences))


def _reading_of_curves(panels: Sequence[Panel]) -> str:
    counts = [len(series.values) for one in panels for series in one.series]
    if max(counts, default=0) < 2:
        return ""
    if max(counts) <= curves.MOST_THIN:
        return "Bold: mean over the seeds; thin: one curve per seed."
    return "Line: mean over the seeds; band: from the smallest to the largest seed."


def _panel_drawings(panels: Mapping[int, Panel], ident: str) -> Iterator[tuple[int, Drawing]]:
    axes = _common_axes(tuple(panels.values()))
    left = max((panel.left_margin(one) for one in axes), default=0.0)
    for (place, one), ax in zip(panels.items(), axes, strict=True):
        image = panel.draw(one, ax, left, f"{ident}-{place + 1}")
        yield place, Drawing(one.title, image, _legend(one), _remark(one, ax))


def _heat_map_drawings(maps: Mapping[int, HeatMap], ident: str) -> Iterator[tuple[int, Drawing]]:
    tops = heatmap.tops(tuple(maps.values()))
    left = max((heatmap.left_margin(one) for one in maps.values()), default=0.0)
    for (place, one), top in zip(maps.items(), tops, strict=True):
        image = heatmap.draw(one, top, left, f"{ident}-{place + 1}")
        yield place, Drawing(one.title, image, (), heatmap.remark(one))


def _common_axes(panels: Sequence[Panel]) -> tuple[Axes, ...]:
    logs = [one.log_y and bool(curves.shown_values(one, log=True)) for one in panels]
    kinds = [(p.x_label, p.y_label, log) for p, log in zip(panels, logs, strict=True)]
    x = _shared([domain(curves.shown_x(one), pad=0) for one in panels], kinds, _LEAST_X)
    y_alone = [_y_span(one, log) for one, log in zip(panels, logs, strict=True)]
    y = _shared(y_alone, kinds, _LEAST_Y)
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


def _shared(
    spans: Sequence[Domain], kinds: Sequence[tuple[str, str, bool]], least: float
) -> tuple[Domain, ...]:
    """Share ranges among the panels of one kind."""
    result = list(spans)
    for kind in dict.fromkeys(kinds):
        members = [i for i, other in enumerate(kinds) if other == kind]
        common = share([spans[i] for i in members], least)
        for i, span in zip(members, common, strict=True):
            result[i] = span
    return tuple(result)


def _legend(one: Panel) -> tuple[tuple[Markup, str], ...]:
    if not curves.needs_legend(one):
        return ()
    return tuple((_swatch(index), series.name) for index, series in enumerate(one.series))


def _swatch(index: int) -> Markup:
    parts = [
        svg.path([(0.0, 6.0), (26.0, 6.0)], curves.stroke(index)),
        svg.glyph(index, (13.0, 6.0), f"glyph {curves.colour(index)}"),
    ]
    return svg.element("svg", *parts, class_="swatch", viewBox="0 0 26 12", aria_hidden="true")


def _remark(one: Panel, axes: Axes) -> str:
    hidden = len(curves.shown_values(one, log=False)) - len(curves.shown_values(one, axes.log))
    if hidden:
        return f"{hidden} values at or below zero cannot be drawn on a logarithmic axis."
    if one.log_y and not axes.log:
        return "No value is above zero, so the axis is linear."
    return ""
