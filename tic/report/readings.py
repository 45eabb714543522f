"""A claim read in other ways: a grid of what came out, and whether the release's way agrees."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tic.document.audit import Entry
from tic.document.evidence import ReadingVerdict
from tic.report import numerals
from tic.report.verdicts import BADGES, SILENT, Badge

_ABSENT = "–"
_NO_FACTORS = ("reading",)
Key = tuple[str, ...]


@dataclass(frozen=True)
class ReadingCell:
    """One reading: what came out, printed, and whether it is the standard's or the release's."""

    badge: Badge
    estimate: str
    unit: str
    standard: bool
    release: bool
    label: str


@dataclass(frozen=True)
class ReadingGrid:
    """The readings of one entry: all factors but the last as rows, the last one as columns.

    `unit` is that of all estimates, and empty where they differ. `confidence` is that of the
    intervals that decide each reading, None where nothing was kept of them.
    """

    factors: Key
    unit: str
    columns: Key
    rows: tuple[tuple[Key, tuple[tuple[ReadingCell, ...], ...]], ...]
    sentence: str
    confidence: float | None


def reading_grid(readings: Sequence[ReadingVerdict]) -> ReadingGrid | None:
    """Arrange the readings of one entry; None where it has none."""
    if not readings:
        return None
    factors = factors_of(readings)
    cells = reading_cells(readings, factors)
    rows = tuple(dict.fromkeys(key[:-1] for key in in_order(cells)))
    columns = tuple(dict.fromkeys(key[-1] for key in in_order(cells)))
    units = {one.unit for one in readings}
    return ReadingGrid(
        factors=factors,
        unit=units.pop() if len(units) == 1 else "",
        columns=columns,
        rows=tuple((row, tuple(cells.get((*row, c), ()) for c in columns)) for row in rows),
        sentence=reading_sentence(readings),
        confidence=max((c.confidence for one in readings for c in one.contrasts), default=None),
    )


def reading_sentence(readings: Sequence[ReadingVerdict]) -> str:
    """Say what came out over all readings."""
    counts = [sum(one.outcome == outcome for one in readings) for outcome in BADGES]
    parts = [f"{n} {badge.phrase}" for n, badge in zip(counts, BADGES.values(), strict=True) if n]
    return f"{numerals.counted(len(readings), 'reading')}: {numerals.enumerated(parts)}"


def read_by_release(entry: Entry) -> bool:
    """Return whether both the standard reading and one of the release found something out."""
    return (
        bool(entry.readings) and entry.readings[0].outcome not in SILENT and bool(_release(entry))
    )


def against_release(entry: Entry) -> tuple[ReadingVerdict, ReadingVerdict]:
    """Return the standard reading and the release's, one that came out otherwise if there is one.

    Args:
        entry: One for which `read_by_release` holds.
    """
    standard, others = entry.readings[0], _release(entry)
    return standard, next((r for r in others if r.outcome != standard.outcome), others[0])


def _release(entry: Entry) -> list[ReadingVerdict]:
    return [one for one in entry.readings if one.release and one.outcome not in SILENT]


def factors_of(readings: Sequence[ReadingVerdict]) -> Key:
    """Return the names of all factors, as they first occur."""
    return tuple(dict.fromkeys(key for one in readings for key in one.factors)) or _NO_FACTORS


def reading_cells(
    readings: Sequence[ReadingVerdict], factors: Key
) -> dict[Key, tuple[ReadingCell, ...]]:
    """Return by the values of its factors what came out of each reading; the first is standard."""
    cells: dict[Key, tuple[ReadingCell, ...]] = {}
    for index, one in enumerate(readings):
        key = tuple(one.factors.get(factor, _ABSENT) for factor in factors)
        cells[key] = (*cells.get(key, ()), _cell(one, index == 0))
    return cells


def in_order(keys: Iterable[Key]) -> tuple[Key, ...]:
    """Sort keys by their first factor, then the second and so on, values as they first occur."""
    known = list(dict.fromkeys(keys))
    places = [{v: i for i, v in enumerate(dict.fromkeys(c))} for c in zip(*known, strict=True)]
    return tuple(sorted(known, key=lambda key: [at[v] for at, v in zip(places, key, strict=True)]))


def _cell(reading: ReadingVerdict, standard: bool) -> ReadingCell:
    badge = BADGES[reading.outcome]
    estimate = "" if reading.estimate is None else numerals.number(reading.estimate)
    factors = ", ".join(f"{key} {value}" for key, value in reading.factors.items())
    shown = numerals.with_unit(estimate, reading.unit) if estimate else ""
    marks = [name for name, on in (("standard", standard), ("release", reading.release)) if on]
    label = ", ".join(filter(None, (f"{factors}: {badge.word}", shown, *marks)))
    return ReadingCell(badge, estimate, reading.unit, standard, reading.release, label)
