"""Where the reading matters: all claims that were read in several ways, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from tic.document.audit import Entry
from tic.report import numerals
from tic.report.findings.finding import measured
from tic.report.readings import (
    Key,
    ReadingCell,
    factors_of,
    in_order,
    reading_cells,
    reading_sentence,
)
from tic.report.roles import SILENT, labels


@dataclass(frozen=True)
class OverallRow:
    """One claim over all readings; `entry` is the place in the audit of what holds them."""

    entry: int
    claim: str
    cells: tuple[tuple[ReadingCell, ...], ...]
    differs: bool
    sentence: str


@dataclass(frozen=True)
class OverallTable:
    """Claims by readings that have the same factors.

    `heads` holds for each factor its values over the columns, each with how many it spans.
    """

    factors: Key
    heads: tuple[tuple[tuple[str, int], ...], ...]
    columns: tuple[Key, ...]
    rows: tuple[OverallRow, ...]


def overall_tables(entries: Sequence[Entry]) -> tuple[OverallTable, ...]:
    """Lay the readings of all claims side by side, one table for each set of factors."""
    named = claim_names(entries)
    read = [(index, entry) for index, entry in measured(entries) if entry.readings]
    kinds = dict.fromkeys(factors_of(entry.readings) for _, entry in read)
    return tuple(
        _overall(kind, [(i, named[i], e) for i, e in read if factors_of(e.readings) == kind])
        for kind in kinds
    )


def claim_names(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Return for each entry the claims that its readings are about, with their setting."""
    return tuple(
        _claims(entry, label) for entry, label in zip(entries, labels(entries), strict=True)
    )


def _claims(entry: Entry, label: str) -> str:
    if entry.role != "rival" or not entry.threatens:
        return label
    prefix = "" if label.startswith(entry.claim) else f"{entry.paper}/"
    names = [claim.removeprefix(prefix) for claim in entry.threatens]
    setting = label.partition(" (")[2].removesuffix(")")
    # A parameter that picks the claim says nothing beside its name.
    shown = [each for each in setting.split(", ") if each and each not in names]
    return numerals.enumerated(names) + (f" ({', '.join(shown)})" if shown else "")


def _overall(kind: Key, members: Sequence[tuple[int, str, Entry]]) -> OverallTable:
    cells = [reading_cells(entry.readings, kind) for _, _, entry in members]
    columns = in_order(key for one in cells for key in one)
    return OverallTable(
        factors=kind,
        heads=tuple(_spans([key[: place + 1] for key in columns]) for place in range(len(kind))),
        columns=columns,
        rows=tuple(
            OverallRow(
                entry=index,
                claim=name,
                cells=tuple(own.get(key, ()) for key in columns),
                differs=len({r.outcome for r in entry.readings} - SILENT) > 1,
                sentence=reading_sentence(entry.readings),
            )
            for (index, name, entry), own in zip(members, cells, strict=True)
        ),
    )


def _spans(prefixes: Sequence[Key]) -> tuple[tuple[str, int], ...]:
    return tuple((prefix[-1], len(list(members))) for prefix, members in groupby(prefixes))
