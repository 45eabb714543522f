"""What is drawn of a series: its seeds, their mean and range, and how it is named in a drawing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from tic.document.figures import Panel, Series
from tic.report.drawing import svg
from tic.report.numerals import counted, number

_COLOURS, _DASHES = 8, 4
# Wider names go to a legend below the axes, so that the curves keep their room.
_WIDEST_LABEL = 104.0
_MOST_LABELS = 9
LABEL_GAP = 13.0
# More seeds than this are a tangle; their range is shown instead.
MOST_THIN = 12

Values = tuple[tuple[float, float], ...]


def seed_curves(series: Series) -> tuple[Values, ...]:
    """Return the points of each seed; a seed that stopped early has fewer."""
    return tuple(tuple(zip(series.x, values, strict=False)) for values in series.values)


def mean_curve(series: Series) -> Values:
    """Return the mean over the seeds that reached each x."""
    columns = _columns(series)
    return tuple((x, sum(v / len(values) for v in values)) for x, values in columns)


def range_curve(series: Series) -> tuple[Values, Values]:
    """Return the smallest and the largest seed at each x."""
    columns = tuple(_columns(series))
    lows = tuple((x, min(values)) for x, values in columns)
    return lows, tuple((x, max(values)) for x, values in columns)


def shown_values(panel: Panel, log: bool) -> list[float]:
    """Return every value that the axes can show."""
    values = (v for s in panel.series for points in seed_curves(s) for _, v in points)
    return [value for value in values if value > 0 or not log]


def shown_x(panel: Panel) -> list[float]:
    """Return every x that has a value or a marker."""
    used = [x for s in panel.series for points in seed_curves(s) for x, _ in points]
    return used + [s.marker for s in panel.series if s.marker is not None]


def colour(index: int) -> str:
    """Return the CSS class of a series' colour."""
    return f"s{index % _COLOURS + 1}"


def stroke(index: int) -> str:
    """Return the CSS classes of a series' mean: colour and dashes."""
    return f"mean {colour(index)} d{index % _DASHES}"


def direct_labels(panel: Panel) -> tuple[str, ...]:
    """Return the names to write beside the curves; none where they would not fit."""
    names = tuple(series.name for series in panel.series)
    fits = all(svg.text_width(name) <= _WIDEST_LABEL for name in names)
    return names if fits and len(names) <= _MOST_LABELS and not _is_plain(panel) else ()


def needs_legend(panel: Panel) -> bool:
    """Tell whether the series are named below the axes."""
    return bool(panel.series) and not direct_labels(panel) and not _is_plain(panel)


def apart(wanted: Sequence[float], gap: float, low: float, high: float) -> tuple[float, ...]:
    """Move positions as little as needed to lie `gap` apart between `low` and `high`."""
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    moved = list(wanted)
    for before, here in _pairs(order):
        moved[here] = max(moved[here], low if before is None else moved[before] + gap)
    for after, here in _pairs(order[::-1]):
        moved[here] = min(moved[here], high if after is None else moved[after] - gap)
    return tuple(moved)


def describe(panel: Panel) -> str:
    """Say in words what the curves show."""
    sentences = [f"{panel.y_label} over {panel.x_label}."]
    sentences += [_describe_series(series) for series in panel.series]
    return " ".join(sentences)


def _describe_series(series: Series) -> str:
    mean = mean_curve(series)
    if not mean:
        return f"{series.name}: no data."
    (first_x, first), (last_x, last) = mean[0], mean[-1]
    marker = "" if series.marker is None else f", marker at {number(series.marker)}"
    return (
        f"{series.name}: mean {number(first)} at {first_x:g}, {number(last)} at {last_x:g} "
        f"({counted(len(series.values), 'seed')}{marker})."
    )


def _columns(series: Series) -> Iterator[tuple[float, list[float]]]:
    for index, x in enumerate(series.x):
        values = [seed[index] for seed in series.values if index < len(seed)]
        if values:
            yield x, values


def _is_plain(panel: Panel) -> bool:
    """Tell whether the axes already name the one curve, so that no name needs to be drawn."""
    if len(panel.series) != 1:
        return False
    name = panel.series[0].name
    return name in panel.y_label or name == panel.title


def _pairs(order: Iterable[int]) -> Iterator[tuple[int | None, int]]:
    before: int | None = None
    for here in order:
        yield before, here
        before = here


def is_integral(values: Iterable[float]) -> bool:
    """Tell whether all values are whole numbers that can be counted out on an axis."""
    return all(math.isfinite(value) and float(value).is_integer() for value in values)
