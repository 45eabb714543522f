"""Places of a paper, by which a long table of contents is grouped."""

from __future__ import annotations

import re

_PANEL = re.compile(r"(?<=\d)[a-z](?:[-–,/][a-z])*$")


def place(source: str) -> str:
    """Return the first place that a source names, without its panel: "Fig. 5" of "Fig. 5a, Eq. 8".

    Args:
        source: Where the paper says what is claimed.
    """
    first = re.split(r"[,;]", source.strip(), maxsplit=1)[0].strip()
    return _PANEL.sub("", first) or "elsewhere"
