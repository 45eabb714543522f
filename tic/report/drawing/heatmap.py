"""Heat maps: cells coloured on one scale from zero, with named rows and numbered columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from tic.document.evidence import HeatMap
from tic.report.drawing import svg
from tic.report.numerals import MINUS, counted, number

WIDTH = 320.0
_TOP, _RIGHT = 20.0, WIDTH - 4.0
# Below the cells: numbers of the columns, their name, the name of the scale, the scale.
_NUMBERS, _NAME, _SCALE_NAME, _SCALE, _BOTTOM = 15.0, 31.0, 53.0, 60.0, 76.0
# Longer names of rows are cut, so that the cells keep their room; their titles hold them in full.
_WIDEST_NAME = 112.0
_ALL_ROWS, _LOWEST_ROW, _HIGHEST_ROW = 190.0, 14.0, 24.0
_LABEL_GAP = 6.0
_RAMP_WIDTH, _RAMP_HEIGHT, _RAMP_STEPS = 120.0, 10.0, 24


@dataclass(frozen=True)
class _Grid:
    left: float
    columns: tuple[float, ...]
    row_height: float
    row_count: int

    @property
    def bottom(self) -> float:
        return _TOP + self.row_height * self.row_count

    def box(self, row: int, column: int) -> tuple[float, float, float, float]:
        """Return left, top, right and bottom of a cell."""
        top = _TOP + self.row_height * row
        left, right = self.columns[column], self.columns[column + 1]
        return left, top, right, top + self.row_height


def tops(heat_maps: Sequence[HeatMap]) -> tuple[float, ...]:
    """Return where the scale of each heat map ends: at the largest value that it is shared by.

    Args:
        heat_maps: The heat maps of one figure; those with one `scale_label` share their scale.
    """
    largest: dict[str, float] = {}
    for one in heat_maps:
        values = (value for row in one.values for value in row)
        largest[one.scale_label] = max(largest.get(one.scale_label, 0.0), *values, 0.0)
    return tuple(largest[one.scale_label] for one in heat_maps)


def left_margin(heat_map: HeatMap) -> float:
    """Return the room that the names of the rows take."""
    widths = (svg.text_width(svg.fitted(name, _WIDEST_NAME)) for name in heat_map.rows)
    return max(widths, default=0.0) + 8


def draw(heat_map: HeatMap, top: float, left: float, ident: str) -> Markup:
    """Draw a heat map.

    Args:
        heat_map: What to draw.
        top: The value at which the colour scale ends, which maps of one figure may share.
        left: Room for the names of the rows, the same for all maps of a figure.
        ident: Prefix of the identifiers inside the drawing.
    """
    grid = _grid(heat_map, left)
    parts = [
        svg.label(svg.fitted(heat_map.y_label, WIDTH), (0, 12), "start", "label quiet"),
        *_cells(heat_map, top, grid),
        svg.box(left, _TOP, _RIGHT, grid.bottom, "frame"),
        *_row_names(heat_map, grid),
        *_column_numbers(heat_map, grid),
        *_scale(heat_map, top, grid.bottom),
    ]
    size = (WIDTH, grid.bottom + _BOTTOM)
    title = heat_map.title or heat_map.scale_label
    return svg.picture(size, ident, title, describe(heat_map, top), parts, "heatmap")


def describe(heat_map: HeatMap, top: float) -> str:
    """Say in words what the cells show: each row by its ends and its largest value."""
    sentences = [
        f"{heat_map.scale_label}; rows: {heat_map.y_label}; columns: {heat_map.x_label}.",
        f"Scale from 0 to {number(top)}.",
    ]
    rows = zip(heat_map.rows, heat_map.values, strict=True)
    sentences += [_describe_row(name, values, heat_map.columns) for name, values in rows]
    return " ".join(sentences)


def remark(heat_map: HeatMap) -> str:
    """Say which values the scale cannot show."""
    hidden = sum(value < 0 for row in heat_map.values for value in row)
    return f"{counted(hidden, 'value')} below zero drawn as zero." if hidden else ""


def opacity(value: float, top: float) -> float:
    """Return how far a value lies up the scale, from 0 to 1."""
    return min(max(value / top, 0.0), 1.0) if top > 0 else 0.0


def _grid(heat_map: HeatMap, left: float) -> _Grid:
    count = len(heat_map.columns)
    edges = tuple(left + (_RIGHT - left) * index / max(count, 1) for index in range(count + 1))
    height = min(max(_ALL_ROWS / len(heat_map.rows), _LOWEST_ROW), _HIGHEST_ROW)
    return _Grid(left, edges, height, len(heat_map.rows))


def _cells(heat_map: HeatMap, top: float, grid: _Grid) -> Iterator[Markup]:
    if not heat_map.columns:
        middle = ((grid.left + _RIGHT) / 2, (_TOP + grid.bottom) / 2 + 4)
        yield svg.label("no data", middle, "middle", "label quiet")
    for row, (name, values) in enumerate(zip(heat_map.rows, heat_map.values, strict=True)):
        for column, (x, value) in enumerate(zip(heat_map.columns, values, strict=True)):
            told = f"{name}, {heat_map.x_label} {_plain(x)}: {number(value)}"
            yield _filled(grid.box(row, column), opacity(value, top), "heat", told)


def _filled(
    sides: tuple[float, float, float, float], strength: float, kind: str, title: str = ""
) -> Markup:
    """Return a rectangle in the one colour of the scale, as opaque as its value is large."""
    left, top, right, bottom = sides
    return svg.element(
        "rect",
        *([svg.element("title", title)] if title else []),
        x=left,
        y=top,
        **{"width": right - left, "height": bottom - top},
        class_=kind,
        # Coordinates have one decimal, too few for a colour.
        fill_opacity=f"{strength:.3f}",
    )


def _row_names(heat_map: HeatMap, grid: _Grid) -> Iterator[Markup]:
    for index, name in enumerate(heat_map.rows):
        y = _TOP + grid.row_height * (index + 0.5) + 4
        yield svg.label(svg.fitted(name, _WIDEST_NAME), (grid.left - 6, y), "end")


def _column_numbers(heat_map: HeatMap, grid: _Grid) -> Iterator[Markup]:
    for text, x in _fitting([_plain(column) for column in heat_map.columns], grid):
        yield svg.label(text, (x, grid.bottom + _NUMBERS), "middle")
    middle = (grid.left + _RIGHT) / 2
    text = svg.fitted(heat_map.x_label, 2 * (WIDTH - middle))
    yield svg.label(text, (middle, grid.bottom + _NAME), "middle", "label quiet")


def _fitting(texts: Sequence[str], grid: _Grid) -> list[tuple[str, float]]:
    """Return the numbers that fit beside each other: all, every second, every third..."""
    placed = [_placed(text, index, grid) for index, text in enumerate(texts)]
    for step in range(1, len(placed) + 1):
        chosen = placed[::step]
        if all(_apart(one, other) for one, other in pairwise(chosen)):
            return chosen
    return placed


def _placed(text: str, column: int, grid: _Grid) -> tuple[str, float]:
    half = svg.text_width(text) / 2
    middle = (grid.columns[column] + grid.columns[column + 1]) / 2
    return text, min(max(middle, half), WIDTH - half)


def _apart(one: tuple[str, float], other: tuple[str, float]) -> bool:
    room = (svg.text_width(one[0]) + svg.text_width(other[0])) / 2
    return other[1] - one[1] >= room + _LABEL_GAP


def _scale(heat_map: HeatMap, top: float, bottom: float) -> Iterator[Markup]:
    """Draw the legend: what the colours mean, and the values at the ends of the scale."""
    name = svg.fitted(heat_map.scale_label, WIDTH)
    yield svg.label(name, (0, bottom + _SCALE_NAME), "start", "label quiet")
    high, low = bottom + _SCALE, bottom + _SCALE + _RAMP_HEIGHT
    left = svg.text_width("0") + 5
    yield svg.label("0", (0, low))
    width = _RAMP_WIDTH / _RAMP_STEPS
    for step in range(_RAMP_STEPS):
        start = left + width * step
        yield _filled((start, high, start + width, low), step / (_RAMP_STEPS - 1), "ramp")
    yield svg.box(left, high, left + _RAMP_WIDTH, low, "frame")
    yield svg.label(number(top), (left + _RAMP_WIDTH + 5, low))


def _describe_row(name: str, values: Sequence[float], columns: Sequence[float]) -> str:
    if not values:
        return f"{name}: no data."
    largest = max(range(len(values)), key=lambda index: values[index])
    return (
        f"{name}: {number(values[0])} at {_plain(columns[0])}, "
        f"{number(values[-1])} at {_plain(columns[-1])}, "
        f"largest {number(values[largest])} at {_plain(columns[largest])}."
    )


def _plain(value: float) -> str:
    return f"{value:g}".replace("-", MINUS)
