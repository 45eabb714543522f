"""Writing files so that whoever reads them finds them whole, whenever the writer is killed."""

from __future__ import annotations

import json
import os
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tic.errors import TicError, UnwritableError

STANDARD_OUTPUT = Path("-")
"""Where a file is named to be written."""


@contextmanager
def write_errors_explained(path: Path) -> Iterator[None]:
    """Turn what the system refuses while something is written into one sentence.

    Args:
        path: What is written.

    Raises:
        UnwritableError: The system refused.
    """
    try:
        yield
    except OSError as error:
        raise UnwritableError(
            f"{path} cannot be written ({reason(error)}); make room or make the folder writable, "
            f"and the same command goes on"
        ) from error


def reason(error: OSError) -> str:
    """What the system says of an error, without the path."""
    return (error.strerror or str(error) or type(error).__name__).lower()


def write_atomically(path: Path, content: bytes) -> None:
    """Write beside the target and rename, so that no reader ever sees half a file.

    Raises:
        UnwritableError: The file cannot be written; what was there before stays.
    """
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    with write_errors_explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise


def named_file(path: Path) -> Path | None:
    """Return the file that somebody named to be written, where links lead.

    Args:
        path: What was named.

    Returns:
        The file; None where a pipe or a device was named, which is written as it is.

    Raises:
        TicError: It is a folder, lies in none that exists, or cannot be looked at.
    """
    with write_errors_explained(path):
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:
            mode = stat.S_IFREG
        if stat.S_ISDIR(mode):
            raise TicError(
                f"what is to be written must be a file, got the folder {path}; name a file in it"
            )
        # Behind /dev/stdout may be a file that a shell has opened: it must stay the same one.
        if not stat.S_ISREG(mode) or Path("/dev") in path.absolute().parents:
            return None
        place = Path(os.path.realpath(path))
        if not place.parent.is_dir():
            raise TicError(
                f"{path} must lie in a folder that exists, got {place.parent}, which is none; "
                "make it, or name another"
            )
        return place


def write_named(path: Path, content: bytes) -> bool:
    """Write what somebody named: a file whole, a pipe or device straight, `-` to standard output.

    What has a name of our own making is written by `write_atomically`, which follows no link.

    Returns:
        Whether there is a file now.

    Raises:
        TicError: It is a folder, lies in none, or cannot be written.
    """
    if path == STANDARD_OUTPUT:
        sys.stdout.buffer.write(content)
        return False
    place = named_file(path)
    if place is None:
        with write_errors_explained(path):
            path.write_bytes(content)
        return False
    write_atomically(place, content)
    return True


def write_json(path: Path, document: Any) -> None:
    """Write a JSON document atomically.

    Raises:
        TicError: It cannot be written.
    """
    write_atomically(path, json.dumps(document, indent=1, allow_nan=False).encode())


def remove_half_written(folder: Path) -> None:
    """Remove what processes that were killed while writing left in a folder that is locked now.

    Raises:
        UnwritableError: The folder cannot be written.
    """
    with write_errors_explained(folder):
        for path in folder.glob(".*"):
            path.unlink()
