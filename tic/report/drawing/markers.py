"""Dotted vertical lines at marked places of an axis, with their values above the curves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from tic.document.figures import Series
from tic.report.drawing import curves, svg
from tic.report.drawing.scales import Scale
from tic.report.numerals import number

MARKER_ROW = 12.0
_GAP = 4.0


@dataclass(frozen=True)
class Marker:
    """A marked place: where its line stands, and where and in which row its value is written."""

    x: float
    label_x: float
    row: int
    text: str
    colour: str


def place_markers(series: Sequence[Series], scale: Scale, width: float) -> tuple[Marker, ...]:
    """Give each marker the lowest row in which its value covers no other.

    Args:
        series: The curves of a panel.
        scale: The axis.
        width: Width of the drawing, which no value may leave.
    """
    placed: list[Marker] = []
    for index, one in enumerate(series):
        if one.marker is None:
            continue
        text = number(one.marker)
        half = svg.text_width(text) / 2
        label_x = min(max(scale(one.marker), half), width - half)
        row = _free_row(placed, label_x, half)
        placed.append(Marker(scale(one.marker), label_x, row, text, curves.colour(index)))
    return tuple(placed)


def draw_markers(markers: Iterable[Marker], top: float, bottom: float) -> Iterator[Markup]:
    """Draw the lines between the heights `top` and `bottom`, the values above them."""
    for marker in markers:
        y = top - 3 - MARKER_ROW * marker.row
        yield svg.line((marker.x, y + 1), (marker.x, bottom), f"marker {marker.colour}")
        yield svg.label(marker.text, (marker.label_x, y), "middle", f"label {marker.colour}")


def _free_row(placed: Sequence[Marker], x: float, half: float) -> int:
    reach = [(m.row, svg.text_width(m.text) / 2 + half + _GAP, m.label_x) for m in placed]
    taken = {row for row, least, other in reach if abs(x - other) < least}
    return next(row for row in range(len(placed) + 1) if row not in taken)
