"""What a claim's test shows beside its contrasts: comparisons, checks, tables, figures, notes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from tic.document.evidence import Check, Comparison, Table, TableRow, Unknown
from tic.document.figures import Figure, FigurePart, Series


class Exhibits:
    """Collects what is shown of a claim and does not decide it, needed checks apart."""

    def __init__(self) -> None:
        self.comparisons: list[Comparison] = []
        self.checks: list[Check] = []
        self.tables: list[Table] = []
        self.figures: list[Figure] = []
        self.notes: list[str] = []

    def compare(
        self,
        quantity: str,
        place: str,
        *,
        unit: str,
        reported: float | Unknown,
        measured: ArrayLike,
        timed: bool = False,
    ) -> None:
        """Set a number that the paper reports beside ours, one per seed.

        Args:
            quantity: What the number is.
            place: In the paper.
            unit: Of both numbers.
            reported: By the paper; `Unknown(why="…")` for a number that it has and nobody read.
            measured: By us; a single number or one per seed.
            timed: Ours rests on a clock, so that two audits need not agree on it.
        """
        self.comparisons.append(
            Comparison(
                quantity=quantity,
                place=place,
                unit=unit,
                reported=reported,
                measured=tuple(np.atleast_1d(measured)),
                timed=timed,
            )
        )

    def compare_all(
        self,
        place: str,
        *,
        unit: str,
        reported: Mapping[str, float | Unknown],
        measured: Mapping[str, ArrayLike],
    ) -> None:
        """Set several numbers that the paper reports beside ours, as `compare` does.

        Args:
            place: In the paper.
            unit: Of all numbers.
            reported: By the paper, by quantity; it may have more of them than are compared.
            measured: By us, by quantity.
        """
        for quantity, values in measured.items():
            self.compare(quantity, place, unit=unit, reported=reported[quantity], measured=values)

    def check(self, name: str, says: str, found: str, *, holds: bool, needed: bool = False) -> None:
        """Tell whether a condition of a sound measurement is met.

        Args:
            name: In a few words.
            says: The condition.
            found: What was measured of it.
            holds: Whether it is met.
            needed: Nothing can be said of the claim without it: it is INCONCLUSIVE then.
        """
        self.checks.append(Check(name=name, says=says, found=found, holds=holds, needed=needed))

    def table(
        self,
        title: str,
        caption: str,
        *,
        unit: str,
        columns: Sequence[str],
        rows: Iterable[tuple[str, str, Sequence[ArrayLike]]],
    ) -> None:
        """Add a table of numbers.

        Args:
            title: Of the table.
            caption: What stands in a cell.
            unit: Of all cells.
            columns: Names of the columns.
            rows: Group, name and, per column, one number per seed.
        """
        made = tuple(
            TableRow(name=name, group=group, values=tuple(tuple(np.atleast_1d(v)) for v in cells))
            for group, name, cells in rows
        )
        self.tables.append(
            Table(title=title, caption=caption, unit=unit, columns=tuple(columns), rows=made)
        )

    def figure(self, title: str, caption: str, *panels: FigurePart) -> None:
        """Add the counterpart of one of the paper's figures.

        Args:
            title: Of the whole figure.
            caption: What is to be seen.
            *panels: Its parts, side by side: Panel, HeatMap, Bars, Histogram or Images.
        """
        self.figures.append(Figure(title=title, caption=caption, panels=panels).rounded())

    def note(self, text: str) -> None:
        """Tell the reader something about this entry."""
        self.notes.append(text)


def curves(name: str, x: ArrayLike, values: ArrayLike, marker: float | None = None) -> Series:
    """Make a Series of one curve per seed.

    Args:
        name: Legend.
        x: Shape (X,).
        values: Shape (S, X).
        marker: Position of a dotted vertical line.
    """
    rows = np.atleast_2d(np.asarray(values, dtype=float))
    return Series(
        name=name,
        x=tuple(np.asarray(x, dtype=float)),
        values=tuple(tuple(row) for row in rows),
        marker=marker,
    )
