"""The grid of a heat map: where its cells lie, and which labels of its axes are written."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from tic.document.figures import Axis
from tic.report.drawing import svg
from tic.report.drawing.drawing import axis_label

WIDTH = 320.0
TOP, RIGHT = 20.0, WIDTH - 4.0
# Longer names are cut, so that the cells keep their room; their titles hold them in full.
_WIDEST_NAME = 112.0
# A few rows are as high as their names; many share a height at which a map is about square.
_FEW_ROWS, _MANY_ROWS, _LOWEST_ROW, _HIGHEST_ROW = 190.0, 280.0, 14.0, 24.0
_LEAST_ROW = 3.0
# Labels beside each other stand a gap apart on a level below the cells; below each other they take
# a line, and upright ones a little more, as the whole height of a line counts between them.
_LABEL_GAP, _LEVEL, _LINE, _UPRIGHT_LINE = 6.0, 15.0, 13.0, 16.0


@dataclass(frozen=True)
class Grid:
    """Where the cells lie: from `left` to `RIGHT`, from `TOP` downwards."""

    left: float
    row_count: int
    column_count: int
    row_height: float

    @property
    def bottom(self) -> float:
        """Return where the last row ends."""
        return TOP + self.row_height * self.row_count

    @property
    def column_width(self) -> float:
        """Return how wide a cell is."""
        return (RIGHT - self.left) / max(self.column_count, 1)

    def box(self, row: int, column: int) -> tuple[float, float, float, float]:
        """Return left, top, right and bottom of a cell."""
        return (
            _edge(self.left + self.column_width * column),
            _edge(TOP + self.row_height * row),
            _edge(self.left + self.column_width * (column + 1)),
            _edge(TOP + self.row_height * (row + 1)),
        )

    def middle(self, column: int) -> float:
        """Return where the middle of a column is."""
        return self.left + self.column_width * (column + 0.5)


@dataclass(frozen=True)
class Labels:
    """What is written along an axis, and the room that it takes."""

    markup: tuple[Markup, ...]
    room: float


def grid_of(rows: int, columns: int, left: float) -> Grid:
    """Return the cells of so many rows and columns, with `left` kept free for names."""
    height = min(max(_FEW_ROWS / max(rows, 1), _LOWEST_ROW), _HIGHEST_ROW)
    if height * rows > _MANY_ROWS:
        height = max(_MANY_ROWS / rows, _LEAST_ROW)
    return Grid(left, rows, columns, height)


def left_margin(rows: Axis) -> float:
    """Return the room that the labels of the rows take."""
    return max((svg.text_width(_cut(label)) for label in rows), default=0.0) + 8


def row_labels(rows: Axis, grid: Grid) -> Iterator[Markup]:
    """Write as many labels as fit below each other: all, every second, every third..."""
    for index in range(0, len(rows), _step(_LINE, grid.row_height)):
        y = TOP + grid.row_height * (index + 0.5) + 4
        yield svg.label(_cut(rows[index]), (grid.left - 6, y), "end")


def column_labels(columns: Axis, grid: Grid) -> Labels:
    """Write numbers and short names beside each other, and longer names upright."""
    placed = [_placed(axis_label(label), grid.middle(i)) for i, label in enumerate(columns)]
    beside = _fitting(placed)
    if len(beside) == len(placed) or not any(isinstance(label, str) for label in columns):
        y = grid.bottom + _LEVEL
        return Labels(tuple(svg.label(text, (x, y), "middle") for text, x in beside), _LEVEL)
    upright = [
        (_cut(columns[i]), i)
        for i in range(0, len(columns), _step(_UPRIGHT_LINE, grid.column_width))
    ]
    markup = (
        svg.upright_label(text, (grid.middle(index) + 4, grid.bottom + 5))
        for text, index in upright
    )
    return Labels(tuple(markup), max(svg.text_width(text) for text, _ in upright) + 5)


def _edge(position: float) -> float:
    """Round to the one decimal of a drawing first, so that no gap opens between neighbours."""
    return round(position, 1)


def _step(line: float, room: float) -> int:
    """Return how many rows or columns share one label, so that it has the room of a line."""
    return max(math.ceil(line / room), 1)


def _cut(label: str | float) -> str:
    return svg.fitted(axis_label(label), _WIDEST_NAME)


def _placed(text: str, middle: float) -> tuple[str, float]:
    half = svg.text_width(text) / 2
    return text, min(max(middle, half), WIDTH - half)


def _fitting(placed: Sequence[tuple[str, float]]) -> Sequence[tuple[str, float]]:
    """Return the labels that fit beside each other: all, every second, every third..."""
    for step in range(1, len(placed) + 1):
        chosen = placed[::step]
        if all(_apart(one, other) for one, other in pairwise(chosen)):
            return chosen
    return placed


def _apart(one: tuple[str, float], other: tuple[str, float]) -> bool:
    room = (svg.text_width(one[0]) + svg.text_width(other[0])) / 2
    return other[1] - one[1] >= room + _LABEL_GAP
