"""The report of an audit on the disk, and where it goes when the disk refuses."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tic.errors import TicError

if TYPE_CHECKING:
    from tic.document.audit import Audit


def require_writable(folder: Path) -> None:
    """See that a report can be written to a folder, before hours of work depend on it.

    Raises:
        TicError: It cannot.
    """
    there = next(
        parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists()
    )
    if not os.access(there, os.W_OK | os.X_OK):
        raise TicError(
            f"the report needs a folder that can be written, got {folder}; name another with "
            f"--report-dir"
        )


def new_folder(folder: Path) -> Path:
    """Make a folder that nobody else has: this one, or the first free one numbered after it.

    One that cannot be made is returned all the same: whoever writes there tells why.
    """
    free, number = folder, 1
    while True:
        try:
            free.parent.mkdir(parents=True, exist_ok=True)
        except OSError:
            return free
        try:
            free.mkdir()
        except FileExistsError:
            number += 1
            free = folder.with_name(f"{folder.name}-{number}")
        except OSError:
            return free
        else:
            return free


def save_report(audit: Audit, folder: Path) -> tuple[Path | None, list[str]]:
    """Write the report, to a temporary folder where its own cannot be written.

    Args:
        audit: What an execution of the suite left.
        folder: Where the report goes.

    Returns:
        The page, or None; and a sentence for each thing that went wrong.
    """
    from tic.report import write_report

    try:
        return write_report(audit, folder), []
    except TicError as error:
        problem = f"the report is not where it was asked for: {error}"
    try:
        return write_report(audit, Path(tempfile.mkdtemp(prefix="tic-audit-"))), [problem]
    except (TicError, OSError):
        return None, [
            problem,
            "nor could it be written elsewhere; the same command judges again",
        ]
