"""All numbers of one entry as CSV: a row for every quantity, a column for every seed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from tic.document.audit import Entry
from tic.document.evidence import Table
from tic.report.drawing.drawing import MOST_NUMBERS
from tic.report.drawing.figures import figure_drawings
from tic.report.extracts.spreadsheet import cell

HEAD = ("part", "title", "group", "row", "column", "unit")
"""What a row begins with; its numbers follow, in columns 1, 2, …, in the order of the seeds."""

_Row = tuple[str, str, str, str, str, str, Sequence[float]]


def numbers(entry: Entry) -> str:
    """Return contrasts, tables and figures of an entry, in UTF-8 as RFC 4180 has it.

    Every contrast has a row with its seeds and one with its effects. Numbers are written so that
    reading them gives the same bits. Figures of so many that the page shows no table of them are
    left to the audit's document.
    """
    rows = list(_rows(entry))
    longest = max((len(values) for *_, values in rows), default=0)
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow([*HEAD, *range(1, longest + 1)])
    for *names, values in rows:
        writer.writerow([*(cell(name) for name in names), *values])
    return written.getvalue()


def _rows(entry: Entry) -> Iterator[_Row]:
    for contrast in entry.contrasts:
        yield ("contrast", contrast.name, "", "seeds", "", "", contrast.seeds)
        yield ("contrast", contrast.name, "", "effects", "", contrast.unit, contrast.effects)
    for table in entry.tables:
        yield from _of_table("table", table.title, table)
    for figure in entry.figures:
        shown = (d for d in figure_drawings(figure, "unused") if d.cells <= MOST_NUMBERS)
        for drawing in shown:
            title = ": ".join(filter(None, (figure.title, drawing.title)))
            yield from _of_table("figure", title, drawing.table)


def _of_table(part: str, title: str, table: Table) -> Iterator[_Row]:
    for row in table.rows:
        for column, values in zip(table.columns, row.values, strict=True):
            yield (part, title, row.group, row.name, column, table.unit, values)
