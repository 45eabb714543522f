"""One dot per seed on an axis, stacked where they would cover each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from tic.report import numerals
from tic.report.drawing import svg
from tic.report.drawing.scales import Scale

RADIUS, _LEVELS = 3.0, 3


def seed_dots(values: Sequence[tuple[str, float]], scale: Scale, bottom: float) -> Iterator[Markup]:
    """Stack dots upwards from `bottom`; what does not fit lies on the top level.

    Args:
        values: Name and value of each seed.
        scale: The axis.
        bottom: Where the lowest dots end.
    """
    free = [-float("inf")] * _LEVELS
    for name, value in sorted(values, key=lambda pair: (pair[1], pair[0])):
        x = scale(value)
        level = next((i for i, last in enumerate(free) if x - last >= 2 * RADIUS), _LEVELS - 1)
        free[level] = x
        y = bottom - RADIUS - level * (2 * RADIUS - 0.5)
        title = svg.element("title", f"{name}: {numerals.number(value)}")
        yield svg.element("circle", title, cx=x, cy=y, r=RADIUS, class_="seed")
