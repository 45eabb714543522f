"""Text in a report: markup stays text, in the page and in the summary."""

from __future__ import annotations

import re
from typing import Any

from markupsafe import Markup

from tic.text import visible

_MARKDOWN = re.compile(r"([\\`*_\[\]|~#])")


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
