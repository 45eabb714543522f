"""What people take out of an audit: a spreadsheet, a table for a paper, drawings and a badge."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from tic.document.audit import Audit, Entry
from tic.document.places import read_places
from tic.document.seal import require_unaltered
from tic.errors import TicError, require_known
from tic.files import require_folder
from tic.report.extracts.badge import badge
from tic.report.extracts.drawings import claim_drawing
from tic.report.extracts.latex import latex_table
from tic.report.extracts.spreadsheet import spreadsheet
from tic.report.index import Index, Item, index_of
from tic.text import quoted
from tic.writing import STANDARD_OUTPUT, write_atomically, write_named

FORMATS = ("csv", "latex", "figures", "badge")
_MOST_NAMES = 12


def extract(audit: Audit, wanted: str, target: Path, patterns: Sequence[str] = ()) -> list[Path]:
    """Write one extract of an audit.

    Args:
        audit: What an execution of the suite left.
        wanted: One of `FORMATS`. A spreadsheet has all entries, the table those that the page
            lists, and of figures there is one for each claim and rival.
        target: The file, or `-` for standard output; of figures the folder, in which each has the
            name of its entry.
        patterns: Names, ids or places of the claims that are meant, as of `--claim`; all without.

    Returns:
        The files; none where the target is standard output, a pipe or a device.

    Raises:
        TicError: The format is none, a pattern names no claim of the audit, a badge is asked for
            some claims only, anything else of an audit that was altered, or a file cannot be
            written.
    """
    require_known("format", wanted, FORMATS)
    if wanted == "badge" and patterns:
        raise TicError(
            f"a badge counts all claims of an audit, got --claim {quoted(','.join(patterns))}; "
            f"leave it out, or take a csv or latex table of these claims"
        )
    if wanted != "badge":  # which says so itself
        require_unaltered(audit)
    _require_claims(audit, patterns)
    index = index_of(audit)
    if wanted == "figures":
        return _write_figures(_chosen(index.measured, patterns), target)
    made = write_named(target, _text(wanted, index, patterns).encode())
    return [target] if made else []


def _write_figures(items: Sequence[Item], folder: Path) -> list[Path]:
    if folder == STANDARD_OUTPUT:
        raise TicError("figures are many files and go to a folder, got -; name one")
    require_folder("the folder of figures", folder)
    drawn = {folder / f"{item.anchor}.svg": claim_drawing(item) for item in items}
    for path, text in drawn.items():
        write_atomically(path, text.encode())
    return list(drawn)


def _text(wanted: str, index: Index, patterns: Sequence[str]) -> str:
    if wanted == "csv":
        return spreadsheet(_chosen(index.items, patterns))
    if wanted == "latex":
        return latex_table(index, _chosen(index.overview, patterns))
    return badge(index)


def _require_claims(audit: Audit, patterns: Sequence[str]) -> None:
    for pattern in patterns:
        if not any(_matches(entry, pattern) for entry in audit.entries):
            names = list(dict.fromkeys(entry.claim for entry in audit.entries))
            more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
            raise TicError(
                f"--claim {quoted(pattern)} names no claim of this audit; it has "
                f"{', '.join(names[:_MOST_NAMES]) or 'none'}{more}"
            )


def _chosen(items: Sequence[Item], patterns: Sequence[str]) -> list[Item]:
    return [
        item
        for item in items
        if not patterns or any(_matches(item.entry, pattern) for pattern in patterns)
    ]


def _matches(entry: Entry, pattern: str) -> bool:
    name = entry.claim.removeprefix(f"{entry.paper}/")
    places = (place for read in read_places(entry.source) for place in read.names)
    return any(fnmatchcase(known, pattern) for known in (name, entry.claim, entry.id, *places))
