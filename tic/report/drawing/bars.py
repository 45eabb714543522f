"""Bars from zero, one below the other under the names of their groups, with a dot per seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from tic.document.evidence import Table, TableRow
from tic.document.figures import Bars
from tic.report.drawing import curves, svg
from tic.report.drawing.axes import fitting_ticks, shared, x_axis
from tic.report.drawing.dots import seed_dots
from tic.report.drawing.drawing import Drawing, mean_and_range
from tic.report.drawing.scales import Domain, Scale, domain
from tic.report.number_tables import mean
from tic.report.numerals import alike, counted, number

WIDTH = 320.0
_TOP, _HEAD, _ROW, _GAP = 20.0, 18.0, 24.0, 8.0
_AXIS_ROOM = 22.0
_BAR, _BAR_END = 3.0, 21.0
# Longer names are cut, so that the bars keep their room; their titles hold them in full.
_WIDEST_NAME = 120.0
_INSET = 4.0
# Bars that would fill less of a common axis than this keep an axis of their own.
_LEAST = 0.3


@dataclass(frozen=True)
class _Row:
    """A bar: its place among the data and where its row begins."""

    group: int
    bar: int
    top: float


def drawings(parts: Mapping[int, Bars], ident: str) -> Iterator[tuple[int, Drawing]]:
    """Draw the bars of one figure, those of one quantity on one axis."""
    spans = shared(
        [span_of(one) for one in parts.values()],
        [one.scale_label for one in parts.values()],
        _LEAST,
    )
    ends = _ends(tuple(parts.values()))
    for (place, one), span in zip(parts.items(), spans, strict=True):
        image = draw(one, span, ends, f"{ident}-{place + 1}")
        yield place, Drawing(one.title, image, (), _remark(one), _table(one))


def reading(parts: Sequence[Bars]) -> str:
    """Say what bars, dots and marks are."""
    if not parts:
        return ""
    several = any(len(one.values) > 1 for one in parts)
    signs = ["Bars: mean over the seeds; dots: one per seed" if several else "Dots: one seed"]
    if any(one.reported for one in parts):
        signs.append("upright marks: the paper's numbers")
    return f"{'; '.join(signs)}."


def span_of(one: Bars) -> Domain:
    """Return the range that shows zero and all numbers, and nothing beyond zero needlessly."""
    values = [value for group, bar in _places(one) for value in _shown(one, group, bar)]
    low, high = domain([0.0, *values])
    return (
        0.0 if min(values, default=0.0) >= 0 else low,
        0.0 if max(values, default=1.0) <= 0 and min(values) < 0 else high,
    )


def draw(one: Bars, span: Domain, ends: Domain, ident: str) -> Markup:
    """Draw bars from top to bottom.

    Args:
        one: What to draw.
        span: The range of values, which bars of one figure may share.
        ends: Where the axis begins and ends, the same for all bars of a figure.
        ident: Prefix of the identifiers inside the drawing.
    """
    rows, bottom = _rows(one)
    left, right = ends
    means = _printed_means(one)
    scale = Scale(*span, left + _INSET, right - _INSET)
    at = fitting_ticks(span, scale, 3, WIDTH)
    parts = [
        svg.label(svg.fitted(one.scale_label, WIDTH), (0, 12), "start", "label quiet"),
        *(svg.line((scale(value), _TOP), (scale(value), bottom), "grid") for value in at),
        *x_axis(at, scale, ends, bottom, WIDTH),
    ]
    for group, top in _heads(one):
        parts.append(svg.label(svg.fitted(one.groups[group], WIDTH), (0, top + 13)))
    for row, text in zip(rows, means, strict=True):
        parts += _row(one, row, scale, left)
        parts.append(svg.label(text, (WIDTH, row.top + 16), "end"))
    parts.append(svg.line((scale(0.0), _TOP), (scale(0.0), bottom), "axis"))
    if not rows:
        parts.append(svg.label("no data", (WIDTH / 2, _TOP + 13), "middle", "label quiet"))
    size = (WIDTH, bottom + _AXIS_ROOM)
    return svg.picture(size, ident, one.title or one.scale_label, describe(one), parts, "bars")


def describe(one: Bars) -> str:
    """Say in words what the bars show."""
    seeds = counted(len(one.values), "seed")
    spoken = [f"{one.scale_label}; mean over {seeds} with their range, by group and bar."]
    spoken += [f"{_says(one, group, bar)}." for group, bar in _places(one)]
    return " ".join(spoken)


def _ends(parts: Sequence[Bars]) -> Domain:
    """Return the ends of the axes between the names on the left and the means on the right."""
    names = [svg.text_width(_name(name)) for one in parts for name in one.bars]
    means = [svg.text_width(text) for one in parts for text in _printed_means(one)]
    return max(names, default=0.0) + 8, WIDTH - max(means, default=0.0) - 8


def _places(one: Bars) -> Iterator[tuple[int, int]]:
    return ((group, bar) for group in range(len(one.groups)) for bar in range(len(one.bars)))


def _shown(one: Bars, group: int, bar: int) -> tuple[float, ...]:
    return (*one.measured(group, bar), *_reported(one, group, bar))


def _heads(one: Bars) -> Iterator[tuple[int, float]]:
    """Return where the name of each group stands."""
    height = _HEAD + _ROW * len(one.bars) + _GAP
    return ((group, _TOP + height * group) for group in range(len(one.groups)))


def _rows(one: Bars) -> tuple[list[_Row], float]:
    """Return the rows, and where the last of them ends."""
    rows = [
        _Row(group, bar, top + _HEAD + _ROW * bar)
        for group, top in _heads(one)
        for bar in range(len(one.bars))
    ]
    return rows, rows[-1].top + _ROW + _INSET if rows else _TOP + _HEAD


def _row(one: Bars, row: _Row, scale: Scale, left: float) -> Iterator[Markup]:
    name = one.bars[row.bar]
    yield svg.label(_name(name), (left - 6, row.top + 16), "end")
    values = one.measured(row.group, row.bar)
    if values:
        ends = sorted((scale(0.0), scale(mean(values))))
        top, bottom = row.top + _BAR, row.top + _BAR_END
        kind = f"bar {curves.colour(row.bar)}"
        yield svg.titled_box(_says(one, row.group, row.bar), ends[0], top, ends[1], bottom, kind)
        yield from seed_dots([(name, value) for value in values], scale, bottom - 1)
    reported = one.reported_of(row.group, row.bar)
    if reported is not None:
        x = scale(reported)
        yield svg.line((x, row.top + 1), (x, row.top + _ROW - 1), "reported")


def _name(name: str) -> str:
    return svg.fitted(name, _WIDEST_NAME)


def _printed_means(one: Bars) -> list[str]:
    """Print the mean of every bar, all with the same decimals; a dash where there is none."""
    cells = [one.measured(group, bar) for group, bar in _places(one)]
    printed = iter(alike([mean(values) for values in cells if values]))
    return [next(printed) if values else "–" for values in cells]


def _says(one: Bars, group: int, bar: int) -> str:
    reported = one.reported_of(group, bar)
    paper = "" if reported is None else f"; the paper's {number(reported)}"
    return (
        f"{one.groups[group]}, {one.bars[bar]}: {mean_and_range(one.measured(group, bar))}{paper}"
    )


def _remark(one: Bars) -> str:
    missing = sum(not one.measured(group, bar) for group, bar in _places(one))
    return f"{counted(missing, 'bar')} not measured (–)." if missing else ""


def _table(one: Bars) -> Table:
    paper = () if one.reported is None else ("paper",)
    return Table(
        title=one.title or one.scale_label,
        caption="",
        unit="",
        columns=(one.scale_label, *paper),
        rows=tuple(
            TableRow(
                name=one.bars[bar],
                group=one.groups[group],
                values=(
                    one.measured(group, bar),
                    *(_reported(one, group, bar) for _ in paper),
                ),
            )
            for group, bar in _places(one)
        ),
    )


def _reported(one: Bars, group: int, bar: int) -> tuple[float, ...]:
    reported = one.reported_of(group, bar)
    return () if reported is None else (reported,)
