"""What a negative control tells of a claim's test: it can say no, it cannot, or nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

from tic.document.audit import Entry
from tic.stats.judge import JUDGED, Outcome


class ControlResult(StrEnum):
    """What came of one negative control; one that was caught, or could not tell, held.

    Attributes:
        CAUGHT: the test refuted what is false, or supported the claim on the true Runs alone.
        FAILED: it supported what is false, so its SUPPORTED is worth nothing.
        OPEN: it was undecided on true and on false Runs alike: a test that never decides anything
            would have done the same, so nothing was learnt.
        UNTESTED: it was not judged.
    """

    CAUGHT = "caught"
    FAILED = "failed"
    OPEN = "could not tell"
    UNTESTED = "not tested"


def control_results(entries: Sequence[Entry]) -> dict[str, ControlResult]:
    """Say of each negative control, by its id, what it tells of its claim's test."""
    supported = {
        _question(entry)
        for entry in entries
        if entry.role == "claim" and entry.own_outcome is Outcome.SUPPORTED
    }
    return {
        entry.id: _result(entry.own_outcome, claim_stands=_question(entry) in supported)
        for entry in entries
        if entry.role == "control"
    }


def counts(results: dict[str, ControlResult]) -> str:
    """Count the results in words: 77 held (14 caught, 63 could not tell), 1 failed."""
    numbers = Counter(results.values())
    holding, others = (
        [f"{numbers[result]} {result}" for result in some if numbers[result]]
        for some in (
            (ControlResult.CAUGHT, ControlResult.OPEN),
            (ControlResult.FAILED, ControlResult.UNTESTED),
        )
    )
    held = numbers[ControlResult.CAUGHT] + numbers[ControlResult.OPEN]
    return ", ".join([*([f"{held} held ({', '.join(holding)})"] if held else []), *others])


def _result(outcome: Outcome, *, claim_stands: bool) -> ControlResult:
    if outcome not in JUDGED:
        return ControlResult.UNTESTED
    if outcome is Outcome.SUPPORTED:
        return ControlResult.FAILED
    if outcome is Outcome.REFUTED or claim_stands:
        return ControlResult.CAUGHT
    return ControlResult.OPEN


def _question(entry: Entry) -> tuple[object, ...]:
    """The claim in its setting, by the protocol that controls are judged by."""
    return entry.claim, entry.protocol, tuple(sorted(entry.parameters.items()))
