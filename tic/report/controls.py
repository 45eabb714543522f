"""Claims made false on purpose: which of them the claims' own tests caught."""

from __future__ import annotations

from dataclasses import dataclass

from tic.document.audit import ControlRecord, Entry
from tic.document.controls import ControlResult, control_results, counts
from tic.report import verdicts
from tic.report.index import Index, Item
from tic.report.numerals import counted
from tic.report.verdicts import BADGES, Badge


@dataclass(frozen=True)
class ControlCell:
    """One control of one claim, with how its own outcome is shown; `contrasts` are printed."""

    item: Item
    badge: Badge
    result: ControlResult
    contrasts: tuple[tuple[str, str, str, Badge], ...]


@dataclass(frozen=True)
class ControlRow:
    """A claim in its setting; `cells` has for each column the controls made of it."""

    claim: str
    cells: tuple[tuple[ControlCell, ...], ...]


@dataclass(frozen=True)
class ControlTable:
    """Claims by what was planted; `names` are the columns."""

    names: tuple[str, ...]
    records: tuple[ControlRecord, ...]
    rows: tuple[ControlRow, ...]
    sentence: str
    missed: tuple[ControlCell, ...]


def control_table(index: Index) -> ControlTable | None:
    """Arrange the controls of an audit; None where none were made."""
    if not index.controls:
        return None
    results = control_results(index.audit.entries)
    made = [(control, _record(control.entry)) for control in index.controls]
    names = tuple(dict.fromkeys(record.name for _, record in made))
    rows: dict[str, dict[str, tuple[ControlCell, ...]]] = {}
    for control, record in made:
        row = rows.setdefault(control.label, {})
        row[record.name] = (*row.get(record.name, ()), _cell(control, results[control.entry.id]))
    cells = [cell for row in rows.values() for column in row.values() for cell in column]
    return ControlTable(
        names=names,
        records=tuple(dict.fromkeys(record for _, record in made)),
        rows=tuple(
            ControlRow(claim, tuple(row.get(name, ()) for name in names))
            for claim, row in rows.items()
        ),
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
        badge=BADGES[entry.own_outcome],
        result=result,
        contrasts=tuple(
            (c.name, verdicts.estimate(c), verdicts.leveled_interval(c), BADGES[c.outcome])
            for c in entry.contrasts
        ),
    )


def _record(entry: Entry) -> ControlRecord:
    return entry.control or ControlRecord(name="unnamed", says="")
