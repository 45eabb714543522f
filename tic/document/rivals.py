"""Whether a supported claim stands: against other explanations, by a test that can say no."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

from tic.document.audit import Entry
from tic.document.controls import ControlResult, control_results
from tic.stats.judge import Outcome


class Standing(StrEnum):
    """What the rivals and the negative controls of a supported claim leave of it.

    Attributes:
        UNSOUND: Its test supports what is false, too: a negative control of it failed.
        STANDS: Each of them is refuted.
        EXPLAINED: One is supported, and explains what the claim observes.
        CONTESTED: One is open, and none is supported.
        UNTESTED: There is none.
    """

    UNSOUND = "UNSOUND"
    STANDS = "STANDS"
    EXPLAINED = "EXPLAINED"
    CONTESTED = "CONTESTED"
    UNTESTED = "UNTESTED"


def standing(claim: Entry, entries: Sequence[Entry]) -> Standing | None:
    """Say where a claim stands; None where it is not supported, or no claim.

    Args:
        claim: Of an audit.
        entries: Those of the audit.
    """
    if claim.role != "claim" or claim.outcome is not Outcome.SUPPORTED:
        return None
    # A test is the same in every setting, so one that supports what is false in one is bad in all.
    tested = control_results([entry for entry in entries if entry.claim == claim.claim])
    if ControlResult.FAILED in tested.values():
        return Standing.UNSOUND
    return standing_of([rival for rival in entries if threatens(rival, claim)])


def standing_of(rivals: Sequence[Entry]) -> Standing:
    """Say what these rivals leave of a supported claim that they threaten.

    A rival that was not decided, for whatever reason, leaves the question open.
    """
    if not rivals:
        return Standing.UNTESTED
    outcomes = {rival.outcome for rival in rivals}
    if Outcome.SUPPORTED in outcomes:
        return Standing.EXPLAINED
    return Standing.STANDS if outcomes == {Outcome.REFUTED} else Standing.CONTESTED


def threatens(rival: Entry, claim: Entry) -> bool:
    """Return whether a rival explains what a claim observes in the claim's setting.

    They must agree in every parameter that both have. A rival is judged by the standard protocol
    and threatens the claim under all of them.
    """
    if rival.role != "rival" or claim.role != "claim" or claim.claim not in rival.threatens:
        return False
    shared = rival.parameters.keys() & claim.parameters.keys()
    return all(rival.parameters[key] == claim.parameters[key] for key in shared)


def explains(rival: Entry, claims: Iterable[Entry]) -> bool:
    """Return whether a rival explains what one of these claims observes.

    It must be supported, and so must a claim that it threatens: where the claim is refuted or
    open, there is no observation to explain.
    """
    return rival.outcome is Outcome.SUPPORTED and any(
        claim.outcome is Outcome.SUPPORTED and threatens(rival, claim) for claim in claims
    )
