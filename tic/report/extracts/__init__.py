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
from tic.text import listed, quoted
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
        TicError: The format is none, a pattern names nothing that the format has, a badge is asked
            for some claims only, anything else of an audit that was altered, or a file cannot be
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
    index = index_of(audit)
    items = _chosen(index, wanted, patterns)
    if wanted == "figures":
        return _write_figures(items, target)
    made = write_named(target, _text(wanted, index, items).encode())
    return [target] if made else []


def _write_figures(items: Sequence[Item], folder: Path) -> list[Path]:
    if folder == STANDARD_OUTPUT:
        raise TicError("figures are many files and go to a folder, got -; name one")
    require_folder("the folder of figures", folder)
    drawn = {folder / f"{item.anchor}.svg": claim_drawing(item) for item in items}
    for path, text in drawn.items():
        write_atomically(path, text.encode())
    return list(drawn)


def _text(wanted: str, index: Index, items: Sequence[Item]) -> str:
    if wanted == "csv":
        return spreadsheet(items)
    return latex_table(index, items) if wanted == "latex" else badge(index)


def _shown(index: Index, wanted: str) -> Sequence[Item]:
    """What a format has of an audit; a badge counts and shows nothing."""
    return {"csv": index.items, "latex": index.overview, "figures": index.measured}.get(wanted, ())


def _chosen(index: Index, wanted: str, patterns: Sequence[str]) -> list[Item]:
    shown = _shown(index, wanted)
    for pattern in patterns:
        if not _named(shown, [pattern]):
            raise TicError(_nothing_of(index, wanted, pattern))
    return _named(shown, patterns) if patterns else list(shown)


def _named(items: Sequence[Item], patterns: Sequence[str]) -> list[Item]:
    return [item for item in items if any(_matches(item.entry, pattern) for pattern in patterns)]


def _nothing_of(index: Index, wanted: str, pattern: str) -> str:
    """Say why a pattern leaves nothing in a format, and what to do."""
    if not pattern:
        return (
            "--claim must be names or places of claims with commas between them, got an empty one; "
            "name one, or leave --claim out to take all"
        )
    others = [other for other in FORMATS if _named(_shown(index, other), [pattern])]
    if others:
        return (
            f"--claim must name something that the format {wanted} has, got {quoted(pattern)}; "
            f"take {' or '.join(others)}, which shows it, or name another claim"
        )
    names = list(dict.fromkeys(item.entry.claim for item in index.items))
    return (
        f"--claim {quoted(pattern)} names no claim of this audit; it has "
        f"{listed(names, _MOST_NAMES) or 'none'}"
    )


def _matches(entry: Entry, pattern: str) -> bool:
    name = entry.claim.removeprefix(f"{entry.paper}/")
    places = (place for read in read_places(entry.source) for place in read.names)
    return any(fnmatchcase(known, pattern) for known in (name, entry.claim, entry.id, *places))
