"""What became different in one entry, part by part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tic.document.audit import Entry
from tic.document.evidence import (
    Check,
    Comparison,
    Contrast,
    ReadingVerdict,
    Record,
    Table,
    TableRow,
    WorstCase,
)
from tic.document.upgrade import tells_of_samples, without_samples
from tic.exchange.changes import (
    FieldChange,
    changes,
    keyed,
    membership,
    plain,
    same_lengths,
    shared,
)
from tic.report.numerals import counted

# Compared part by part below, compared elsewhere, or different in every execution.
_ENTRY_APART = {
    "id", "outcome", "own_outcome", "contrasts", "comparisons", "checks", "worst_cases",
    "readings", "tables", "figures", "seconds",
}  # fmt: skip
_CONTRAST_APART = {"name", "estimate"}


def entry_evidence(key: str, old: Entry, new: Entry) -> Iterator[FieldChange]:
    """Report what differs between two entries, except for verdicts and estimates."""
    if tells_of_samples(old) != tells_of_samples(new):
        old, new = without_samples(old), without_samples(new)
    yield from changes(key, plain(old, _ENTRY_APART), plain(new, _ENTRY_APART))
    yield from changes(f"{key}.comparisons", _comparisons(old), _comparisons(new))
    yield from membership(f"{key}: contrast", _contrasts(old), _contrasts(new))
    for name, before, after in shared_contrasts(old, new):
        place = f"{key}: {name}"
        yield from changes(place, plain(before, _CONTRAST_APART), plain(after, _CONTRAST_APART))
    yield from _named_evidence(f"{key}: check", _checks(old), _checks(new))
    yield from _named_evidence(f"{key}: worst case", _worst_cases(old), _worst_cases(new))
    yield from _named_evidence(f"{key}: reading", _readings(old), _readings(new))
    yield from changes(f"{key}: standard reading", _standard(old), _standard(new))
    yield from _table_evidence(key, old, new)
    yield from _figure_evidence(key, old, new)


def _named_evidence(
    kind: str, old: Mapping[str, Record], new: Mapping[str, Record]
) -> Iterator[FieldChange]:
    yield from membership(kind, old, new)
    for name, before, after in shared(old, new):
        yield from changes(f"{kind} {name}", plain(before), plain(after))


def _table_evidence(key: str, old: Entry, new: Entry) -> Iterator[FieldChange]:
    """Sum up what moved in each row of a table, which has a number for every seed."""
    old_tables = keyed((table.title, table) for table in old.tables)
    new_tables = keyed((table.title, table) for table in new.tables)
    yield from membership(f"{key}: table", old_tables, new_tables)
    for title, before, after in shared(old_tables, new_tables):
        place = f"{key}: table {title}"
        yield from changes(place, plain(before, {"rows"}), plain(after, {"rows"}))
        yield from membership(f"{place}: row", _rows(before), _rows(after))
        for name, row, other in shared(_rows(before), _rows(after)):
            sizes = _size(row), _size(other)
            yield from _moved(f"{place}: {name}", row.values, other.values, *sizes)


def _moved(place: str, old: Any, new: Any, before: int, after: int) -> Iterator[FieldChange]:
    """Sum up which of some values differ, or how many there are where that is not the same.

    Args:
        place: Where they stand.
        old: The values, in lists and by name.
        new: The later ones.
        before: How many numbers are among the former.
        after: And among the later ones.
    """
    count = sum(1 for _ in changes("", old, new))
    if count and not same_lengths(old, new):
        # Which belongs to which is unknown: with seeds added, every list is another.
        yield FieldChange(place, counted(before, "value"), counted(after, "value"))
    elif count:
        yield FieldChange(place, "as it was", f"{count} of {after} values differ")


def _size(row: TableRow) -> int:
    return sum(map(len, row.values))


def _rows(table: Table) -> dict[str, TableRow]:
    return keyed((", ".join(filter(None, (row.group, row.name))), row) for row in table.rows)


def _checks(entry: Entry) -> dict[str, Check]:
    return keyed((check.name, check) for check in entry.checks)


def _worst_cases(entry: Entry) -> dict[str, WorstCase]:
    return keyed((case.figure, case) for case in entry.worst_cases)


def _readings(entry: Entry) -> dict[str, ReadingVerdict]:
    return keyed((_factors_text(reading), reading) for reading in entry.readings)


def _standard(entry: Entry) -> str:
    """Name the reading that the others are compared with, which is the first."""
    return next(iter(_readings(entry)), "none")


def _factors_text(reading: ReadingVerdict) -> str:
    return ", ".join(f"{key} = {value}" for key, value in reading.factors.items())


def _figure_evidence(key: str, old: Entry, new: Entry) -> Iterator[FieldChange]:
    """Sum up what moved in a figure, whose single values nobody would read here."""
    old_figures = keyed((figure.title, figure) for figure in old.figures)
    new_figures = keyed((figure.title, figure) for figure in new.figures)
    yield from membership(f"{key}: figure", old_figures, new_figures)
    for title, before, after in shared(old_figures, new_figures):
        place = f"{key}: figure {title}"
        yield from _moved(place, plain(before), plain(after), before.size, after.size)


def shared_contrasts(old: Entry, new: Entry) -> Iterator[tuple[str, Contrast, Contrast]]:
    """Return the contrasts that two entries share, by their name."""
    return shared(_contrasts(old), _contrasts(new))


def _contrasts(entry: Entry) -> dict[str, Contrast]:
    return keyed((contrast.name, contrast) for contrast in entry.contrasts)


def _comparisons(entry: Entry) -> list[dict[str, Any]]:
    return [plain(comparison, _apart_of(comparison)) for comparison in entry.comparisons]


def _apart_of(comparison: Comparison) -> set[str]:
    """Leave out what rests on a clock, which is different in every execution."""
    return {"measured"} if comparison.timed else set()
