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
        OPEN: the claim is undecided or refuted on the true Runs as well, and what is false was left
            undecided, or refuted by the same numbers: a test that never decides, or that does not
            look at what was falsified, would have done so, and nothing was learnt.
        UNTESTED: it was not judged.
    """

    CAUGHT = "caught"
    FAILED = "failed"
    OPEN = "could not tell"
    UNTESTED = "not tested"


def control_results(entries: Sequence[Entry]) -> dict[str, ControlResult]:
    """Say of each negative control, by its id, what it tells of its claim's test."""
    claims = {_question(entry): entry for entry in entries if entry.role == "claim"}
    return {
        entry.id: _result(entry, claims.get(_question(entry)))
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


def _result(control: Entry, claim: Entry | None) -> ControlResult:
    outcome = control.own_outcome
    if outcome not in JUDGED:
        return ControlResult.UNTESTED
    if outcome is Outcome.SUPPORTED:
        return ControlResult.FAILED
    if claim is not None and claim.own_outcome is Outcome.SUPPORTED:
        return ControlResult.CAUGHT
    if claim is not None and claim.own_outcome is outcome and _numbers(claim) == _numbers(control):
        return ControlResult.OPEN
    return ControlResult.CAUGHT if outcome is Outcome.REFUTED else ControlResult.OPEN


def _numbers(entry: Entry) -> list[tuple[float, ...]]:
    return [contrast.effects for contrast in entry.contrasts]


def _question(entry: Entry) -> tuple[object, ...]:
    """The claim in its setting, by the protocol that controls are judged by."""
    return entry.claim, entry.protocol, tuple(sorted(entry.parameters.items()))
