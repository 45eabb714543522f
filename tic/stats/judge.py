"""The judge: where the confidence interval of an effect lies relative to what a claim allows."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tic.arrays import LARGEST, finite_array, real_number
from tic.stats.checks import one_sided_level
from tic.stats.outlook import seeds_to_decide
from tic.stats.power import MIN_SEEDS
from tic.stats.region import Region, require_region
from tic.stats.spread import mean_and_sd, rounding


class Outcome(StrEnum):
    """What can be said of a claim.

    The judge returns the first three; an audit adds the others.

    Attributes:
        SUPPORTED: the effects lie where the claim puts them, at the stated error rate.
        REFUTED: the effects lie where the claim excludes them, at the stated error rate.
        INCONCLUSIVE: the seeds at hand allow neither statement.
        NOT_APPLICABLE: the claim says nothing about the setting that was asked for.
        NOT_RUN: a Run that the claim needs is missing.
        ERROR: a measurement failed, so nothing was judged.
    """

    SUPPORTED = "SUPPORTED"
    REFUTED = "REFUTED"
    INCONCLUSIVE = "INCONCLUSIVE"
    NOT_APPLICABLE = "NOT_APPLICABLE"
    NOT_RUN = "NOT_RUN"
    ERROR = "ERROR"


DECIDED = (Outcome.SUPPORTED, Outcome.REFUTED)
"""Outcomes that say something of the claim."""
JUDGED = frozenset({*DECIDED, Outcome.INCONCLUSIVE})
"""Outcomes that the judge returns."""


@dataclass(frozen=True)
class Verdict:
    """What one contrast says, and everything that the statement rests on.

    Attributes:
        outcome: SUPPORTED, REFUTED or INCONCLUSIVE.
        estimate: mean effect over seeds.
        interval: two-sided interval of the mean; the smallest and largest effect of an exact
            verdict; None where no interval exists, and `reason` then says why.
        p_value: of rejecting "the effect is outside the region"; None without a test.
        refutation_p_value: of rejecting "the effect is inside the region"; None without a test.
        n_seeds: S.
        effects: one per seed, in the order in which they came.
        region: the effects that the claim allows.
        confidence: of the interval; without meaning for an exact verdict.
        seeds_to_decide: between which numbers of seeds the one lies that would probably decide an
            INCONCLUSIVE contrast, as `tic.stats.outlook` estimates them; the second
            is None where it is above 1000. None when it is decided, and when nothing can be
            estimated.
        reason: what a reader must know beside the numbers; "" when that is nothing.
        exact: whether the effects were taken as free of sampling error.
        resolution: smallest step between two effects that can be told apart; 0 where none is known.
        pilot: effects of other seeds, which tell only how far seeds spread; () without any.
    """

    outcome: Outcome
    estimate: float
    interval: tuple[float, float] | None
    p_value: float | None
    refutation_p_value: float | None
    n_seeds: int
    effects: tuple[float, ...]
    region: Region
    confidence: float
    seeds_to_decide: tuple[int, int | None] | None = None
    reason: str = ""
    exact: bool = False
    resolution: float = 0.0
    pilot: tuple[float, ...] = ()


def judge(
    effects: ArrayLike,
    region: Region,
    *,
    confidence: float = 0.95,
    exact: bool = False,
    resolution: float = 0.0,
    pilot: ArrayLike = (),
) -> Verdict:
    """Judge one effect per seed against the region that a claim allows.

    SUPPORTED when the two-sided Student t interval of the mean lies inside the region, REFUTED when
    it lies outside, else INCONCLUSIVE. That is decided on one-sided t tests at (1 − confidence)/2,
    the same rule in terms of p: against one edge for `above` and `below`; for `within` both tests
    must reject to support (two one-sided tests, Schuirmann 1987) and either one refutes.

    So SUPPORTED is wrong with a probability of at most (1 − confidence)/2, and REFUTED likewise at
    each edge: a true effect within a region that is narrow beside the spread may be refuted at
    both, with a probability of up to 1 − confidence. The error rates suppose effects without strong
    skew; docs/calibration.md has them for others.

    Args:
        effects: (S,), one per independent seed, in the unit of the region.
        region: the effects that the claim allows.
        confidence: of the interval, between 0 and 1.
        exact: the effects are arithmetic without sampling error. Any S ≥ 1 will do; SUPPORTED when
            every effect lies inside, else REFUTED.
        resolution: smallest step between two effects, such as 100/N for accuracies in percent over
            N images. The standard deviation counts as at least half of it, the largest that two
            neighbouring values can have: that few effects are equal may be chance.
        pilot: (P,), the same effect of P other seeds, fixed before any of these was trained. They
            have no part in the mean: the variance is pooled as in Student's test of two samples,
            and t has S + P − 2 degrees of freedom instead of S − 1. Both must be alike but for
            their seeds.

    Returns:
        INCONCLUSIVE without an interval for fewer than 3 seeds, and for effects that are all
        identical where neither a resolution nor a pilot tells of a spread.

    Raises:
        ValueError: effects are no real numbers, masked, empty, not finite, beyond 1e290 or not
            (S,), or those of a pilot are not, or are a single one, or stand beside exact ones; the
            region is none, confidence is not in (0, 1), or the resolution is no number from 0 on.
    """
    one_sided_level(confidence)
    require_region(region)
    values = finite_array(effects, name="effects", axes="S")
    step = real_number(resolution, name="resolution")
    if not 0 <= step <= LARGEST:
        raise ValueError(
            f"resolution must be a number from 0 to {LARGEST:g}, got {step:.12g}; "
            "it is the smallest step between two effects"
        )
    others = finite_array(pilot, name="pilot", axes="P", may_be_empty=True)
    if others.size == 1 or (exact and others.size):
        raise ValueError(
            f"pilot must be effects of at least 2 other seeds beside effects with sampling error, "
            f"got {others.size}{' beside exact ones' if exact else ''}; leave it out"
        )
    blank = replace(
        undecided(values, region, confidence), resolution=step, pilot=tuple(others.tolist())
    )
    if exact:
        return _judge_exact(blank)
    if values.size < MIN_SEEDS:
        return replace(blank, reason=too_few(values.size))
    width = max((float(np.ptp(seeds)) for seeds in (values, others) if seeds.size), default=0.0)
    if max(width, step) <= rounding(values, region):
        reason = f"all {values.size} effects are identical, so their spread cannot be estimated"
        return replace(blank, reason=reason)
    return _judge_by_t(blank)


def require_verdict(verdict: Verdict) -> None:
    """Refuse what is no verdict of a contrast.

    Raises:
        ValueError: it is another thing.
    """
    if not isinstance(verdict, Verdict):
        raise ValueError(
            f"verdict must be what judge or judge_trend gave, got {verdict!r}; judge the effects"
        )


def undecided(effects: NDArray[np.float64], region: Region, confidence: float) -> Verdict:
    """Return the INCONCLUSIVE verdict on (S,) effects from which every other one is made."""
    return Verdict(
        outcome=Outcome.INCONCLUSIVE,
        estimate=mean_and_sd(effects)[0],
        interval=None,
        p_value=None,
        refutation_p_value=None,
        n_seeds=effects.size,
        effects=tuple(effects.tolist()),
        region=region,
        confidence=confidence,
    )


def too_few(n_seeds: int) -> str:
    """Return the reason for not judging `n_seeds` seeds."""
    return f"{n_seeds} seed{'s' if n_seeds > 1 else ''}; at least {MIN_SEEDS} are needed"


def decide(p_value: float, refutation_p_value: float, confidence: float) -> Outcome:
    """Return the outcome of the two one-sided p-values, which never are both small."""
    level = one_sided_level(confidence)
    if p_value <= level:
        return Outcome.SUPPORTED
    return Outcome.REFUTED if refutation_p_value <= level else Outcome.INCONCLUSIVE


def _judge_exact(blank: Verdict) -> Verdict:
    outside = sum(not blank.region.contains(effect) for effect in blank.effects)
    return replace(
        blank,
        outcome=Outcome.REFUTED if outside else Outcome.SUPPORTED,
        interval=(min(blank.effects), max(blank.effects)),
        reason=f"{outside} of {blank.n_seeds} exact effects not {blank.region}" if outside else "",
        exact=True,
    )


def _judge_by_t(blank: Verdict) -> Verdict:
    from scipy.special import stdtr, stdtrit

    mean, spread, df = _pooled(blank)
    sd = max(spread, blank.resolution / 2)
    error = sd / math.sqrt(blank.n_seeds)
    # An infinite bound gives t = ∞, a test that always rejects: one formula serves every region.
    scores = ((mean - blank.region.low) / error, (blank.region.high - mean) / error)
    p_value = max(float(stdtr(df, -score)) for score in scores)
    refutation_p_value = min(float(stdtr(df, score)) for score in scores)
    half = float(stdtrit(df, 1 - one_sided_level(blank.confidence))) * error
    verdict = replace(
        blank,
        outcome=decide(p_value, refutation_p_value, blank.confidence),
        interval=(mean - half, mean + half),
        p_value=p_value,
        refutation_p_value=refutation_p_value,
    )
    return _with_outlook(verdict, mean, sd) if verdict.outcome is Outcome.INCONCLUSIVE else verdict


def _with_outlook(verdict: Verdict, mean: float, sd: float) -> Verdict:
    """Add what would decide an INCONCLUSIVE verdict."""
    seeds = seeds_to_decide(
        mean,
        sd,
        verdict.n_seeds,
        verdict.region,
        confidence=verdict.confidence,
        further_df=max(0, len(verdict.pilot) - 1),
    )
    fewest, most = seeds
    reason = (
        "the interval reaches over an edge of the region; to decide will probably take "
        f"{fewest} to {'more than 1000' if most is None else most} seeds"
    )
    return replace(verdict, seeds_to_decide=seeds, reason=reason)


def _pooled(blank: Verdict) -> tuple[float, float, int]:
    """Return the mean of the effects, their standard deviation and its degrees of freedom."""
    mean, sd = mean_and_sd(np.array(blank.effects))
    df = blank.n_seeds - 1
    if not blank.pilot:
        return mean, sd, df
    _, of_pilot = mean_and_sd(np.array(blank.pilot))
    further = len(blank.pilot) - 1
    # As a share of the larger, since squares would leave the range of floats.
    largest = max(sd, of_pilot) or 1.0
    squares = df * (sd / largest) ** 2 + further * (of_pilot / largest) ** 2
    return mean, largest * math.sqrt(squares / (df + further)), df + further
