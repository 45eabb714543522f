"""Small images as tiles with their names; every pixel stays a square of one colour."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from tic.document.evidence import Table, TableRow
from tic.document.figures import RGB, Grey, Images
from tic.report.drawing import svg
from tic.report.drawing.drawing import Drawing
from tic.report.drawing.png import png
from tic.report.number_tables import mean
from tic.report.numerals import counted, number

WIDTH = 320.0
_TOP, _GAP, _NAME = 4.0, 8.0, 18.0
_MOST_IN_ROW = 4
_LARGEST = 150.0
_SCALE = 20.0


@dataclass(frozen=True)
class _Tile:
    """Where an image lies, and the baseline of its name."""

    left: float
    top: float
    width: float
    height: float
    name_y: float
    room: float

    @property
    def middle(self) -> float:
        return self.left + self.width / 2


def drawings(parts: Mapping[int, Images], ident: str) -> Iterator[tuple[int, Drawing]]:
    """Draw the images of one figure."""
    for place, one in parts.items():
        image = draw(one, f"{ident}-{place + 1}")
        yield place, Drawing(one.title, image, (), _remark(one), _table(one))


def reading(_parts: Sequence[Images]) -> str:
    """Images have no seeds."""
    return ""


def draw(one: Images, ident: str) -> Markup:
    """Draw images from left to right and from top to bottom."""
    tiles, bottom = _tiles(one)
    parts = []
    for name, image, tile in zip(one.names, one.images, tiles, strict=True):
        parts.append(_picture(one, name, image, tile))
        middle = (tile.middle, tile.name_y)
        parts.append(svg.label(svg.fitted(name, tile.room), middle, "middle"))
    if not one.images:
        parts.append(svg.label("no data", (WIDTH / 2, _TOP + 13), "middle", "label quiet"))
    scale = svg.fitted(_scale(one), WIDTH)
    parts.append(svg.label(scale, (0, bottom + _SCALE - 6), "start", "label quiet"))
    size = (WIDTH, bottom + _SCALE)
    return svg.picture(size, ident, one.title or one.scale_label, describe(one), parts, "images")


def describe(one: Images) -> str:
    """Say in words what the images are."""
    spoken = [f"{_scale(one)}."]
    for name, image in zip(one.names, one.images, strict=True):
        spoken.append(f"{_says(name, image)}.")
    return " ".join(spoken)


def pixels(image: Grey | RGB, low: float, high: float) -> tuple[list[bytes], int]:
    """Return rows of bytes, 0 for `low` and 255 for `high`, and the number of channels."""
    channels = 3 if isinstance(image[0][0], tuple) else 1
    rows = [bytes(_byte(value, low, high) for value in _values([row])) for row in image]
    return rows, channels


def _byte(value: float, low: float, high: float) -> int:
    # Halves, as the difference of two large numbers can be too large for a number.
    width = high / 2 - low / 2
    strength = (value / 2 - low / 2) / width if width > 0 else float(value >= high)
    return round(255 * min(max(strength, 0.0), 1.0))


def _values(rows: Sequence[Sequence[float | tuple[float, float, float]]]) -> Iterator[float]:
    for row in rows:
        for pixel in row:
            yield from pixel if isinstance(pixel, tuple) else (pixel,)


def _tiles(one: Images) -> tuple[list[_Tile], float]:
    """Fit the images into equal squares, at most four in a row, each row as high as it needs."""
    count = min(max(len(one.images), 1), _MOST_IN_ROW)
    room = (WIDTH - _GAP * (count - 1)) / count
    side = min(room, _LARGEST)
    tiles: list[_Tile] = []
    top = _TOP
    for start in range(0, len(one.images), count):
        sizes = [_size(image, side) for image in one.images[start : start + count]]
        tallest = max(height for _, height in sizes)
        for column, (width, height) in enumerate(sizes):
            left = (room + _GAP) * column + (side - width) / 2
            box = (left, top + tallest - height, width, height)
            tiles.append(_Tile(*box, top + tallest + 13, side))
        top += tallest + _NAME
    return tiles, top if tiles else _TOP + _NAME


def _size(image: Grey | RGB, side: float) -> tuple[float, float]:
    height, width = len(image), len(image[0])
    factor = min(side / width, side / height)
    return width * factor, height * factor


def _picture(one: Images, name: str, image: Grey | RGB, tile: _Tile) -> Markup:
    rows, channels = pixels(image, one.low, one.high)
    data = base64.b64encode(png(rows, len(image[0]), channels)).decode()
    return svg.element(
        "image",
        svg.element("title", _says(name, image)),
        x=tile.left,
        y=tile.top,
        width=tile.width,
        height=tile.height,
        href=f"data:image/png;base64,{data}",
        preserveAspectRatio="none",
        class_="pixels",
    )


def _says(name: str, image: Grey | RGB) -> str:
    values = list(_values(image))
    return (
        f"{name}: {len(image)} × {len(image[0])} pixels, from {number(min(values))} to "
        f"{number(max(values))}, mean {number(mean(values))}"
    )


def _scale(one: Images) -> str:
    label = f"{one.scale_label}, " if one.scale_label else ""
    return f"{label}black: {number(one.low)}, white: {number(one.high)}"


def _remark(one: Images) -> str:
    values = [value for image in one.images for value in _values(image)]
    below = sum(value < one.low for value in values)
    above = sum(value > one.high for value in values)
    outside = [(below, "below", one.low), (above, "above", one.high)]
    return " ".join(
        f"{counted(count, 'value')} {side} {number(end)} drawn as {number(end)}."
        for count, side, end in outside
        if count
    )


def _table(one: Images) -> Table:
    return Table(
        title=one.title or one.scale_label,
        caption="",
        unit=one.scale_label,
        columns=("smallest", "mean", "largest"),
        rows=tuple(
            TableRow(name=name, group="", values=_summary(list(_values(image))))
            for name, image in zip(one.names, one.images, strict=True)
        ),
    )


def _summary(values: Sequence[float]) -> tuple[tuple[float, ...], ...]:
    return (min(values),), (mean(values),), (max(values),)
