"""Where the reading matters: all claims that were read in several ways, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from tic.report import numerals
from tic.report.index import Index, Item
from tic.report.readings import (
    Key,
    ReadingCell,
    factors_of,
    in_order,
    reading_cells,
    reading_sentence,
)
from tic.report.verdicts import SILENT


@dataclass(frozen=True)
class OverallRow:
    """One claim over all readings; `item` is what holds them."""

    item: Item
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


def overall_tables(index: Index) -> tuple[OverallTable, ...]:
    """Lay the readings of all claims side by side, one table for each set of factors."""
    members: dict[Key, list[Item]] = {}
    for item in index.measured:
        if item.entry.readings:
            members.setdefault(factors_of(item.entry.readings), []).append(item)
    return tuple(_overall(factors, items) for factors, items in members.items())


def claims_read(item: Item) -> str:
    """Name the claims that the readings of an entry are about, with their setting."""
    entry, label = item.entry, item.label
    if entry.role != "rival" or not entry.threatens:
        return label
    prefix = "" if label.startswith(entry.claim) else f"{entry.paper}/"
    names = [claim.removeprefix(prefix) for claim in entry.threatens]
    setting = label.partition(" (")[2].removesuffix(")")
    # A parameter that picks the claim says nothing beside its name.
    shown = [value for value in setting.split(", ") if value and value not in names]
    return numerals.enumerated(names) + (f" ({', '.join(shown)})" if shown else "")


def _overall(factors: Key, items: Sequence[Item]) -> OverallTable:
    cells = [reading_cells(item.entry.readings, factors) for item in items]
    columns = in_order(key for one in cells for key in one)
    return OverallTable(
        factors=factors,
        heads=tuple(_spans([key[: place + 1] for key in columns]) for place in range(len(factors))),
        columns=columns,
        rows=tuple(
            OverallRow(
                item=item,
                claim=claims_read(item),
                cells=tuple(own.get(key, ()) for key in columns),
                differs=len({r.outcome for r in item.entry.readings} - SILENT) > 1,
                sentence=reading_sentence(item.entry.readings),
            )
            for item, own in zip(items, cells, strict=True)
        ),
    )


def _spans(prefixes: Sequence[Key]) -> tuple[tuple[str, int], ...]:
    return tuple((prefix[-1], len(list(members))) for prefix, members in groupby(prefixes))
