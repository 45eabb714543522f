"""Tables of simulated rates, and whether they keep what was promised."""

from __future__ import annotations

import math
from dataclasses import dataclass

# A rate that is as large as promised exceeds the promise in half of all simulations.
_TOLERATED_ERRORS = 3


@dataclass(frozen=True)
class Row:
    """Rates of one case.

    Attributes:
        label: of the case.
        cells: in each column of the table one or several, from 0 to 1.
        promise: what no rate may exceed; None where nothing is promised.
    """

    label: str
    cells: tuple[tuple[float, ...], ...]
    promise: float | None = None


@dataclass(frozen=True)
class Table:
    """Rates of like cases.

    Attributes:
        title: what was simulated.
        legend: what a cell holds.
        columns: one per cell of a row.
        rows: the cases.
        simulations: audits behind each rate.
    """

    title: str
    legend: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    simulations: int

    def kept(self, row: Row) -> bool:
        """Return whether no rate is above the promise by more than 3 binomial standard errors."""
        if row.promise is None:
            return True
        error = math.sqrt(row.promise * (1 - row.promise) / self.simulations)
        return max(map(max, row.cells)) <= row.promise + _TOLERATED_ERRORS * error

    def __str__(self) -> str:
        """Return the table in Markdown, its rates in percent."""
        head = ["", *self.columns]
        lines = [[row.label, *map(_percent, row.cells)] for row in self.rows]
        if any(row.promise is not None for row in self.rows):
            head.append("promise")
            for row, line in zip(self.rows, lines, strict=True):
                line.append(self._promise_text(row))
        grid = [head, ["---"] * len(head), *lines]
        body = "\n".join(f"| {' | '.join(line)} |" for line in grid)
        return f"## {self.title}\n\nIn each cell: {self.legend}.\n\n{body}\n"

    def _promise_text(self, row: Row) -> str:
        if row.promise is None:
            return "none"
        return f"{100 * row.promise:g} %, {'kept' if self.kept(row) else '**not kept**'}"


def _percent(rates: tuple[float, ...]) -> str:
    return " / ".join(f"{100 * rate:.1f}" for rate in rates)
