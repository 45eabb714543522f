"""Heat maps: cells coloured on a stated scale, with names or numbers on both axes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from markupsafe import Markup

from tic.document.evidence import Table, TableRow
from tic.document.figures import Axis, HeatMap
from tic.report.drawing import svg
from tic.report.drawing.colours import ColourScale, colour_scales, means_of
from tic.report.drawing.drawing import (
    Drawing,
    axis_label,
    mean_and_range,
    sentences,
)
from tic.report.drawing.grid import (
    RIGHT,
    TOP,
    WIDTH,
    Grid,
    column_labels,
    grid_of,
    left_margin,
    row_labels,
)
from tic.report.numerals import counted, number

# Below the labels of the columns: their name, the name of the scale, the scale, its centre.
_NAME, _SCALE_NAME, _SCALE, _BOTTOM, _SECOND_LINE = 16.0, 38.0, 45.0, 61.0, 15.0
_RAMP_WIDTH, _RAMP_HEIGHT, _RAMP_STEPS = 120.0, 10.0, 24
_MISSING_SIGN, _MISSING = WIDTH - 102.0, "not measured"


def drawings(maps: Mapping[int, HeatMap], ident: str) -> Iterator[tuple[int, Drawing]]:
    """Draw the heat maps of one figure, those of one quantity on one colour scale."""
    scales = colour_scales(tuple(maps.values()))
    left = max((left_margin(one.rows) for one in maps.values()), default=0.0)
    for (place, one), scale in zip(maps.items(), scales, strict=True):
        image = draw(one, scale, left, f"{ident}-{place + 1}")
        yield place, Drawing(one.title, image, (), _remark(one, scale), _table(one))


def reading(maps: Sequence[HeatMap]) -> str:
    """Say what the cells are."""
    several = any(len(one.values) > 1 for one in maps)
    return "Cells: mean over the seeds." if several else ""


def draw(heat_map: HeatMap, scale: ColourScale, left: float, ident: str) -> Markup:
    """Draw a heat map.

    Args:
        heat_map: What to draw.
        scale: Which value has which colour, which maps of one figure may share.
        left: Room for the labels of the rows, the same for all maps of a figure.
        ident: Prefix of the identifiers inside the drawing.
    """
    grid = grid_of(len(heat_map.rows), len(heat_map.columns), left)
    columns = column_labels(heat_map.columns, grid)
    below = grid.bottom + columns.room
    parts = [
        svg.label(svg.fitted(heat_map.y_label, WIDTH), (0, 12), "start", "label quiet"),
        *_cells(heat_map, scale, grid),
        svg.box(left, TOP, RIGHT, grid.bottom, "frame"),
        *row_labels(heat_map.rows, grid),
        *columns.markup,
        _column_name(heat_map, grid, below),
        *_scale(heat_map, scale, below),
    ]
    second = _SECOND_LINE if scale.centre is not None or _missing(heat_map) else 0.0
    size = (WIDTH, below + _BOTTOM + second)
    title = heat_map.title or heat_map.scale_label
    return svg.picture(size, ident, title, describe(heat_map, scale), parts, "heatmap")


def describe(heat_map: HeatMap, scale: ColourScale) -> str:
    """Say in words what the cells show: each row by its ends and its extremes."""
    centre = "" if scale.centre is None else f", symmetric about {number(scale.centre)}"
    spoken = [
        f"{heat_map.scale_label}; rows: {heat_map.y_label}; columns: {heat_map.x_label}.",
        f"Scale from {number(scale.low)} to {number(scale.high)}{centre}.",
    ]
    for label, means in zip(heat_map.rows, means_of(heat_map), strict=True):
        spoken.append(_describe_row(axis_label(label), means, heat_map.columns, scale))
    return " ".join(spoken)


def _cells(heat_map: HeatMap, scale: ColourScale, grid: Grid) -> Iterator[Markup]:
    if not heat_map.columns:
        middle = ((grid.left + RIGHT) / 2, (TOP + grid.bottom) / 2 + 4)
        yield svg.label("no data", middle, "middle", "label quiet")
    for row, means in enumerate(means_of(heat_map)):
        for column, value in enumerate(means):
            title, sides = _cell_title(heat_map, row, column), grid.box(row, column)
            if value is None:
                yield from _gap(sides, title)
            else:
                yield _filled(sides, scale, value, "heat", title)


def _cell_title(heat_map: HeatMap, row: int, column: int) -> str:
    place = (
        _named(heat_map.rows[row], heat_map.y_label),
        _named(heat_map.columns[column], heat_map.x_label),
    )
    return f"{', '.join(place)}: {mean_and_range(heat_map.measured(row, column))}"


def _named(label: str | float, axis: str) -> str:
    """Return a label for itself: a number needs the name of its axis."""
    return label if isinstance(label, str) else f"{axis} {axis_label(label)}"


def _filled(
    sides: tuple[float, float, float, float],
    scale: ColourScale,
    value: float,
    kind: str,
    title: str = "",
) -> Markup:
    """Return a rectangle in one of the scale's colours, as opaque as its value is far up."""
    left, top, right, bottom = sides
    return svg.element(
        "rect",
        *([svg.element("title", title)] if title else []),
        x=left,
        y=top,
        **{"width": right - left, "height": bottom - top},
        class_=f"{kind} below" if scale.is_below(value) else kind,
        # Coordinates have one decimal, too few for a colour.
        fill_opacity=f"{scale.strength(value):.3f}",
    )


def _gap(sides: tuple[float, float, float, float], title: str) -> Iterator[Markup]:
    """Draw a cell without a value: struck through, and of no colour of the scale."""
    left, top, right, bottom = sides
    yield svg.titled_box(title, left, top, right, bottom, "gap")
    yield svg.line((left, bottom), (right, top), "struck")


def _column_name(heat_map: HeatMap, grid: Grid, below: float) -> Markup:
    middle = (grid.left + RIGHT) / 2
    text = svg.fitted(heat_map.x_label, 2 * (WIDTH - middle))
    return svg.label(text, (middle, below + _NAME), "middle", "label quiet")


def _scale(heat_map: HeatMap, scale: ColourScale, below: float) -> Iterator[Markup]:
    """Draw the legend: what the colours mean, and the values at the ends of the scale."""
    name = svg.fitted(heat_map.scale_label, WIDTH)
    yield svg.label(name, (0, below + _SCALE_NAME), "start", "label quiet")
    top, bottom = below + _SCALE, below + _SCALE + _RAMP_HEIGHT
    lowest = number(scale.low)
    left = svg.text_width(lowest) + 5
    yield svg.label(lowest, (0, bottom))
    width = _RAMP_WIDTH / _RAMP_STEPS
    for step in range(_RAMP_STEPS):
        start = left + width * step
        value = scale.at(step / (_RAMP_STEPS - 1))
        yield _filled((start, top, start + width, bottom), scale, value, "ramp")
    yield svg.box(left, top, left + _RAMP_WIDTH, bottom, "frame")
    yield svg.label(number(scale.high), (left + _RAMP_WIDTH + 5, bottom))
    if scale.centre is not None:
        middle = left + _RAMP_WIDTH / 2
        yield svg.line((middle, top), (middle, bottom + 3), "axis")
        yield svg.label(number(scale.centre), (middle, bottom + _SECOND_LINE), "middle")
    if _missing(heat_map):
        low = bottom + _SECOND_LINE
        yield from _gap((_MISSING_SIGN, low - 10, _MISSING_SIGN + 10, low), _MISSING)
        yield svg.label(_MISSING, (_MISSING_SIGN + 15, low))


def _missing(heat_map: HeatMap) -> int:
    return sum(value is None for row in means_of(heat_map) for value in row)


def _remark(heat_map: HeatMap, scale: ColourScale) -> str:
    """Say which cells the scale cannot show, and which have no value."""
    means = [value for row in means_of(heat_map) for value in row if value is not None]
    below = sum(value < scale.low for value in means)
    above = sum(value > scale.high for value in means)
    low, high = ("zero" if end == 0 else number(end) for end in (scale.low, scale.high))
    missing = _missing(heat_map)
    return sentences(
        f"{counted(below, 'value')} below {low} drawn as {low}." if below else "",
        f"{counted(above, 'value')} above {high} drawn as {high}." if above else "",
        f"{counted(missing, 'cell')} not measured, struck through." if missing else "",
    )


def _describe_row(
    label: str, means: Sequence[float | None], columns: Axis, scale: ColourScale
) -> str:
    measured = [(v, axis_label(c)) for v, c in zip(means, columns, strict=True) if v is not None]
    if not measured:
        return f"{label}: no data."
    largest = max(measured, key=lambda cell: cell[0])
    smallest = min(measured, key=lambda cell: cell[0])
    shown = [_at(measured[0]), _at(measured[-1]), f"largest {_at(largest)}"]
    if scale.low != 0:
        shown.append(f"smallest {_at(smallest)}")
    return f"{label}: {', '.join(shown)}."


def _at(cell: tuple[float, str]) -> str:
    return f"{number(cell[0])} at {cell[1]}"


def _table(heat_map: HeatMap) -> Table:
    columns = range(len(heat_map.columns))
    return Table(
        title=heat_map.title or heat_map.scale_label,
        caption="",
        unit=heat_map.scale_label,
        columns=tuple(_named(label, heat_map.x_label) for label in heat_map.columns),
        rows=tuple(
            TableRow(
                name=_named(label, heat_map.y_label),
                group="",
                values=tuple(heat_map.measured(row, column) for column in columns),
            )
            for row, label in enumerate(heat_map.rows)
        ),
    )
