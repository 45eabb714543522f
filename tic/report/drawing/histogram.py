"""Histograms: counts or shares by bin, several series side by side or on each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from tic.document.evidence import Table, TableRow
from tic.document.figures import Histogram
from tic.report.drawing import curves, svg
from tic.report.drawing.axes import Ticks, fitting_ticks, shared, x_axis, x_name, y_axis
from tic.report.drawing.drawing import Drawing, Legend, axis_label, sentences, swatch
from tic.report.drawing.scales import Domain, Scale, domain, tick_labels, ticks
from tic.report.numerals import counted, number

WIDTH, HEIGHT = 320.0, 200.0
_TOP, _BOTTOM, _RIGHT = 24.0, HEIGHT - 38.0, WIDTH - 12.0
# Series of one bin leave this part of it free, so that bins can be spoken apart.
_FREE = 0.15
# Heights that would fill less of a common axis than this keep an axis of their own.
_LEAST = 0.3


@dataclass(frozen=True)
class _Frame:
    x: Scale
    y: Scale

    def bin(self, one: Histogram, index: int) -> Domain:
        """Return the ends of a bin."""
        return self.x(one.edges[index]), self.x(one.edges[index + 1])


def drawings(parts: Mapping[int, Histogram], ident: str) -> Iterator[tuple[int, Drawing]]:
    """Draw the histograms of one figure, those of one quantity on one axis of y."""
    members = tuple(parts.values())
    quantities = [(one.x_label, one.shares) for one in members]
    spans = shared([span_of(one) for one in members], quantities, _LEAST)
    left = max((_left_margin(span) for span in spans), default=0.0)
    for (place, one), span in zip(parts.items(), spans, strict=True):
        image = draw(one, span, left, f"{ident}-{place + 1}")
        yield place, Drawing(one.title, image, _legend(one), _remark(one), _table(one))


def reading(parts: Sequence[Histogram]) -> str:
    """Say what the heights are, and how several series stand."""
    if not parts:
        return ""
    units = {"shares of the counts of a series" if one.shares else "counts" for one in parts}
    side_by_side = any(len(one.series) > 1 and not one.overlaid for one in parts)
    order = "the series of a bin stand in the order of the legend" if side_by_side else ""
    heights = f"Heights: {' or '.join(sorted(units))}, over all seeds"
    return f"{'; '.join(filter(None, (heights, order)))}."


def span_of(one: Histogram) -> Domain:
    """Return the range of heights, from zero."""
    heights = (height for index in range(len(one.series)) for height in one.heights(index))
    top = max(heights, default=0.0)
    return (0.0, domain([0.0, top])[1] if top > 0 else 1.0)


def draw(one: Histogram, span: Domain, left: float, ident: str) -> Markup:
    """Draw a histogram.

    Args:
        one: What to draw.
        span: The range of heights, which histograms of one figure may share.
        left: Room for the numbers of y, the same for all histograms of a figure.
        ident: Prefix of the identifiers inside the drawing.
    """
    x_span = domain(one.edges, pad=0)
    frame = _Frame(Scale(*x_span, left, _RIGHT), Scale(*span, _BOTTOM, _TOP))
    ends = (left, _RIGHT)
    parts = [
        *y_axis(_y_ticks(span), frame.y, *ends),
        svg.label(_y_label(one), (0, 12), "start", "label quiet"),
    ]
    for index in range(len(one.series)):
        parts += _overlaid(one, index, frame) if one.overlaid else _bars(one, index, frame)
    parts += x_axis(fitting_ticks(x_span, frame.x, 5, WIDTH), frame.x, ends, _BOTTOM, WIDTH)
    parts.append(x_name(one.x_label, ends, HEIGHT - 4, WIDTH))
    size = (WIDTH, HEIGHT)
    return svg.picture(size, ident, one.title or one.x_label, describe(one), parts, "histogram")


def describe(one: Histogram) -> str:
    """Say in words what the bins hold: the sum and the fullest bin of each series."""
    spoken = [
        f"{_y_label(one)} of {one.x_label}, {counted(len(one.edges) - 1, 'bin')} "
        f"from {axis_label(one.edges[0])} to {axis_label(one.edges[-1])}."
    ]
    for index, name in enumerate(one.series):
        counts = one.counts[index]
        largest = max(range(len(counts)), key=counts.__getitem__)
        spoken.append(
            f"{name}: {sum(counts)} in all, most from {_bin_name(one, largest)} "
            f"({number(one.heights(index)[largest])})."
            if sum(counts)
            else f"{name}: no counts."
        )
    return " ".join(spoken)


def _y_label(one: Histogram) -> str:
    return "share" if one.shares else "count"


def _y_ticks(span: Domain) -> Ticks:
    at = ticks(span, 4)
    return tuple(zip(at, tick_labels(at), strict=True))


def _left_margin(span: Domain) -> float:
    return max(svg.text_width(text) for _, text in (*_y_ticks(span), (0.0, "00"))) + 8


def _bars(one: Histogram, index: int, frame: _Frame) -> Iterator[Markup]:
    for place, height in enumerate(one.heights(index)):
        low, high = frame.bin(one, place)
        free = _FREE * (high - low) if len(one.series) > 1 else 0.0
        width = (high - low - free) / len(one.series)
        left = low + free / 2 + width * index
        sides = (left, frame.y(height), left + width, _BOTTOM)
        kind = f"bin {curves.colour(index)}"
        yield svg.titled_box(_says(one, index, place), *sides, kind)


def _overlaid(one: Histogram, index: int, frame: _Frame) -> Iterator[Markup]:
    """Draw the outline of a series over a pale area, so that what lies below is seen."""
    outline: list[svg.Point] = [(frame.x(one.edges[0]), _BOTTOM)]
    for place, height in enumerate(one.heights(index)):
        outline += [(x, frame.y(height)) for x in frame.bin(one, place)]
    outline.append((frame.x(one.edges[-1]), _BOTTOM))
    yield svg.area(outline, f"band {curves.colour(index)}")
    yield svg.path(outline, curves.stroke(index))


def _legend(one: Histogram) -> Legend:
    if one.series == (one.title,):
        return ()
    return tuple((_swatch(one, index), name) for index, name in enumerate(one.series))


def _swatch(one: Histogram, index: int) -> Markup:
    if one.overlaid:
        return swatch(svg.path([(0.0, 6.0), (26.0, 6.0)], curves.stroke(index)))
    return swatch(svg.box(4, 0, 22, 12, f"bin {curves.colour(index)}"))


def _remark(one: Histogram) -> str:
    # Halves, as the difference of two large numbers can be too large for a number.
    widths = [high / 2 - low / 2 for low, high in zip(one.edges, one.edges[1:], strict=False)]
    uneven = max(widths) - min(widths) > 1e-6 * max(widths)
    empty = sum(not sum(counts) for counts in one.counts)
    return sentences(
        f"Bins differ in width; heights are {_y_label(one)}s, not densities." if uneven else "",
        f"{empty} of {len(one.series)} series without counts." if empty else "",
    )


def _bin_name(one: Histogram, index: int) -> str:
    return f"{axis_label(one.edges[index])} to {axis_label(one.edges[index + 1])}"


def _says(one: Histogram, series: int, index: int) -> str:
    height = number(one.heights(series)[index])
    return f"{one.series[series]}, {_bin_name(one, index)}: {height}"


def _table(one: Histogram) -> Table:
    heights = [one.heights(index) for index in range(len(one.series))]
    return Table(
        title=one.title or one.x_label,
        caption="",
        unit=_y_label(one),
        columns=one.series,
        rows=tuple(
            TableRow(
                name=f"{one.x_label} {_bin_name(one, index)}",
                group="",
                values=tuple((column[index],) for column in heights),
            )
            for index in range(len(one.edges) - 1)
        ),
    )
