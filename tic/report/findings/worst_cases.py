"""Robust accuracies as the paper attacks, beside their worst case over a suite of attacks."""

from __future__ import annotations

from dataclasses import dataclass

from tic.document.evidence import WorstCase
from tic.report import numerals
from tic.report.number_tables import NumberCell, mean, number_cell
from tic.report.verdicts import Badge
from tic.stats.judge import Outcome

_SURVIVAL = {
    Outcome.REFUTED: Badge("✓", "SURVIVES", "supported", "survive"),
    Outcome.SUPPORTED: Badge("✗", "DOES NOT SURVIVE", "refuted", "do not survive"),
}
_OPEN = Badge("?", "OPEN", "inconclusive", "are open")


@dataclass(frozen=True)
class WorstCaseRow:
    """One robust accuracy in percent, printed; `gap` is in percentage points."""

    figure: str
    reported: str
    attacked: NumberCell
    worst: NumberCell
    gap: str
    badge: Badge


def gap(case: WorstCase) -> float | None:
    """Return how many percentage points the suite takes off; None where one is not measured."""
    if not case.attacked or not case.worst:
        return None
    return mean(case.attacked) - mean(case.worst)


def worst_case_row(case: WorstCase) -> WorstCaseRow:
    """Print a worst case."""
    taken = gap(case)
    return WorstCaseRow(
        figure=case.figure,
        reported="–" if case.reported is None else numerals.fixed(case.reported, 2),
        attacked=number_cell(case.attacked, 1),
        worst=number_cell(case.worst, 1),
        gap="–" if taken is None else numerals.fixed(taken, 1),
        badge=_SURVIVAL.get(case.outcome, _OPEN),
    )
