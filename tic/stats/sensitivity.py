"""What would have to change for a verdict to become another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from tic.arrays import finite_array
from tic.stats.combination import combine
from tic.stats.judge import Outcome, Verdict, judge, require_verdict
from tic.stats.multiplicity import holm_adjusted
from tic.stats.proportions import judge_rate
from tic.stats.region import Region
from tic.stats.trend import Direction, judge_trend


@dataclass(frozen=True)
class Sensitivity:
    """How much confidence, margin and single seeds matter to one verdict.

    Attributes:
        flip_confidence: of the two-sided interval. A decided verdict is undecided above it; an
            undecided one is decided up to it. None where no confidence in (0, 1) does that, and
            where nothing was tested.
        flips_to: the outcome on the other side of `flip_confidence`.
        flip_margin: nearest margin at which the outcome would be another, in the unit of the
            effect: the bound of `above` and `below`; for `within` half the width of a region around
            the same centre. None for trends, for claims, and where no margin does that.
        without: outcome with each seed left out, in seed order; () where no seeds would be left,
            and for exact effects, which are no seeds.
        verdicts_without: the verdicts of a contrast behind `without`; () for a claim.
    """

    flip_confidence: float | None
    flips_to: Outcome | None
    flip_margin: float | None
    without: tuple[Outcome, ...]
    verdicts_without: tuple[Verdict, ...] = ()


def sensitivity(verdict: Verdict) -> Sensitivity:
    """Tell what would change a verdict of `judge`.

    Raises:
        ValueError: another function made the verdict.
    """
    require_verdict(verdict)
    effects = np.array(verdict.effects)
    replayed = judge(
        effects,
        verdict.region,
        confidence=verdict.confidence,
        exact=verdict.exact,
        resolution=verdict.resolution,
        pilot=verdict.pilot,
    )
    if replayed.p_value != verdict.p_value:
        raise ValueError(
            f"judge must have made the verdict, got p = {verdict.p_value} for its "
            f"{replayed.p_value}; for a trend use trend_sensitivity"
        )
    without = () if verdict.exact else _each_left_out(len(effects))
    return _of_contrast(
        verdict,
        [
            judge(
                effects[i],
                verdict.region,
                confidence=verdict.confidence,
                resolution=verdict.resolution,
                pilot=verdict.pilot,
            )
            for i in without
        ],
        _exact_margin(verdict) if verdict.exact else _margin(verdict),
    )


def trend_sensitivity(verdict: Verdict, samples: ArrayLike, *, direction: Direction) -> Sensitivity:
    """Tell what would change a verdict of `judge_trend`.

    Args:
        verdict: what it said.
        samples: (S, T), as it was given them.
        direction: as it was given.

    Raises:
        ValueError: the samples are not those of the verdict.
    """
    require_verdict(verdict)
    table = finite_array(samples, name="samples", axes="ST")
    replayed = judge_trend(table, direction=direction, confidence=verdict.confidence)
    if replayed != verdict:
        raise ValueError(
            "judge_trend must have made the verdict from these samples, got one that says "
            f"{verdict.estimate:.12g} for {replayed.estimate:.12g}; pass the same samples"
        )
    without = [
        judge_trend(table[i], direction=direction, confidence=verdict.confidence)
        for i in _each_left_out(len(table))
    ]
    return _of_contrast(verdict, without, None)


def rate_sensitivity(verdict: Verdict) -> Sensitivity:
    """Tell what would change a verdict of `judge_rate`.

    Raises:
        ValueError: another function made the verdict.
    """
    require_verdict(verdict)
    outcomes = np.array(verdict.effects)
    if judge_rate(outcomes, verdict.region, confidence=verdict.confidence) != verdict:
        raise ValueError(
            "judge_rate must have made the verdict, got one that says "
            f"{verdict.estimate:.12g}; for means use sensitivity"
        )
    without = [
        judge_rate(outcomes[i], verdict.region, confidence=verdict.confidence)
        for i in _each_left_out(len(outcomes))
    ]
    return _of_contrast(verdict, without, None)


def claim_sensitivity(
    verdicts: Sequence[Verdict], sensitivities: Sequence[Sensitivity]
) -> Sensitivity:
    """Tell what would change the verdict that `combine` gives on the contrasts of one claim.

    A seed is left out of all contrasts at once; exact ones stay.

    Args:
        verdicts: of the contrasts.
        sensitivities: of the same contrasts, in the same order.

    Raises:
        ValueError: no contrast, another number of sensitivities, different confidences, or
            different numbers of seeds.
    """
    if len(verdicts) != len(sensitivities):
        raise ValueError(
            f"each contrast needs its sensitivity, got {len(sensitivities)} for {len(verdicts)}; "
            "pass one per verdict"
        )
    claim = combine(verdicts)
    sampled = [verdict for verdict in verdicts if not verdict.exact]
    if not sampled:
        return Sensitivity(None, None, None, ())
    counts = sorted({verdict.n_seeds for verdict in sampled})
    if len(counts) > 1:
        raise ValueError(
            f"the contrasts of a claim must share their seeds, got {counts} of them; "
            "judge one effect per seed"
        )
    refutations = [verdict.refutation_p_value for verdict in sampled]
    smallest = min(holm_adjusted([1.0 if p is None else p for p in refutations]))
    settled = any(verdict.exact and verdict.outcome is Outcome.REFUTED for verdict in verdicts)
    without = [
        combine(
            [
                verdict if verdict.exact else nearness.verdicts_without[seed]
                for verdict, nearness in zip(verdicts, sensitivities, strict=True)
            ]
        ).outcome
        for seed in range(len(_each_left_out(counts[0])))
    ]
    flip = (None, None) if settled else _flip(claim.outcome, claim.p_value, smallest)
    return Sensitivity(*flip, None, tuple(without))


def _of_contrast(verdict: Verdict, without: Sequence[Verdict], margin: float | None) -> Sensitivity:
    return Sensitivity(
        *_flip(verdict.outcome, verdict.p_value, verdict.refutation_p_value),
        margin,
        tuple(verdict.outcome for verdict in without),
        tuple(without),
    )


def _each_left_out(n_seeds: int) -> list[list[int]]:
    """Return the positions that stay when each of the seeds is left out; none for a single one."""
    if n_seeds < 2:
        return []
    return [[i for i in range(n_seeds) if i != left_out] for left_out in range(n_seeds)]


def _flip(
    outcome: Outcome, p_value: float | None, refutation_p_value: float | None
) -> tuple[float | None, Outcome | None]:
    """Return where p = (1 − confidence)/2 for the p-value that decides, and what follows there."""
    at = {Outcome.SUPPORTED: p_value, Outcome.REFUTED: refutation_p_value}
    known = {decision: p for decision, p in at.items() if p is not None}
    if not known:
        return None, None
    nearest = min(known, key=lambda decision: known[decision])
    decided = outcome is not Outcome.INCONCLUSIVE
    confidence = 1 - 2 * known[outcome if decided else nearest]
    if not 0 < confidence < 1:
        return None, None
    return confidence, Outcome.INCONCLUSIVE if decided else nearest


def _margin(verdict: Verdict) -> float | None:
    """Return the nearest margin at which an edge of the region meets an end of the interval."""
    if verdict.interval is None:
        return None
    low, high = verdict.interval
    region = verdict.region
    if math.isinf(region.high):
        present, supported, refuted = region.low, low, high
    elif math.isinf(region.low):
        present, supported, refuted = region.high, high, low
    else:
        centre, present = _centre(region)
        supported, refuted = max(centre - low, high - centre), max(low - centre, centre - high)
        # No region is so narrow that an interval around its centre lies outside.
        refuted = refuted if refuted > 0 else math.inf
    if verdict.outcome is Outcome.INCONCLUSIVE:
        return min(supported, refuted, key=lambda margin: abs(margin - present))
    return supported if verdict.outcome is Outcome.SUPPORTED else refuted


def _exact_margin(verdict: Verdict) -> float | None:
    """Return the margin at which the outermost effect lies on an edge of the region."""
    region, effects = verdict.region, verdict.effects
    if math.isinf(region.high):
        return min(effects)
    if math.isinf(region.low):
        return max(effects)
    centre, _ = _centre(region)
    return max(abs(effect - centre) for effect in effects) or None


def _centre(region: Region) -> tuple[float, float]:
    """Return the centre of a region with two bounds, and half its width."""
    return (region.low + region.high) / 2, (region.high - region.low) / 2
