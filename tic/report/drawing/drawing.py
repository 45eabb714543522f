"""What the page shows of one part of a figure, whatever its kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from tic.document.evidence import Table
from tic.report.drawing import svg
from tic.report.number_tables import NumberTable, mean, number_table
from tic.report.numerals import MINUS, number

# A table of more cells is no longer read, and would be most of the page.
MOST_NUMBERS = 400

Legend = tuple[tuple[Markup, str], ...]


@dataclass(frozen=True)
class Drawing:
    """One part of a figure, ready for the page; `table` has the numbers that are drawn."""

    title: str
    image: Markup
    legend: Legend
    remark: str
    table: Table

    @property
    def numbers(self) -> NumberTable | None:
        """Print the numbers, unless there are none or too many to be read."""
        return number_table(self.table) if 0 < self.cells <= MOST_NUMBERS else None

    @property
    def cells(self) -> int:
        """Return how many cells the table has."""
        return len(self.table.rows) * len(self.table.columns)


def sentences(*remarks: str) -> str:
    """Join those that say something."""
    return " ".join(filter(None, remarks))


def mean_and_range(values: Sequence[float]) -> str:
    """Print the mean over the seeds, with their range where there are several."""
    if not values:
        return "not measured"
    middle = number(mean(values))
    if len(values) == 1:
        return middle
    return f"{middle} ({number(min(values))} to {number(max(values))})"


def axis_label(value: float | str) -> str:
    """Print a name as it is, and a number with the digits that it was given with."""
    return value if isinstance(value, str) else f"{value:g}".replace("-", MINUS)


def swatch(*parts: Markup) -> Markup:
    """Draw the sign of a series, for a legend."""
    return svg.element("svg", *parts, class_="swatch", viewBox="0 0 26 12", aria_hidden="true")
