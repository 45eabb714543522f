"""Verdicts under several protocols: which claims they touch, and where they disagree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tic.document.audit import Audit, Entry, ProtocolRecord
from tic.report.numerals import counted
from tic.report.roles import SILENT

STANDARD: Final = "standard"
AS_STANDARD: Final = "as standard"
NOT_JUDGED: Final = "not judged"


@dataclass(frozen=True)
class ProtocolCell:
    """What one protocol says of a claim: an entry by its place in the audit, or why there is none.

    `remark` is "as standard" where the protocol does not touch the claim.
    """

    protocol: str
    index: int | None
    entry: Entry | None
    remark: str


@dataclass(frozen=True)
class ProtocolRow:
    """One claim in one setting under all protocols; `differs` is whether verdicts disagree."""

    entry: Entry
    cells: tuple[ProtocolCell, ...]
    differs: bool

    @property
    def compared(self) -> bool:
        """Return whether more than one protocol judged the claim."""
        return sum(cell.entry is not None for cell in self.cells) > 1


@dataclass(frozen=True)
class ProtocolTable:
    """The claims of one paper, given by its key, in their setting by its protocols."""

    paper: str
    protocols: tuple[ProtocolRecord, ...]
    rows: tuple[ProtocolRow, ...]

    @property
    def differing(self) -> int:
        """Return for how many claims in their setting the verdict depends on the protocol."""
        return sum(row.differs for row in self.rows)


def protocols_of(audit: Audit, paper: str) -> tuple[ProtocolRecord, ...]:
    """Return the protocols of a paper, with those that only its entries name at the end."""
    listed = [record for record in audit.protocols if record.paper == paper]
    records = {record.name: record for record in reversed(listed)}
    judged = [entry.protocol for entry in audit.entries if entry.paper == paper]
    return tuple(
        records.get(n, ProtocolRecord(paper=paper, name=n, says="", release=False))
        for n in dict.fromkeys([*(record.name for record in listed), *judged])
    )


def protocol_tables(audit: Audit) -> tuple[ProtocolTable, ...]:
    """Compare verdicts between the protocols of each paper that was read by more than one."""
    papers = dict.fromkeys(entry.paper for entry in audit.entries)
    tables = (_table(audit, paper) for paper in papers)
    return tuple(table for table in tables if len(table.protocols) > 1)


def _table(audit: Audit, paper: str) -> ProtocolTable:
    protocols, entries = protocols_of(audit, paper), audit.entries
    rows = (_row(entries, members, protocols) for members in grouped(entries))
    return ProtocolTable(paper, protocols, tuple(row for row in rows if row.entry.paper == paper))


def protocols_sentence(tables: Sequence[ProtocolTable]) -> str:
    """Say for how many claims the verdict depends on the protocol."""
    rows = [row for table in tables for row in table.rows]
    if not any(row.compared for row in rows):
        return "No claim was judged by more than one protocol."
    if not (differing := sum(row.differs for row in rows)):
        return "No verdict differs between the protocols."
    of = f"{differing} of {counted(len(rows), 'claim')} in their setting"
    return f"The verdict differs between protocols for {of}."


def grouped(entries: Sequence[Entry]) -> tuple[dict[str, int], ...]:
    """Return for each claim in its setting which protocols judged it, and in which entry."""
    seen = Counter[tuple[object, ...]]()
    rows: dict[tuple[object, ...], dict[str, int]] = {}
    for index, entry in enumerate(entries):
        setting = (entry.paper, entry.claim, *sorted(entry.parameters.items()))
        # A repeated entry gets a row of its own instead of shadowing the first.
        repetition = seen[(entry.protocol, *setting)]
        seen[(entry.protocol, *setting)] += 1
        rows.setdefault((repetition, *setting), {})[entry.protocol] = index
    return tuple(rows.values())


def siblings(entries: Sequence[Entry]) -> tuple[dict[str, int], ...]:
    """Return for each entry the entries on its claim in its setting, by protocol."""
    found: dict[int, dict[str, int]] = {}
    for members in grouped(entries):
        found.update(dict.fromkeys(members.values(), members))
    return tuple(found[index] for index in range(len(entries)))


def in_overview(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Return the entries that the overview lists: all but what the standard protocol stands for.

    A claim that was judged by other protocols only is listed under each of them, so that no claim
    is missing.
    """
    return tuple(
        entry
        for entry, others in zip(entries, siblings(entries), strict=True)
        if entry.protocol == STANDARD or STANDARD not in others
    )


def result_sentence(audit: Audit, tables: Sequence[ProtocolTable]) -> str:
    """Say what the counted verdicts leave out, and whether the protocol matters."""
    sentence = protocols_sentence(tables)
    others = len(audit.entries) - len(in_overview(audit.entries))
    if not others:
        return sentence
    left_out = f"{counted(others, 'verdict')} under protocols other than the standard one"
    return f"This leaves out {left_out}. {sentence}"


def _row(
    entries: Sequence[Entry], members: dict[str, int], protocols: Sequence[ProtocolRecord]
) -> ProtocolRow:
    judged = [entries[index] for index in members.values()]
    outcomes = {entry.outcome for entry in judged} - SILENT
    cells = tuple(_cell(entries, members, protocol.name) for protocol in protocols)
    return ProtocolRow(judged[0], cells, len(outcomes) > 1)


def _cell(entries: Sequence[Entry], members: dict[str, int], protocol: str) -> ProtocolCell:
    index = members.get(protocol)
    if index is not None:
        return ProtocolCell(protocol, index, entries[index], "")
    touched = any(protocol in entries[other].alternatives for other in members.values())
    untouched = STANDARD in members and not touched
    return ProtocolCell(protocol, None, None, AS_STANDARD if untouched else NOT_JUDGED)
