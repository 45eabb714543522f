"""Figures: the counterparts of a paper's figures as data, made of parts of five kinds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import Field, FiniteFloat, ModelWrapValidatorHandler, ValidationError, model_validator

from tic.document.evidence import Record
from tic.text import quoted

MOST_CELLS = 10_000
"""Of a heat map: a page draws and names each of them."""
MOST_PIXEL_VALUES = 32_768
"""Of all images of one part: ten RGB images of 32 × 32 pixels have 30,720."""
DIGITS = 6
"""Of a measured number in a drawing, significant ones: more than a page shows or a screen draws."""
_LARGEST_COUNT = 2**53

Axis = tuple[str | FiniteFloat, ...]
"""Names or numbers, one per row or column."""
Cells = tuple[tuple[tuple[FiniteFloat | None, ...], ...], ...]
"""By seed, row and column; None where nothing was measured."""
Count = Annotated[int, Field(ge=0, le=_LARGEST_COUNT)]
Grey = tuple[tuple[FiniteFloat, ...], ...]
RGB = tuple[tuple[tuple[FiniteFloat, FiniteFloat, FiniteFloat], ...], ...]


class Part(Record):
    """One drawing of a figure; what is wrong with it is said with its title."""

    title: str

    @property
    def size(self) -> int:
        """Return how many numbers it shows."""
        raise NotImplementedError

    @model_validator(mode="wrap")
    @classmethod
    def _wrong_with_its_title(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            part = handler(data)
            part._check()
        except ValidationError as error:
            fault = _first_fault(error, cls)
        except ValueError as error:
            fault = str(error)
        else:
            return part
        title = data.get("title") if isinstance(data, Mapping) else None
        shown = title if isinstance(title, str) and title else f"untitled {cls.__name__}"
        raise ValueError(f"{shown}: {fault}")

    def rounded(self) -> Self:
        """Return it with its measured numbers to `DIGITS` digits; counts and axes stay."""
        return self

    def _check(self) -> None:
        """Raise a ValueError, without the title, where the fields do not belong together."""


class Series(Record):
    """One curve per seed over common x; `marker` is drawn as a dotted vertical line."""

    name: str
    x: tuple[FiniteFloat, ...]
    values: tuple[tuple[FiniteFloat, ...], ...]
    marker: FiniteFloat | None = None


class Panel(Part):
    """Curves on one set of axes."""

    kind: Literal["curves"] = "curves"
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    log_y: bool = False

    @property
    def size(self) -> int:
        """Return how many points all curves have."""
        return sum(len(values) for series in self.series for values in series.values)

    def rounded(self) -> Self:
        """Return it with the values of its curves to `DIGITS` digits."""
        series = tuple(
            one.model_copy(update={"values": tuple(map(_rounded, one.values))})
            for one in self.series
        )
        return self.model_copy(update={"series": series})


class Grid(Part):
    """Numbers by seed, row and column."""

    values: Cells

    @property
    def size(self) -> int:
        """Return how many numbers all seeds have together."""
        return sum(value is not None for seed in self.values for row in seed for value in row)

    def rounded(self) -> Self:
        """Return it with its cells to `DIGITS` digits."""
        values = tuple(tuple(map(_rounded, seed)) for seed in self.values)
        return self.model_copy(update={"values": values})

    def measured(self, row: int, column: int) -> tuple[float, ...]:
        """Return the numbers of a cell, one for each seed that has one."""
        cells = (seed[row][column] for seed in self.values)
        return tuple(value for value in cells if value is not None)

    def _check_values(self, rows: int, columns: int) -> None:
        if not self.values:
            raise ValueError("values must have at least one seed, got none; seeds come first")
        for number, seed in enumerate(self.values, start=1):
            _check_rows(f"values of seed {number} of {len(self.values)}", seed, rows, columns)


class HeatMap(Grid):
    """Cells coloured by the mean over the seeds; rows and columns have names or numbers.

    `scale_label` says what the values are. The colour scale runs from 0 to the largest mean, or
    with a `centre` as far to both sides of it as the furthest mean, or over the `span` given.
    """

    kind: Literal["heat_map"] = "heat_map"
    x_label: str
    y_label: str
    scale_label: str
    columns: Axis
    rows: Axis
    centre: FiniteFloat | None = None
    span: tuple[FiniteFloat, FiniteFloat] | None = None

    def _check(self) -> None:
        _check_names("rows", self.rows)
        _check_names("columns", self.columns)
        count = len(self.rows) * len(self.columns)
        if count > MOST_CELLS:
            raise ValueError(
                f"a heat map must have at most {MOST_CELLS} cells, got {len(self.rows)} rows of "
                f"{len(self.columns)}, which are {count}; show a part, or means over neighbours"
            )
        self._check_values(len(self.rows), len(self.columns))
        if self.centre is not None and self.span is not None:
            raise ValueError(
                f"the scale must have a centre or a span, got centre {self.centre:g} and span "
                f"{self.span[0]:g} to {self.span[1]:g}; leave one out"
            )
        if self.span is not None and not self.span[0] < self.span[1]:
            raise ValueError(
                f"span must rise, got {self.span[0]:g} to {self.span[1]:g}; give (lowest, highest)"
            )


class Bars(Grid):
    """One bar per group (a row of `values`) and name (a column): the mean over the seeds.

    `scale_label` says what the values are, with their unit; `reported` has by group and bar what
    the paper reports, and None where it reports nothing.
    """

    kind: Literal["bars"] = "bars"
    scale_label: str
    groups: tuple[str, ...]
    bars: tuple[str, ...]
    reported: tuple[tuple[FiniteFloat | None, ...], ...] | None = None

    def _check(self) -> None:
        _check_names("groups", self.groups)
        _check_names("bars", self.bars)
        self._check_values(len(self.groups), len(self.bars))
        if self.reported is not None:
            _check_rows("reported", self.reported, len(self.groups), len(self.bars))

    def reported_of(self, group: int, bar: int) -> float | None:
        """Return what the paper reports of a bar, if it does."""
        return None if self.reported is None else self.reported[group][bar]


class Histogram(Part):
    """How many values, over all seeds, lie between neighbouring `edges`: by series, then by bin.

    Heights are counts, or with `shares` parts of the counts of the series. Several series stand
    side by side in each bin, or `overlaid` on each other.
    """

    kind: Literal["histogram"] = "histogram"
    x_label: str
    edges: tuple[FiniteFloat, ...]
    series: tuple[str, ...]
    counts: tuple[tuple[Count, ...], ...]
    shares: bool = False
    overlaid: bool = False

    @property
    def size(self) -> int:
        """Return how many bins all series have together."""
        return len(self.series) * (len(self.edges) - 1)

    def _check(self) -> None:
        _check_names("series", self.series)
        if len(self.edges) < 2:
            raise ValueError(
                f"edges must be at least 2, one more than there are bins, got {len(self.edges)}"
            )
        for low, high in zip(self.edges, self.edges[1:], strict=False):
            if not low < high:
                raise ValueError(f"edges must rise, got {low:g} before {high:g}; sort them")
        _check_rows("counts", self.counts, len(self.series), len(self.edges) - 1)

    def heights(self, series: int) -> tuple[float, ...]:
        """Return what is drawn of a series: its counts, or their shares of its sum."""
        counts = self.counts[series]
        total = max(sum(counts), 1)
        return tuple(count / total if self.shares else float(count) for count in counts)


class Images(Part):
    """Small images with names, each of rows of grey values or of (red, green, blue).

    `low` is black and `high` is white, in each colour; `scale_label` says what the values are.
    """

    kind: Literal["images"] = "images"
    scale_label: str
    names: tuple[str, ...]
    images: tuple[Grey | RGB, ...]
    low: FiniteFloat = 0.0
    high: FiniteFloat = 1.0

    @property
    def size(self) -> int:
        """Return how many numbers all pixels have."""
        return sum(map(_pixel_values, self.images))

    def _check(self) -> None:
        _check_names("names", self.names)
        if len(self.names) != len(self.images):
            raise ValueError(
                f"every image must have a name, got {len(self.names)} names of "
                f"{len(self.images)} images; give as many"
            )
        if not self.low < self.high:
            raise ValueError(
                f"low must be below high, got {self.low:g} and {self.high:g}; low is drawn black"
            )
        for name, image in zip(self.names, self.images, strict=True):
            widths = {len(row) for row in image}
            if len(widths) != 1 or widths == {0}:
                raise ValueError(
                    f"{name} must have rows of one length, at least 1, got "
                    f"{_lengths(image)}; give an array of (height, width) or (height, width, 3)"
                )
        if self.size > MOST_PIXEL_VALUES:
            raise ValueError(
                f"all images together must have at most {MOST_PIXEL_VALUES} pixel values, got "
                f"{self.size}; show fewer images, or smaller ones"
            )


FigurePart = Panel | HeatMap | Bars | Histogram | Images
"""What a figure is made of; its field `kind` tells which."""


class Figure(Record):
    """The counterpart of one of the paper's figures, as data."""

    title: str
    caption: str
    panels: tuple[Annotated[FigurePart, Field(discriminator="kind")], ...]

    @property
    def size(self) -> int:
        """Return how many numbers the figure shows."""
        return sum(part.size for part in self.panels)

    def rounded(self) -> Self:
        """Return it with its measured numbers to `DIGITS` digits, for an audit of many seeds."""
        return self.model_copy(update={"panels": tuple(part.rounded() for part in self.panels)})


def _rounded(values: Iterable[float | None]) -> tuple[float | None, ...]:
    return tuple(None if value is None else float(f"{value:.{DIGITS}g}") for value in values)


def _check_rows(what: str, rows: Sequence[Sequence[object]], count: int, length: int) -> None:
    if [len(row) for row in rows] != [length] * count:
        raise ValueError(
            f"{what} must be {count} rows of {length}, got {_lengths(rows)}; "
            "every name or number of an axis has its row or column"
        )


def _lengths(rows: Sequence[Sequence[object]]) -> str:
    return f"rows of lengths {quoted([len(row) for row in rows])}"


def _check_names(what: str, names: Axis) -> None:
    for name, count in Counter(names).items():
        if name == "":
            raise ValueError(f"{what} must have names, got an empty one; say what it is")
        if isinstance(name, str) and count > 1:
            raise ValueError(
                f"{what} must have names of their own, got {quoted(name)} {count} times; "
                "add what tells them apart"
            )


def _pixel_values(image: Grey | RGB) -> int:
    return sum(len(pixel) if isinstance(pixel, tuple) else 1 for row in image for pixel in row)


def _first_fault(error: ValidationError, part: type[Part]) -> str:
    """Say in one sentence what is wrong first: where, the rule, the value and the way out."""
    detail = error.errors(include_url=False, include_context=False)[0]
    if detail["type"] == "value_error":
        return detail["msg"].removeprefix("Value error, ")
    # A union adds the names of its types to the place, which say nothing to the author.
    field, *inner = detail["loc"] or ("it",)
    place = f"{field}{''.join(f'[{index}]' for index in inner if isinstance(index, int))}"
    if detail["type"] == "missing":
        return f"{place} must be given"
    if detail["type"] == "extra_forbidden":
        return f"{place} is no field of {part.__name__}; known: {', '.join(part.model_fields)}"
    fault = (
        f"{place} {detail['msg'].replace('Input should', 'must', 1)}, got {quoted(detail['input'])}"
    )
    if detail["type"] != "finite_number":
        return fault
    if issubclass(part, Grid):
        return f"{fault}; a cell in which nothing was measured is None"
    return f"{fault}; leave out what was not measured"
