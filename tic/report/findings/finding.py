"""Sentences on what the evidence says, in which entries are named and linked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tic.report.index import Item


@dataclass(frozen=True)
class Span:
    """A piece of a sentence, and the entry that it names."""

    text: str
    item: Item | None = None


@dataclass(frozen=True)
class Finding:
    """What the evidence says on one topic: sentences, and points that the last of them introduces.

    An alarm means that a claim's test cannot be trusted.
    """

    topic: str
    spans: tuple[Span, ...]
    points: tuple[tuple[Span, ...], ...] = ()
    alarm: bool = False


def text(spans: Iterable[Span]) -> str:
    """Return sentences without their links."""
    return "".join(span.text for span in spans)


def enumerated(spans: Sequence[Span]) -> Iterator[Span]:
    """Return names as part of a sentence: a, b and c."""
    for place, span in enumerate(spans):
        if place:
            yield Span(", " if place < len(spans) - 1 else " and ")
        yield span


def listed(groups: Iterable[Iterable[Span]]) -> Iterator[Span]:
    """Return groups of spans with semicolons between them, as each may hold commas."""
    for place, group in enumerate(groups):
        if place:
            yield Span("; ")
        yield from group


def verb(count: int, one: str, many: str) -> str:
    """Return the form of a verb that agrees with a count."""
    return one if count == 1 else many
