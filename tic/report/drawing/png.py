"""PNG files of 8 bits per channel, as small as the standard library makes them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES = {1: 0, 3: 2}
_NO_FILTER = b"\x00"


def png(rows: Sequence[bytes], width: int, channels: int) -> bytes:
    """Return an image as a file.

    Args:
        rows: From top to bottom, each of `width * channels` bytes.
        width: In pixels.
        channels: 1 for grey values, 3 for red, green and blue.
    """
    header = struct.pack(">IIBBBBB", width, len(rows), 8, _COLOUR_TYPES[channels], 0, 0, 0)
    pixels = b"".join(_NO_FILTER + row for row in rows)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(pixels, 9)), (b"IEND", b""))
    return SIGNATURE + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)
