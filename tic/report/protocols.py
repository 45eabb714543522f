"""Verdicts under several protocols: which claims they touch, and where they disagree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tic.document.audit import STANDARD_PROTOCOL, ProtocolRecord
from tic.report.index import Index, Item
from tic.report.numerals import counted
from tic.report.verdicts import SILENT

AS_STANDARD: Final = "as standard"
NOT_JUDGED: Final = "not judged"


@dataclass(frozen=True)
class ProtocolCell:
    """What one protocol says of a claim: a verdict, or a remark why there is none.

    `remark` is "as standard" where the protocol does not touch the claim.
    """

    protocol: str
    item: Item | None
    remark: str


@dataclass(frozen=True)
class ProtocolRow:
    """One claim in one setting under all protocols; `differs` is whether verdicts disagree.

    `claim` is the first verdict on it.
    """

    claim: Item
    cells: tuple[ProtocolCell, ...]
    differs: bool

    @property
    def compared(self) -> bool:
        """Return whether more than one protocol judged the claim."""
        return sum(cell.item is not None for cell in self.cells) > 1


@dataclass(frozen=True)
class ProtocolTable:
    """The claims of one paper, given by its key, in their setting by its protocols."""

    paper: str
    protocols: tuple[ProtocolRecord, ...]
    rows: tuple[ProtocolRow, ...]


def protocol_tables(index: Index) -> tuple[ProtocolTable, ...]:
    """Compare verdicts between the protocols of each paper that was read by more than one."""
    return tuple(
        ProtocolTable(paper, tuple(protocols.values()), tuple(_rows(index, paper)))
        for paper, protocols in index.protocols.items()
        if len(protocols) > 1
    )


def protocols_sentence(tables: Sequence[ProtocolTable]) -> str:
    """Say for how many claims the verdict depends on the protocol."""
    rows = [row for table in tables for row in table.rows]
    if not any(row.compared for row in rows):
        return "No claim was judged by more than one protocol."
    if not (differing := sum(row.differs for row in rows)):
        return "No verdict differs between the protocols."
    of = f"{differing} of {counted(len(rows), 'claim')} in their setting"
    return f"The verdict differs between protocols for {of}."


def result_sentence(index: Index, tables: Sequence[ProtocolTable]) -> str:
    """Say what the counted verdicts leave out, and whether the protocol matters."""
    if not tables:
        return ""
    sentence = protocols_sentence(tables)
    others = len(index.claims) - len(index.overview)
    if not others:
        return sentence
    left_out = f"{counted(others, 'verdict')} under protocols other than the standard one"
    return f"This leaves out {left_out}. {sentence}"


def _rows(index: Index, paper: str) -> Iterator[ProtocolRow]:
    for setting in index.settings:
        first, *_ = setting.values()
        if first.entry.paper == paper:
            outcomes = {item.entry.outcome for item in setting.values()} - SILENT
            cells = tuple(_cell(setting, protocol) for protocol in index.protocols[paper])
            yield ProtocolRow(first, cells, len(outcomes) > 1)


def _cell(setting: Mapping[str, Item], protocol: str) -> ProtocolCell:
    if protocol in setting:
        return ProtocolCell(protocol, setting[protocol], "")
    touched = any(protocol in item.entry.alternatives for item in setting.values())
    untouched = STANDARD_PROTOCOL in setting and not touched
    return ProtocolCell(protocol, None, AS_STANDARD if untouched else NOT_JUDGED)
