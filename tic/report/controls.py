"""Claims made false on purpose: which of them the claims' own tests caught."""

from __future__ import annotations

from dataclasses import dataclass

from tic.document.audit import ControlRecord
from tic.document.controls import ControlResult, control_results, counts
from tic.report import verdicts
from tic.report.index import Index, Item
from tic.report.numerals import counted
from tic.report.verdicts import BADGES, Badge
from tic.stats.judge import Outcome

_SHOWN_AS = {
    ControlResult.CAUGHT: Outcome.REFUTED,
    ControlResult.OPEN: Outcome.INCONCLUSIVE,
}


@dataclass(frozen=True)
class ControlCell:
    """One control of one claim, with how its own outcome is shown; `contrasts` are printed.

    `symbol` is that of what it tells of the claim's test, which is not always that of its outcome:
    one that was caught may be undecided, and one that could not tell refuted.
    """

    item: Item
    record: ControlRecord
    badge: Badge
    symbol: str
    result: ControlResult
    contrasts: tuple[tuple[str, str, str, Badge], ...]


@dataclass(frozen=True)
class ControlRow:
    """A claim in its setting, with the controls made of it."""

    claim: str
    cells: tuple[ControlCell, ...]


@dataclass(frozen=True)
class ControlTable:
    """Claims with what was planted in them."""

    records: tuple[ControlRecord, ...]
    rows: tuple[ControlRow, ...]
    sentence: str
    missed: tuple[ControlCell, ...]


def control_table(index: Index) -> ControlTable | None:
    """Arrange the controls of an audit; None where none were made."""
    if not index.controls:
        return None
    results = control_results(index.audit.entries)
    rows: dict[str, list[ControlCell]] = {}
    for control in index.controls:
        cell = _cell(control, results[control.entry.id])
        rows.setdefault(control.label, []).append(cell)
    cells = [cell for row in rows.values() for cell in row]
    return ControlTable(
        records=tuple(dict.fromkeys(cell.record for cell in cells)),
        rows=tuple(ControlRow(claim, tuple(row)) for claim, row in rows.items()),
        sentence=control_sentence(index),
        missed=tuple(cell for cell in cells if cell.result is ControlResult.FAILED),
    )


def control_sentence(index: Index) -> str:
    """Say how many controls were caught, and what became of the others."""
    results = control_results(index.audit.entries)
    return f"Of {counted(len(results), 'control')}: {counts(results)}."


def _cell(control: Item, result: ControlResult) -> ControlCell:
    entry = control.entry
    return ControlCell(
        item=control,
        record=entry.control or ControlRecord(name="unnamed", says=""),
        badge=BADGES[entry.own_outcome],
        symbol=BADGES[_SHOWN_AS.get(result, entry.own_outcome)].symbol,
        result=result,
        contrasts=tuple(
            (c.name, verdicts.estimate(c), verdicts.leveled_interval(c), BADGES[c.outcome])
            for c in entry.contrasts
        ),
    )
