"""One verdict for a claim that is made of several contrasts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tic.stats.checks import one_sided_level
from tic.stats.judge import Outcome, Verdict, require_verdict
from tic.stats.multiplicity import holm


@dataclass(frozen=True)
class ClaimVerdict:
    """What the contrasts of one claim say together.

    Attributes:
        outcome: SUPPORTED, REFUTED or INCONCLUSIVE.
        p_value: of rejecting "at least one contrast is outside its region": the largest of theirs,
            where an exact contrast counts 0 or 1; None when one of the others has no p-value, and
            when all are exact: then nothing was tested.
        reason: which contrasts decided, counted from 1, and why; "" when nothing is to be said.
    """

    outcome: Outcome
    p_value: float | None
    reason: str


def combine(verdicts: Sequence[Verdict]) -> ClaimVerdict:
    """Combine the contrasts of one claim: it holds when all hold, and is refuted when any is.

    Support is an intersection-union test (Berger 1982), which needs no correction. Refutation is a
    union, so the refutation p-values are corrected by Holm within the claim, at the error rate that
    the confidence leaves on one side. A contrast `within` two edges can go wrong at either of them,
    so a claim that is true is REFUTED with a probability of at most 1 − confidence.

    Args:
        verdicts: what `judge` or `judge_trend` said of each contrast, at one confidence. An exact
            contrast that is refuted refutes the claim outright. One that could not be tested leaves
            the claim INCONCLUSIVE unless another refutes it.

    Raises:
        ValueError: no verdict, or different confidences.
    """
    if not verdicts:
        raise ValueError("a claim needs at least one contrast, got none; judge one first")
    for verdict in verdicts:
        require_verdict(verdict)
    p_value = _intersection_p_value(verdicts)
    refuting = _refuting(verdicts)
    if any(refuting):
        outcome, deciding = Outcome.REFUTED, refuting
    else:
        deciding = [verdict.outcome is not Outcome.SUPPORTED for verdict in verdicts]
        outcome = Outcome.INCONCLUSIVE if any(deciding) else Outcome.SUPPORTED
    return ClaimVerdict(outcome, p_value, _reason(verdicts, outcome, deciding))


def _intersection_p_value(verdicts: Sequence[Verdict]) -> float | None:
    if all(verdict.exact for verdict in verdicts):
        return None
    p_values = [
        float(verdict.outcome is not Outcome.SUPPORTED) if verdict.exact else verdict.p_value
        for verdict in verdicts
    ]
    known = [p_value for p_value in p_values if p_value is not None]
    return max(known) if len(known) == len(p_values) else None


def _refuting(verdicts: Sequence[Verdict]) -> list[bool]:
    """Return which contrasts refute the claim after Holm's correction within it."""
    refuting = [verdict.exact and verdict.outcome is Outcome.REFUTED for verdict in verdicts]
    sampled = [position for position, verdict in enumerate(verdicts) if not verdict.exact]
    if not sampled:
        return refuting
    p_values = [verdicts[position].refutation_p_value for position in sampled]
    level = one_sided_level(_common_confidence([verdicts[position] for position in sampled]))
    survivors = holm([1.0 if p_value is None else p_value for p_value in p_values], level)
    for position, survives in zip(sampled, survivors, strict=True):
        refuting[position] = survives
    return refuting


def _common_confidence(verdicts: Sequence[Verdict]) -> float:
    confidences = sorted({verdict.confidence for verdict in verdicts})
    if len(confidences) > 1:
        raise ValueError(
            f"the contrasts of a claim must share one confidence, got {confidences}; "
            "judge them again at the same one"
        )
    return confidences[0]


def _reason(verdicts: Sequence[Verdict], outcome: Outcome, deciding: Sequence[bool]) -> str:
    """Say why, for the contrasts that decided the claim."""
    if len(verdicts) == 1:
        return verdicts[0].reason
    return "; ".join(
        f"contrast {number} of {len(verdicts)}: {_why(verdict, outcome)}"
        for number, (verdict, decides) in enumerate(zip(verdicts, deciding, strict=True), start=1)
        if decides
    )


def _why(verdict: Verdict, claim: Outcome) -> str:
    if verdict.outcome is Outcome.REFUTED and claim is not Outcome.REFUTED:
        return "refuted alone, but not after Holm's correction within the claim"
    return verdict.reason or verdict.outcome.lower()
