"""Other explanations of what a claim observes: which claims each threatens, and what follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tic.document.audit import Entry
from tic.stats.judge import Outcome


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


def consequence(rival: Entry) -> Consequence:
    """Return what follows from the verdict on a rival.

    A rival that was not decided, for whatever reason, leaves the question open.
    """
    return {Outcome.REFUTED: _STANDS, Outcome.SUPPORTED: _FALLS}.get(rival.outcome, _OPEN)


def threatens(rival: Entry, claim: Entry) -> bool:
    """Return whether a rival explains what a claim observes in the claim's setting.

    They must agree in every parameter that both have. A rival is judged by the standard protocol
    and threatens the claim under all of them.
    """
    if rival.role != "rival" or claim.role != "claim" or claim.claim not in rival.threatens:
        return False
    shared = rival.parameters.keys() & claim.parameters.keys()
    return all(rival.parameters[key] == claim.parameters[key] for key in shared)


def threats(entries: Sequence[Entry]) -> dict[int, tuple[int, ...]]:
    """Return for each claim its rivals and for each rival the claims that it threatens."""
    claims = [i for i, entry in enumerate(entries) if entry.role == "claim"]
    rivals = [i for i, entry in enumerate(entries) if entry.role == "rival"]
    pairs = [(c, r) for c in claims for r in rivals if threatens(entries[r], entries[c])]
    found: dict[int, tuple[int, ...]] = dict.fromkeys([*claims, *rivals], ())
    for claim, rival in pairs:
        found[claim] += (rival,)
        found[rival] += (claim,)
    return found
