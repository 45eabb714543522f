"""Claims made false on purpose: which of them the claims' own tests caught."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tic.document.audit import ControlRecord, Entry
from tic.report import verdicts
from tic.report.index import Index, Item
from tic.report.numerals import counted, enumerated
from tic.report.verdicts import BADGES, Badge
from tic.stats.judge import Outcome

_CAUGHT = frozenset({Outcome.REFUTED, Outcome.INCONCLUSIVE})


@dataclass(frozen=True)
class ControlCell:
    """One control of one claim, with how its own outcome is shown; `contrasts` are printed."""

    item: Item
    badge: Badge
    missed: bool
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


def caught(entry: Entry) -> bool:
    """Return whether a claim's test, judged by itself, did not support a control."""
    return entry.own_outcome in _CAUGHT


def missed(entry: Entry) -> bool:
    """Return whether a claim's test supported a control, so that it cannot say no."""
    return entry.own_outcome is Outcome.SUPPORTED


def control_table(index: Index) -> ControlTable | None:
    """Arrange the controls of an audit; None where none were made."""
    if not index.controls:
        return None
    made = [(control, _record(control.entry)) for control in index.controls]
    names = tuple(dict.fromkeys(record.name for _, record in made))
    rows: dict[str, dict[str, tuple[ControlCell, ...]]] = {}
    for control, record in made:
        row = rows.setdefault(control.label, {})
        row[record.name] = (*row.get(record.name, ()), _cell(control))
    cells = [cell for row in rows.values() for column in row.values() for cell in column]
    return ControlTable(
        names=names,
        records=tuple(dict.fromkeys(record for _, record in made)),
        rows=tuple(
            ControlRow(claim, tuple(row.get(name, ()) for name in names))
            for claim, row in rows.items()
        ),
        sentence=control_sentence(index.controls),
        missed=tuple(cell for cell in cells if cell.missed),
    )


def control_sentence(controls: Sequence[Item]) -> str:
    """Say how many controls were caught, and what became of the others."""
    count = sum(caught(control.entry) for control in controls)
    not_caught = sum(missed(control.entry) for control in controls)
    others = [
        f"{number} {what}"
        for number, what in (
            (not_caught, "not caught"),
            (len(controls) - count - not_caught, "not tested"),
        )
        if number
    ]
    rest = f"; {enumerated(others)}" if others else ""
    was = "was" if count == 1 else "were"
    return f"{count} of {counted(len(controls), 'control')} {was} caught{rest}."


def _cell(control: Item) -> ControlCell:
    entry = control.entry
    return ControlCell(
        item=control,
        badge=BADGES[entry.own_outcome],
        missed=missed(entry),
        contrasts=tuple(
            (c.name, verdicts.estimate(c), verdicts.interval(c), BADGES[c.outcome])
            for c in entry.contrasts
        ),
    )


def _record(entry: Entry) -> ControlRecord:
    return entry.control or ControlRecord(name="unnamed", says="")
