"""Readers of files of event cameras, strict: what is wrong with a file is said, and nothing is run.

Nothing is allocated by what a header claims, only by what a file has. A file that does not end
where its last event does is refused as broken off.
"""

from __future__ import annotations

import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tic.data.events.recording import Events, Sensor
from tic.errors import TicError
from tic.text import quoted

LARGEST = 2**31
"""Bytes of a file: recordings of these data sets have some hundred million at most."""
MOST_EVENTS = 2**27
_BROKEN_ARCHIVE = (
    zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, struct.error,
    zlib.error, lzma.LZMAError,
)  # fmt: skip
"""What reading a damaged archive may raise."""
COLUMNS = ("t", "x", "y", "p")
_HEADER = struct.Struct("<HHIIIIII")
_POLARITY = 1
_EVENT = 8
_LONGEST_LINE = 4096
_NO_TEXT = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_LAST_LINE = re.compile(rb"#!END-HEADER|#\s*End Of ASCII Header", re.IGNORECASE)
"""Of a header: AEDAT 3 must have the first, and jAER writes the second."""
_VERSIONS = (b"\x01\x00", b"\x02\x00")
_ARRAY_HEADER = re.compile(
    rb"\{'descr': '([<>|=]?[A-Za-z]\d{0,4})', 'fortran_order': (True|False), "
    rb"'shape': \(((?:\d{1,19}, ?)*(?:\d{1,19})?)\), \}\s*"
)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Say of which file something is wrong."""
    try:
        if path.stat().st_size > LARGEST:
            raise TicError(
                f"it must have at most {LARGEST} bytes, got {path.stat().st_size}; cut it"
            )
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise TicError(f"{path} cannot be read ({reason})") from None
    except TicError as error:
        raise TicError(f"{path} is no sound recording: {error}") from None


def read_aedat3(path: Path, sensor: Sensor) -> Events:
    """Read a file of AEDAT 3.1, of whose packets those of polarity events are taken.

    Events that the camera marked as invalid are left out.

    Raises:
        TicError: It is not such a file, broken off, or its events are none; see `Events`.
    """
    with _explained(path):
        return _aedat3(path.read_bytes(), sensor)


def _aedat3(content: bytes, sensor: Sensor) -> Events:
    start = _after_header(content, rb"#!AER-DAT3\.[01]\r?\n", "AEDAT 3.1")
    words, overflows = [], []
    while start < len(content):
        if start + _HEADER.size > len(content):
            raise TicError(f"it breaks off within the header of a packet at byte {start}")
        kind, _, size, _, overflow, capacity, number, _ = _HEADER.unpack_from(content, start)
        start += _HEADER.size
        if size < 1 or number > capacity:
            raise TicError(
                f"a packet must have events of at least 1 byte and no more than it has room for, "
                f"got {number} of {size} bytes in room for {capacity} before byte {start}"
            )
        end = start + size * number
        if end > len(content):
            raise TicError(
                f"it breaks off at byte {len(content)}: a packet claims {number} events of {size} "
                f"bytes from byte {start} on"
            )
        if kind == _POLARITY:
            if size != _EVENT:
                raise TicError(f"polarity events must have {_EVENT} bytes, got {size}")
            words.append(np.frombuffer(content, "<u4", 2 * number, start).reshape(-1, 2))
            overflows.append(np.full(number, overflow, np.int64))
        start = end
    joined = np.concatenate([*words, np.zeros((0, 2), np.uint32)])
    data, times = joined[:, 0], joined[:, 1].astype(np.int64)
    times += np.concatenate([*overflows, np.zeros(0, np.int64)]) << 31
    valid = (data & 1) == 1
    return Events(
        times[valid],
        (data[valid] >> 17) & 0x7FFF,
        (data[valid] >> 2) & 0x7FFF,
        (data[valid] >> 1) & 1,
        sensor,
    )


def read_aedat2(path: Path, sensor: Sensor) -> Events:
    """Read a file of AEDAT 2.0 of a DAVIS camera; its pictures and inertial data are left out.

    Raises:
        TicError: It is not such a file, broken off, or its events are none; see `Events`.
    """
    with _explained(path):
        content = path.read_bytes()
        start = _after_header(content, rb"#!AER-DAT2\.0[^\n]*\n", "AEDAT 2.0")
        if left := (len(content) - start) % _EVENT:
            raise TicError(f"it breaks off within an event, {left} bytes after the last whole one")
        words = np.frombuffer(content, ">u4", offset=start).reshape(-1, 2)
        address, times = words[:, 0].astype(np.int64), words[:, 1].astype(np.int64)
        # Pictures have the highest bit, special events the tenth.
        events = (address & 0x80000400) == 0
        address = address[events]
        return Events(
            times[events],
            (address >> 12) & 0x3FF,
            (address >> 22) & 0x1FF,
            (address >> 11) & 1,
            sensor,
        )


def _after_header(content: bytes, first: bytes, name: str) -> int:
    """Where the lines of text that begin with # end, each as the first one does.

    A marker may end them. Without it only their being text tells them from events, of which one in
    rows 140 to 143 begins with the byte of a # as well, and has bytes that no text has or ends the
    line at once.

    Raises:
        TicError: The first is not the format's, or a line is too long.
    """
    match = re.match(first, content)
    if match is None:
        raise TicError(f"it must begin as {name} does, got {content[:20]!r}")
    ending = b"\r\n" if match.group().endswith(b"\r\n") else b"\n"
    place = match.end()
    while content[place : place + 1] == b"#":
        line, ended, _ = content[place : place + _LONGEST_LINE].partition(ending)
        if _NO_TEXT.search(line) or line + ending == b"#\n":
            break
        if not ended:
            raise TicError(f"its header has no end of line within {_LONGEST_LINE} bytes")
        place += len(line) + len(ending)
        if _LAST_LINE.match(line):
            break
    return place


def read_array(path: Path, sensor: Sensor) -> Events:
    """Read a `.npy` file of whole numbers (N, 4), whose columns are t in microseconds, x, y and p.

    Raises:
        TicError: It is none, a pickle, broken off, or its events are none; see `Events`.
    """
    with _explained(path):
        content = path.read_bytes()
        table = _parsed(content, "it")
        if table.ndim != 2 or table.shape[1] != len(COLUMNS):
            raise TicError(f"it must have the shape (N, 4), t, x, y and p, got {table.shape}")
        t, x, y, p = table.T
        return Events(t, x, y, p, sensor)


def read_arrays(path: Path, sensor: Sensor) -> Events:
    """Read a `.npz` file of four arrays of whole numbers (N,): t in microseconds, x, y and p.

    Raises:
        TicError: It is none, holds a pickle, is broken off, or its events are none; see `Events`.
    """
    with _explained(path):
        try:
            with zipfile.ZipFile(path) as archive:
                t, x, y, p = (_member(archive, name) for name in COLUMNS)
        except TicError:
            raise
        except _BROKEN_ARCHIVE:
            raise TicError("it is no whole .npz file, which is a zip archive of arrays") from None
        return Events(t, x, y, p, sensor)


def _member(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    try:
        member = archive.getinfo(f"{name}.npy")
    except KeyError:
        raise TicError(
            f"it must hold t, x, y and p, got {quoted(archive.namelist()[:8])}"
        ) from None
    largest = MOST_EVENTS * 8
    with archive.open(member) as source:
        # No more is unpacked than so many events take, whatever the archive claims.
        content = source.read(largest + 1)
    if len(content) > largest:
        raise TicError(f"{name} must have at most {MOST_EVENTS} numbers, got more")
    return _parsed(content, name)


def _parsed(content: bytes, name: str) -> NDArray[Any]:
    """Parse an array as numpy writes it, which must be as long as its header says."""
    shape, dtype, fortran, start = _array_header(content, name)
    if dtype.hasobject:
        raise TicError(
            f"{name} is a pickle, which could run code when it is read; write it as an array of "
            "whole numbers"
        )
    if dtype.kind not in "iub":
        raise TicError(f"{name} must hold whole numbers, got {dtype}")
    count = 1
    for side in shape:
        count *= side  # Python's, which does not overflow
    if count * dtype.itemsize != len(content) - start:
        raise TicError(
            f"{name} claims {count} numbers of {dtype.itemsize} bytes and has "
            f"{len(content) - start} bytes; it is broken off or damaged"
        )
    order = "F" if fortran else "C"
    return np.frombuffer(content, dtype, offset=start).reshape(shape, order=order)  # type: ignore[call-overload,no-any-return]


def _array_header(content: bytes, name: str) -> tuple[tuple[int, ...], np.dtype[Any], bool, int]:
    """Read what an array's header claims; numpy's own reader evaluates it as Python."""
    long = content[6:8] == b"\x02\x00"
    start = 12 if long else 10
    length = int.from_bytes(content[8:start], "little")
    match = _ARRAY_HEADER.fullmatch(content[start : start + min(length, _LONGEST_LINE)])
    if content[:6] != b"\x93NUMPY" or content[6:8] not in _VERSIONS or match is None:
        raise TicError(f"{name} must be an array as numpy writes it, of one kind of number")
    try:
        dtype = np.dtype(match[1].decode())
    except TypeError:
        raise TicError(f"{name} must hold whole numbers, got {match[1].decode()!r}") from None
    shape = tuple(int(side) for side in match[3].replace(b",", b" ").split())
    return shape, dtype, match[2] == b"True", start + length


def read_text(path: Path, sensor: Sensor) -> Events:
    """Read a text file with t in microseconds, x, y and p on every line.

    Raises:
        TicError: A line is something else, or its events are none; see `Events`.
    """
    with _explained(path):
        rows = []
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                fields = line.replace(b",", b" ").split()
                if not fields:
                    continue
                if len(fields) != 4 or not all(re.fullmatch(rb"-?\d{1,18}", f) for f in fields):
                    shown = line[:60].decode("ascii", "replace").strip()
                    raise TicError(
                        f"line {number} must be four whole numbers, t, x, y and p, got {shown!r}"
                    )
                rows.append([int(field) for field in fields])
        table = np.array(rows, np.int64).reshape(-1, 4)
        t, x, y, p = table.T
        return Events(t, x, y, p, sensor)


READERS: dict[str, Callable[[Path, Sensor], Events]] = {
    ".aedat": read_aedat2,
    ".npy": read_array,
    ".npz": read_arrays,
    ".txt": read_text,
}
"""By the end of a file's name; AEDAT 3.1 is DVS128 Gesture's own."""
