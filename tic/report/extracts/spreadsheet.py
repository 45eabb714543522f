"""All entries as CSV: one row each, in columns that a program reads as they are."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from tic.report.index import Item
from tic.report.overview import COLUMNS, Value
from tic.text import visible

# A spreadsheet takes a cell that begins so for a formula, and computes it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def spreadsheet(items: Sequence[Item]) -> str:
    """Return a table of entries, in UTF-8 as RFC 4180 has it.

    Numbers are written so that reading them gives the same bits. A text that a spreadsheet would
    take for a formula has an apostrophe before it.

    Args:
        items: The entries.
    """
    fields = [field for column in COLUMNS for field in column.fields.items()]
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow([name for name, _ in fields])
    writer.writerows([cell(value(item)) for _, value in fields] for item in items)
    return written.getvalue()


def cell(value: Value) -> str | int | float:
    """Write a value as a cell of a spreadsheet, which does not take it for a formula."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return value
    text = visible(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
