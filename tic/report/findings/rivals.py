"""Other explanations of what a claim observes: what they leave of the claims that they threaten."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tic.document.audit import Entry
from tic.document.rivals import Standing, standing
from tic.report.findings.finding import Finding, Span, enumerated, listed, verb
from tic.report.index import Index, Item, short_names
from tic.report.numerals import counted
from tic.stats.judge import Outcome

_GROUPS = {
    Standing.UNSOUND: (
        "has a test that supports what is false, too, whatever its rivals",
        "have a test that supports what is false, too, whatever their rivals",
    ),
    Standing.STANDS: ("stands against every rival tested", "stand against every rival tested"),
    Standing.EXPLAINED: (
        "does not stand against a rival that is supported",
        "do not stand against a rival that is supported",
    ),
    Standing.CONTESTED: ("has a rival that is still open", "have a rival that is still open"),
    Standing.UNTESTED: ("has no rival tested", "have no rival tested"),
}


@dataclass(frozen=True)
class Consequence:
    """What the verdict on a rival means for the claims that it threatens."""

    css: str
    of_one: str
    of_all: str


_STANDS = Consequence(
    "supported",
    "The claim stands against this.",
    "The claims that it threatens stand against this explanation.",
)
_FALLS = Consequence(
    "refuted",
    "The claim does not stand against this.",
    "The claims that it threatens do not stand against this explanation.",
)
_OPEN = Consequence(
    "inconclusive",
    "Open: whether the claim stands against this is undecided.",
    "Open: whether the claims that it threatens stand against this explanation is undecided.",
)


_IDLE = Consequence(
    "idle",
    "The claim is refuted itself, so there is nothing to explain.",
    "The claims that it threatens are refuted themselves, so there is nothing to explain.",
)


def consequence(rival: Entry, claims: Sequence[Entry]) -> Consequence:
    """Return what follows from the verdict on a rival for claims that it threatens.

    A rival that was not decided, for whatever reason, leaves the question open.
    """
    if claims and all(claim.outcome is Outcome.REFUTED for claim in claims):
        return _IDLE
    return {Outcome.REFUTED: _STANDS, Outcome.SUPPORTED: _FALLS}.get(rival.outcome, _OPEN)


def explanations(index: Index) -> Iterator[Finding]:
    """Sort the supported claims by what their rivals leave of them."""
    if not index.rivals:
        return
    topic = "Rival explanations"
    supported = {
        claim: group
        for claim in index.counted
        if (group := standing(claim.entry, index.audit.entries)) is not None
    }
    if not supported:
        none = "No claim is supported, so no rival could explain away what it observes."
        yield Finding(topic, (Span(none),))
        return
    groups: dict[Standing, list[tuple[Span, ...]]] = {group: [] for group in _GROUPS}
    for claim, group in supported.items():
        against = [] if group is Standing.UNSOUND else _against(index.rivals_of[claim])
        rivals = enumerated(
            [Span(*named) for named in zip(short_names(against), against, strict=True)]
        )
        name = Span(claim.label, claim)
        groups[group].append((name, Span(" against "), *rivals) if against else (name,))
    of = counted(len(supported), "supported verdict")
    start = f"A rival explains otherwise what a claim observes. Of {of}:"
    points = (
        (Span(f"{len(members)} {verb(len(members), *_GROUPS[group])}: "), *listed(members))
        for group, members in groups.items()
        if members
    )
    yield Finding(topic, (Span(start),), tuple(points))


def _against(rivals: Sequence[Item]) -> list[Item]:
    """Return the rivals that keep a claim from standing: the supported ones, else the open ones."""
    supported = [rival for rival in rivals if rival.entry.outcome is Outcome.SUPPORTED]
    return supported or [rival for rival in rivals if rival.entry.outcome is not Outcome.REFUTED]
