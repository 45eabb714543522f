"""One set of axes: curves of all seeds, their means, dotted markers and names beside the curves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from tic.document.figures import Panel, Series
from tic.report.drawing import curves, svg
from tic.report.drawing.axes import x_axis, x_name, y_axis
from tic.report.drawing.markers import MARKER_ROW, Marker, draw_markers, place_markers
from tic.report.drawing.scales import Domain, Scale, log_labels, tick_labels, ticks

WIDTH, HEIGHT = 320.0, 220.0
_TOP, _BOTTOM = 24.0, 38.0
_INSET = 6.0
_MOST_GLYPHS = 16


@dataclass(frozen=True)
class Axes:
    """The ranges of one panel; `log` is whether y really is logarithmic."""

    x: Domain
    y: Domain
    log: bool

    def y_ticks(self) -> tuple[tuple[float, str], ...]:
        """Return ticks of y with their labels."""
        at = ticks(self.y, 4, self.log)
        labels = log_labels(at) if self.log else tick_labels(at)
        return tuple(zip(at, labels, strict=True))


@dataclass(frozen=True)
class _Frame:
    x: Scale
    y: Scale
    left: float
    right: float
    markers: tuple[Marker, ...]

    @property
    def top(self) -> float:
        return self.y.stop

    @property
    def bottom(self) -> float:
        return self.y.start


def left_margin(axes: Axes) -> float:
    """Return the room that the tick labels of y take."""
    return max(svg.text_width(label) for _, label in (*axes.y_ticks(), (0.0, "00"))) + 8


def draw(panel: Panel, axes: Axes, left: float, ident: str) -> Markup:
    """Draw a panel.

    Args:
        panel: What to draw.
        axes: The ranges, which panels of one figure may share.
        left: Room for the tick labels of y, the same for all panels of a figure.
        ident: Prefix of the identifiers inside the drawing.
    """
    frame = _frame(panel, axes, left)
    parts = [
        *_labels(panel, axes, frame),
        *draw_markers(frame.markers, frame.top, frame.bottom),
    ]
    if not curves.shown_values(panel, axes.log):
        middle = ((frame.left + frame.right) / 2, (frame.top + frame.bottom) / 2)
        parts.append(svg.label("no data", middle, "middle", "label quiet"))
    for index, series in enumerate(panel.series):
        parts += _seeds(series, index, frame, axes.log)
    for index, series in enumerate(panel.series):
        parts += _mean(series, index, frame, axes.log)
    parts += _names(panel, frame, axes.log)
    title = panel.title or panel.y_label
    return svg.picture((WIDTH, HEIGHT), ident, title, curves.describe(panel), parts, "panel")


def _frame(panel: Panel, axes: Axes, left: float) -> _Frame:
    names = curves.direct_labels(panel)
    room = max((svg.text_width(name) for name in names), default=0.0)
    right = WIDTH - (room + 10 if names else 8)
    x = Scale(*axes.x, left + _INSET, right - _INSET)
    marks = place_markers(panel.series, x, WIDTH)
    rows = 1 + max((mark.row for mark in marks), default=-1)
    y = Scale(*axes.y, HEIGHT - _BOTTOM, _TOP + MARKER_ROW * rows, axes.log)
    return _Frame(x, y, left, right, marks)


def _labels(panel: Panel, axes: Axes, frame: _Frame) -> Iterator[Markup]:
    ends = (frame.left, frame.right)
    yield from y_axis(axes.y_ticks(), frame.y, *ends)
    scale = " (log scale)" if axes.log else ""
    yield svg.label(svg.fitted(panel.y_label + scale, WIDTH), (0, 12), "start", "label quiet")
    yield from x_axis(_x_ticks(panel, axes.x), frame.x, ends, frame.bottom, WIDTH)
    yield x_name(panel.x_label, ends, HEIGHT - 4, WIDTH)


def _x_ticks(panel: Panel, span: Domain) -> tuple[float, ...]:
    """Label every step of a short count such as timesteps, round numbers otherwise."""
    steps = sorted({x for series in panel.series for x in series.x})
    if 2 <= len(steps) <= 11 and curves.is_integral(steps) and steps[-1] - steps[0] <= 10:
        return tuple(steps)
    return ticks(span, 5)


def _placed(points: curves.Values, frame: _Frame, log: bool) -> list[svg.Point | None]:
    return [(frame.x(x), frame.y(y)) if y > 0 or not log else None for x, y in points]


def _seeds(series: Series, index: int, frame: _Frame, log: bool) -> Iterator[Markup]:
    seeds = curves.seed_curves(series)
    if len(seeds) > curves.MOST_THIN:
        low, high = (_placed(side, frame, log) for side in curves.range_curve(series))
        edge = [point for point in [*low, *high[::-1]] if point is not None]
        if edge:
            yield svg.area(edge, f"band {curves.colour(index)}")
        return
    if len(seeds) > 1:
        for points in seeds:
            yield svg.path(_placed(points, frame, log), f"thin {curves.colour(index)}")


def _mean(series: Series, index: int, frame: _Frame, log: bool) -> Iterator[Markup]:
    placed = _placed(curves.mean_curve(series), frame, log)
    yield svg.path(placed, curves.stroke(index))
    points = [point for point in placed if point is not None]
    for point in points if len(points) <= _MOST_GLYPHS else points[-1:]:
        yield svg.glyph(index, point, f"glyph {curves.colour(index)}")


def _names(panel: Panel, frame: _Frame, log: bool) -> Iterator[Markup]:
    names = curves.direct_labels(panel)
    wanted = [_last(series, frame, log) for series in panel.series] if names else []
    heights = curves.apart(wanted, curves.LABEL_GAP, frame.top, frame.bottom)
    for index, (name, y) in enumerate(zip(names, heights, strict=True)):
        at = (frame.right + 4, y + 4)
        yield svg.label(name, at, "start", f"label {curves.colour(index)}")


def _last(series: Series, frame: _Frame, log: bool) -> float:
    placed = _placed(curves.mean_curve(series), frame, log)
    return next((point[1] for point in placed[::-1] if point is not None), frame.bottom)
