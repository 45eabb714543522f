"""Text from anywhere as a reader sees it: nothing hides, and no value is longer than it must be."""

from __future__ import annotations

import reprlib
import unicodedata
from collections.abc import Sequence

_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# Line breaks are layout; joiners and soft hyphens are how some scripts are spelled.
_HARMLESS = set("\n\t\u00ad\u200c\u200d")
_LONGEST_VALUE = 100


def visible(text: str) -> str:
    """Replace control, bidirectional and invisible characters by escapes such as \\x1b."""
    if text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


def shorten(text: str, length: int) -> str:
    """Cut `text` to `length` characters, the last an ellipsis where something was cut."""
    shown = " ".join(visible(text).split())
    return shown if len(shown) <= length else shown[: length - 1].rstrip() + "…"


def listed(names: Sequence[str], most: int) -> str:
    """Join names with commas, at most so many, and say how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"


def quoted(value: object) -> str:
    """Return a value as Python writes it, in one short line whatever its size and depth."""
    return shorten(_REPR.repr(value), _LONGEST_VALUE)


class _Brief(reprlib.Repr):
    """Writes as much of a value as a sentence can hold."""

    def __init__(self) -> None:
        super().__init__()
        self.fillvalue = "…"
        self.maxstring = self.maxother = self.maxlong = 80
        self.maxlevel = 3

    def repr_int(self, x: int, level: int) -> str:
        """Write a whole number; Python writes none of more than some thousand digits."""
        try:
            return super().repr_int(x, level)
        except ValueError:
            return f"a number of {x.bit_length()} bits"


_REPR = _Brief()


def _shown(character: str) -> str:
    if character in _HARMLESS or unicodedata.category(character) not in _HIDDEN:
        return character
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
