"""Files that anybody may have made: their size is seen before they are read; JSON is strict."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Sequence
from io import FileIO
from pathlib import Path
from typing import Any, BinaryIO

from tic.errors import TicError
from tic.text import quoted

LARGEST_DOCUMENT = 256 * 2**20
"""Bytes of a document at most; an audit of four papers has some 5 KB for each training."""

# A link in the place of a file fails to open, and a pipe does not block.
_PLAIN = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


def read_whole(path: Path, limit: int = LARGEST_DOCUMENT) -> bytes:
    """Read a file that somebody named.

    Raises:
        OSError: It cannot be read.
        TicError: It is larger than any of its kind; nothing was read then.
    """
    with _opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        # A pipe or a device does not tell its size.
        content = file.read(limit + 1) if size <= limit else b""
    if max(size, len(content)) > limit:
        raise TicError(
            f"a document must have at most {limit:,} bytes, {path} has "
            f"{f'{size:,}' if size > limit else 'more'}; name another file"
        )
    return content


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except ValueError:  # a NUL or half a character, which no name has
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL)) from None


def read_stored(path: Path, limit: int = LARGEST_DOCUMENT) -> bytes:
    """Read a file of a Store, which no link leads out of and which is no pipe or device.

    Raises:
        OSError: It cannot be read.
        TicError: It is no plain file, or larger than any of its kind; nothing was read then.
    """
    descriptor = os.open(path, _PLAIN)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise TicError(f"{path.name} must be a plain file; remove {path}")
        if status.st_size > limit:
            raise TicError(
                f"{path.name} must have at most {limit:,} bytes, got {status.st_size:,}; "
                f"remove {path}"
            )
        with FileIO(descriptor, closefd=False) as file:
            return file.readall()
    finally:
        os.close(descriptor)


def is_plain(path: Path) -> bool:
    """Whether a path is a file itself: no link, folder, pipe or device.

    Raises:
        OSError: There is nothing.
    """
    return stat.S_ISREG(path.lstat().st_mode)


def require_folder(what: str, path: Path) -> None:
    """Refuse what is no folder and can become none, before hours of training lead up to it.

    Raises:
        TicError: It, or what it lies in, is no folder or cannot be looked at.
    """
    if fault := _why_no_folder(path):
        raise TicError(
            f"{what} must name a folder, got {quoted(str(path))} ({fault}); name another"
        )


def _why_no_folder(path: Path) -> str | None:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        pass  # what it would be made in decides
    except OSError as error:
        return error.strerror or "it cannot be looked at"
    except ValueError:
        return "no folder can have that name"
    nearest = next(folder for folder in (path, *path.absolute().parents) if os.path.lexists(folder))
    return None if nearest.is_dir() else f"{quoted(str(nearest))} is not a folder"


def parse_json(content: bytes) -> Any:
    """Parse a JSON document in which every key has one value and every number is finite.

    Raises:
        TicError: It is none; the message says what it is instead in a few words.
    """
    try:
        return json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_distinct,
            parse_constant=_refused,
            parse_float=_finite,
        )
    except UnicodeDecodeError as error:
        raise TicError(f"a file that is not UTF-8 (byte {error.start})") from None
    except json.JSONDecodeError as error:
        reason = error.msg[:1].lower() + error.msg[1:]
        raise TicError(f"text that is not JSON (line {error.lineno}: {reason})") from None
    except RecursionError:
        raise TicError("JSON that is nested too deep") from None
    except TicError:
        raise
    except ValueError:
        raise TicError("JSON with a number of too many digits") from None


def _distinct(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for key, value in pairs:
        if key in members:
            raise TicError(f"JSON with the key {quoted(key)} twice in one object")
        members[key] = value
    return members


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise TicError(f"JSON with the number {quoted(text)}, which is not finite")
    return number


def _refused(name: str) -> Any:
    raise TicError(f"JSON with {name}, which is not a number")
