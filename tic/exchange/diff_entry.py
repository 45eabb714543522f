"""What became different in one entry, part by part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
from tic.exchange.changes import FieldChange, changes, keyed, membership, plain

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
    for name in [name for name in old if name in new]:
        yield from changes(f"{kind} {name}", plain(old[name]), plain(new[name]))


def _table_evidence(key: str, old: Entry, new: Entry) -> Iterator[FieldChange]:
    """Sum up what moved in each row of a table, which has a number for every seed."""
    before = keyed((table.title, table) for table in old.tables)
    after = keyed((table.title, table) for table in new.tables)
    yield from membership(f"{key}: table", before, after)
    for title in [title for title in before if title in after]:
        place = f"{key}: table {title}"
        old_table, new_table = before[title], after[title]
        yield from changes(place, plain(old_table, {"rows"}), plain(new_table, {"rows"}))
        rows, other_rows = _rows(old_table), _rows(new_table)
        yield from membership(f"{place}: row", rows, other_rows)
        for name in [name for name in rows if name in other_rows]:
            shown = _moved(rows[name].values, other_rows[name].values)
            if shown:
                yield FieldChange(f"{place}: {name}", "as it was", shown)


def _moved(old: Sequence[Sequence[float]], new: Sequence[Sequence[float]]) -> str:
    """Say how many numbers of a row differ; "" where none do."""
    count = sum(1 for _ in changes("", old, new))
    size = max(sum(map(len, old)), sum(map(len, new)))
    return f"{count} of {size} values differ" if count else ""


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
    before = keyed((figure.title, figure) for figure in old.figures)
    after = keyed((figure.title, figure) for figure in new.figures)
    yield from membership(f"{key}: figure", before, after)
    for title in [title for title in before if title in after]:
        count = sum(1 for _ in changes("", plain(before[title]), plain(after[title])))
        if count:
            place = f"{key}: figure {title}"
            shown = f"{count} of {after[title].size} values differ"
            yield FieldChange(place, "as it was", shown)


def shared_contrasts(old: Entry, new: Entry) -> Iterator[tuple[str, Contrast, Contrast]]:
    """Return the contrasts that two entries share, by their name."""
    after = _contrasts(new)
    for name, contrast in _contrasts(old).items():
        if name in after:
            yield name, contrast, after[name]


def _contrasts(entry: Entry) -> dict[str, Contrast]:
    return keyed((contrast.name, contrast) for contrast in entry.contrasts)


def _comparisons(entry: Entry) -> list[dict[str, Any]]:
    return [plain(comparison, _apart_of(comparison)) for comparison in entry.comparisons]


def _apart_of(comparison: Comparison) -> set[str]:
    """Leave out what rests on a clock, which is different in every execution."""
    return {"measured"} if comparison.timed else set()
