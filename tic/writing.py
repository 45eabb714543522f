"""Writing files so that whoever reads them finds them whole, whenever the writer is killed."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tic.errors import UnwritableError


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
