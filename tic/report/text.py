"""Text as a reader sees it: what hides in a string becomes visible, and markup stays text."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from markupsafe import Markup

_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# Line breaks are layout; joiners and soft hyphens are how some scripts are spelled.
_HARMLESS = set("\n\t\u00ad\u200c\u200d")
_MARKDOWN = re.compile(r"([\\`*_\[\]|~#])")


def visible(text: str) -> str:
    """Replace control, bidirectional and invisible characters by escapes such as \\x1b."""
    if text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


def finalize(value: Any) -> Any:
    """Make every value that a template prints visible; `Markup` was made from visible parts."""
    if isinstance(value, Markup):
        return value
    return "–" if value is None else visible(str(value))


def markdown(text: str) -> str:
    """Return `text` as one line that Markdown shows literally, inside a table cell too."""
    line = " ".join(visible(text).split())
    escaped = _MARKDOWN.sub(r"\\\1", line)
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def slug(text: str) -> str:
    """Return a name that is safe as an anchor: lower-case letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "x"


def shorten(text: str, length: int) -> str:
    """Cut `text` to `length` characters, the last an ellipsis where something was cut."""
    shown = " ".join(visible(text).split())
    return shown if len(shown) <= length else shown[: length - 1].rstrip() + "…"


def _shown(character: str) -> str:
    if character in _HARMLESS or unicodedata.category(character) not in _HIDDEN:
        return character
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
