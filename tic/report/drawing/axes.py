"""Axes with their ticks, and the ranges that neighbouring drawings share."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from itertools import pairwise

from markupsafe import Markup

from tic.report.drawing import svg
from tic.report.drawing.scales import Domain, Scale, share, tick_labels, ticks

_GAP = 6.0

Ticks = Sequence[tuple[float, str]]


def y_axis(labelled: Ticks, scale: Scale, left: float, right: float) -> Iterator[Markup]:
    """Draw a line across for every tick, with its number on the left."""
    for value, text in labelled:
        y = scale(value)
        yield svg.line((left, y), (right, y), "grid")
        yield svg.label(text, (left - 5, y + 4), "end")


def x_axis(
    at: Sequence[float], scale: Scale, ends: Domain, y: float, width: float
) -> Iterator[Markup]:
    """Draw the line at the bottom between two `ends`, with its ticks and their numbers.

    Args:
        at: The ticks.
        scale: The axis.
        ends: Where the line begins and ends.
        y: Its height in the drawing.
        width: Of the drawing, which no number may leave.
    """
    yield svg.line((ends[0], y), (ends[1], y), "axis")
    for value, (text, middle) in zip(at, _numbers(at, scale, width), strict=True):
        yield svg.line((scale(value), y), (scale(value), y + 4), "axis")
        yield svg.label(text, (middle, y + 16), "middle")


def fitting_ticks(span: Domain, scale: Scale, count: int, width: float) -> tuple[float, ...]:
    """Return at most about `count` ticks whose numbers stand apart, fewer where they are wide."""
    for fewer in range(count, 1, -1):
        at = ticks(span, fewer)
        if _are_apart(_numbers(at, scale, width)):
            return at
    return ticks(span, 1)


def _numbers(at: Sequence[float], scale: Scale, width: float) -> list[tuple[str, float]]:
    """Return the printed numbers of an axis with their middles."""
    placed = []
    for value, text in zip(at, tick_labels(at), strict=True):
        half = svg.text_width(text) / 2
        placed.append((text, min(max(scale(value), half), width - half)))
    return placed


def _are_apart(placed: Sequence[tuple[str, float]]) -> bool:
    return all(
        other - one >= (svg.text_width(text) + svg.text_width(next_text)) / 2 + _GAP
        for (text, one), (next_text, other) in pairwise(placed)
    )


def x_name(name: str, ends: Domain, y: float, width: float) -> Markup:
    """Write what the axis at the bottom shows below its middle, cut to the drawing's `width`."""
    middle = (ends[0] + ends[1]) / 2
    text = svg.fitted(name, 2 * min(middle, width - middle))
    return svg.label(text, (middle, y), "middle", "label quiet")


def shared(
    spans: Sequence[Domain], quantities: Sequence[Hashable], least: float
) -> tuple[Domain, ...]:
    """Share ranges among the drawings of one quantity.

    Args:
        spans: The range that each drawing would have alone.
        quantities: What each of them shows.
        least: The smallest part of a common range that a drawing's own may fill.
    """
    result = list(spans)
    for quantity in dict.fromkeys(quantities):
        members = [i for i, other in enumerate(quantities) if other == quantity]
        common = share([spans[i] for i in members], least)
        for i, span in zip(members, common, strict=True):
            result[i] = span
    return tuple(result)
