"""Places of a paper: what the source of a claim, such as `Fig. 4a, Eq. 7`, says where it stands."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PANELS = re.compile(r"(.*\d)\s*(?:\(([a-z](?:[-–/][a-z])*)\)|([a-z](?:[-–/][a-z])*))")
_RANGE = re.compile(r"([a-z])[-–]([a-z])")


@dataclass(frozen=True)
class Place:
    """A figure, a table, an equation or a part of the text.

    Attributes:
        whole: As the paper names it, without panels: `Fig. 4` of `Fig. 4a-c`.
        panels: Letters of the panels that are meant; all of the figure without any.
    """

    whole: str
    panels: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Short names, those of the panels first: `Fig. 4a-b` is fig4a, fig4b, fig4."""
        short = _short(self.whole)
        return (*(short + panel for panel in self.panels), short)


ELSEWHERE = Place("elsewhere")
"""Where a claim stands that names no place."""


def read_places(source: str) -> tuple[Place, ...]:
    """Read the places that a source names, between commas or semicolons; at least one.

    Args:
        source: Where the paper says what is claimed.
    """
    parts = (part.strip() for part in re.split(r"[,;]", source))
    return tuple(_read(part) for part in parts if part) or (ELSEWHERE,)


def _read(part: str) -> Place:
    match = _PANELS.fullmatch(part)
    return Place(match[1], _letters(match[2] or match[3])) if match else Place(part)


def _letters(panels: str) -> tuple[str, ...]:
    spelt = _RANGE.sub(lambda ends: "/".join(_between(ends[1], ends[2])), panels)
    return tuple(dict.fromkeys(spelt.split("/")))


def _between(first: str, last: str) -> list[str]:
    return [chr(code) for code in range(ord(first), ord(last) + 1)] or [first, last]


def _short(name: str) -> str:
    return re.sub(r"[^a-z0-9-]", "", name.lower().replace("–", "-"))
