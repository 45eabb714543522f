"""Tables of numbers with one per seed: the mean and the range in each cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from tic.document.evidence import Table
from tic.report import numerals


@dataclass(frozen=True)
class NumberCell:
    """The mean over the seeds, or why there is none, and their range, empty below two seeds."""

    mean: str
    spread: str


@dataclass(frozen=True)
class NumberRow:
    """One row of a table."""

    name: str
    cells: tuple[NumberCell, ...]


@dataclass(frozen=True)
class NumberTable:
    """A table with its neighbouring rows of one group together."""

    table: Table
    groups: tuple[tuple[str, tuple[NumberRow, ...]], ...]


def number_table(table: Table) -> NumberTable:
    """Print a table, all its numbers with the same decimals."""
    numbers = [n for row in table.rows for cell in row.values if cell for n in _summary(cell)]
    printed = iter(numerals.alike(numbers))
    rows = [
        (row.group, NumberRow(row.name, tuple(_cell(cell, printed) for cell in row.values)))
        for row in table.rows
    ]
    groups = groupby(rows, key=lambda pair: pair[0])
    return NumberTable(
        table, tuple((name, tuple(row for _, row in members)) for name, members in groups)
    )


def number_cell(values: Sequence[float], decimals: int) -> NumberCell:
    """Print the mean and the range of the seeds."""
    if not values:
        return NumberCell("not measured", "")
    return _cell(values, (numerals.fixed(number, decimals) for number in _summary(values)))


def mean(values: Sequence[float]) -> float:
    """Return the mean over the seeds, also of numbers whose sum is too large."""
    return sum(value / len(values) for value in values)


def _cell(values: Sequence[float], printed: Iterator[str]) -> NumberCell:
    if not values:
        return NumberCell("–", "")
    middle, low, high = next(printed), next(printed), next(printed)
    return NumberCell(middle, f"{low} to {high}" if len(values) > 1 else "")


def _summary(values: Sequence[float]) -> tuple[float, float, float]:
    return mean(values), min(values), max(values)
