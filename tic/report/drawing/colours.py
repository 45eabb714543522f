"""Colour scales of heat maps: from zero, to both sides of a centre, or over a given span."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from tic.document.figures import HeatMap
from tic.report.number_tables import mean

_LARGEST = sys.float_info.max

Means = tuple[tuple[float | None, ...], ...]


@dataclass(frozen=True)
class ColourScale:
    """From the value without colour, `low` or else the `centre`, to those in full colour."""

    low: float
    high: float
    centre: float | None = None

    def strength(self, value: float) -> float:
        """Return how far a value lies up the scale, from 0 to 1."""
        if self.centre is None:
            return _fraction(value, self.low, self.high)
        if self.is_below(value):
            return _fraction(-value, -self.centre, -self.low)
        return _fraction(value, self.centre, self.high)

    def is_below(self, value: float) -> bool:
        """Tell whether a value has the colour of those below the centre."""
        return self.centre is not None and value < self.centre

    def at(self, fraction: float) -> float:
        """Return the value at a place of the scale, from 0 to 1."""
        return self.low * (1 - fraction) + self.high * fraction


def colour_scales(maps: Sequence[HeatMap]) -> tuple[ColourScale, ...]:
    """Return the scale of each heat map; those that show one quantity in one way share it.

    Args:
        maps: The heat maps of one figure.
    """
    quantities = [(one.scale_label, one.centre, one.span) for one in maps]
    means = dict[object, list[float]]()
    for one, quantity in zip(maps, quantities, strict=True):
        means.setdefault(quantity, []).extend(_measured(one))
    return tuple(
        _scale_of(one, means[quantity]) for one, quantity in zip(maps, quantities, strict=True)
    )


def means_of(heat_map: HeatMap) -> Means:
    """Return the mean over the seeds in each cell; None where nothing was measured."""
    return tuple(
        tuple(
            mean(values) if (values := heat_map.measured(row, column)) else None
            for column in range(len(heat_map.columns))
        )
        for row in range(len(heat_map.rows))
    )


def _scale_of(heat_map: HeatMap, means: Sequence[float]) -> ColourScale:
    if heat_map.span is not None:
        return ColourScale(*heat_map.span)
    centre = heat_map.centre
    if centre is None:
        return ColourScale(0.0, max([0.0, *means]))
    reach = max((abs(value - centre) for value in means), default=0.0)
    return ColourScale(max(centre - reach, -_LARGEST), min(centre + reach, _LARGEST), centre)


def _measured(heat_map: HeatMap) -> list[float]:
    return [value for row in means_of(heat_map) for value in row if value is not None]


def _fraction(value: float, low: float, high: float) -> float:
    # Halves, as the difference of two large numbers can be too large for a number.
    width = high / 2 - low / 2
    return min(max((value / 2 - low / 2) / width, 0.0), 1.0) if width > 0 else 0.0
