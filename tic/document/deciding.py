"""From effects to verdicts: for tests that judge, and for audits that are judged again."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from numpy.typing import ArrayLike

from tic import stats
from tic.document.audit import Entry
from tic.document.evidence import (
    Check,
    Contrast,
    Effects,
    ReadingVerdict,
    RegionRecord,
    Sensitivity,
    WorstCase,
    decisive_contrast,
)
from tic.stats import ClaimVerdict, Outcome, Region, Verdict
from tic.stats.judge import DECIDED
from tic.stats.power import MIN_SEEDS

_CONTRADICT = "contradict each other"
"""What both reasons say that readings give, by which they are told from others."""
MASKED = 1.0
"""Percentage points by which an attack may stay behind the worst case over an attack suite."""


@dataclass(frozen=True)
class JudgedEffects:
    """Effects and what was said of them."""

    effects: Effects
    verdict: Verdict

    @cached_property
    def sensitivity(self) -> stats.Sensitivity:
        """How near the verdict is to another one; every seed is left out once to tell."""
        if self.effects.trend is not None:
            samples, direction = self.effects.trend.samples, self.effects.trend.direction
            return stats.trend_sensitivity(self.verdict, samples, direction=direction)
        judged = stats.rate_sensitivity if self.effects.rate else stats.sensitivity
        return judged(self.verdict)

    @property
    def contrast(self) -> Contrast:
        """For the audit."""
        verdict = self.verdict
        return Contrast(
            **dict(self.effects),
            estimate=verdict.estimate,
            interval=verdict.interval,
            over_samples=self.over_samples,
            p_value=verdict.p_value,
            outcome=verdict.outcome,
            reason=verdict.reason,
            seeds_to_decide=verdict.seeds_to_decide,
            sensitivity=_sensitivity_record(self.sensitivity),
        )

    @property
    def over_samples(self) -> tuple[float, float] | None:
        """Interval where samples were drawn as the seeds were; None of effects without any."""
        return _interval_over_samples(self.effects, self.verdict)


def judge_effects(effects: Effects) -> JudgedEffects:
    """Judge effects against their region: exactly without seeds, by Page's test where a trend is.

    A rate is judged by exact binomial tests.

    Raises:
        ValueError: They cannot be judged; the sentence says why.
    """
    if effects.trend is not None:
        samples, direction = effects.trend.samples, effects.trend.direction
        verdict = stats.judge_trend(samples, direction=direction, confidence=effects.confidence)
    elif effects.rate:
        region = region_of(effects.region)
        verdict = stats.judge_rate(effects.effects, region, confidence=effects.confidence)
    else:
        verdict = _judge_means(effects, effects.confidence)
    return JudgedEffects(effects, verdict)


def _judge_means(effects: Effects, confidence: float) -> Verdict:
    return stats.judge(
        effects.effects,
        region_of(effects.region),
        confidence=confidence,
        exact=not effects.seeds,
        resolution=effects.resolution or 0.0,
        pilot=() if effects.pilot is None else effects.pilot.effects,
    )


@dataclass(frozen=True)
class Decision:
    """What the evidence of one claim says together."""

    verdict: ClaimVerdict
    sensitivity: Sensitivity | None
    over_samples: Outcome | None = None


def combine(
    judged: Sequence[JudgedEffects], checks: Sequence[Check], left_open: Sequence[str]
) -> ClaimVerdict:
    """Combine contrasts; nothing is said where a needed check fails or the test left it open.

    Raises:
        ValueError: There is no contrast, or they were judged at different confidences.
    """
    if reasons := [*failed_checks(checks), *left_open]:
        return ClaimVerdict(Outcome.INCONCLUSIVE, None, "; ".join(reasons))
    return stats.combine([contrast.verdict for contrast in judged])


def decide(
    judged: Sequence[JudgedEffects], checks: Sequence[Check], left_open: Sequence[str]
) -> Decision:
    """Combine contrasts as `combine` does, and tell what else may be said of that.

    Raises:
        ValueError: There is no contrast, or they were judged at different confidences.
    """
    verdict = combine(judged, checks, left_open)
    if left_open or failed_checks(checks):
        return Decision(verdict, None)
    verdicts = [contrast.verdict for contrast in judged]
    nearness = stats.claim_sensitivity(verdicts, [contrast.sensitivity for contrast in judged])
    remaining = _over_samples(judged, verdict.outcome)
    return Decision(verdict, _sensitivity_record(nearness), remaining)


def _over_samples(judged: Sequence[JudgedEffects], outcome: Outcome) -> Outcome | None:
    """What remains of a verdict where samples were drawn as the seeds were.

    As for seeds alone, all contrasts support a claim, and one refutes it at the level that they
    share.
    """
    sampled = [contrast for contrast in judged if contrast.effects.seeds]
    with_samples = [contrast for contrast in sampled if contrast.effects.sample_spread]
    if outcome not in DECIDED or not with_samples:
        return None
    rest = None if len(with_samples) < len(sampled) else outcome
    if outcome is Outcome.SUPPORTED:
        inside = all(
            _lies(contrast.verdict, contrast.over_samples) is outcome for contrast in with_samples
        )
        return rest if inside else Outcome.INCONCLUSIVE
    if any(c.verdict.outcome is outcome for c in judged if not c.effects.seeds):
        return outcome  # arithmetic refutes it, whatever samples are drawn
    shared = 1 - (1 - with_samples[0].verdict.confidence) / len(sampled)
    for contrast in with_samples:
        verdict = _judge_means(contrast.effects, shared)
        if _lies(verdict, _interval_over_samples(contrast.effects, verdict)) is outcome:
            return outcome
    return None if rest is None else Outcome.INCONCLUSIVE


def _interval_over_samples(effects: Effects, verdict: Verdict) -> tuple[float, float] | None:
    spread = effects.sample_spread
    if spread is None:
        return None
    return stats.interval_over_samples(verdict, stats.SampleSpread(spread.n_samples, spread.sd))


def _lies(verdict: Verdict, interval: tuple[float, float] | None) -> Outcome:
    """Say where an interval lies relative to the region."""
    if interval is None:
        return Outcome.INCONCLUSIVE
    (low, high), region = interval, verdict.region
    if region.low <= low and high <= region.high:
        return Outcome.SUPPORTED
    return Outcome.REFUTED if high < region.low or region.high < low else Outcome.INCONCLUSIVE


def failed_checks(checks: Sequence[Check]) -> list[str]:
    """Why the checks allow no verdict: one sentence, or none."""
    failed = [check.says for check in checks if check.needed and not check.holds]
    return [f"nothing can be said where this does not hold: {'; '.join(failed)}"] if failed else []


def worst_case(
    figure: str,
    reported: float | None,
    attacked: Sequence[float],
    worst: Sequence[float],
    confidence: float,
) -> WorstCase:
    """Judge whether an attack overstates robustness; accuracies in percent, one per seed."""
    gaps = [before - after for before, after in zip(attacked, worst, strict=True)]
    # Where no attack does any better on any seed, no spread is left to estimate; one or two seeds
    # do not tell that, either.
    unmasked = len(gaps) >= MIN_SEEDS and not any(gaps)
    verdict = stats.judge(gaps, stats.above(MASKED), confidence=confidence, exact=unmasked)
    return WorstCase(
        figure=figure,
        reported=reported,
        attacked=tuple(attacked),
        worst=tuple(worst),
        outcome=verdict.outcome,
    )


def reading(
    factors: dict[str, str],
    judged: Sequence[JudgedEffects],
    left_open: Sequence[str],
    *,
    release: bool,
) -> ReadingVerdict:
    """Say what came out of a claim by one reading."""
    outcome = combine(judged, (), left_open).outcome
    decisive = decisive_contrast([contrast.verdict for contrast in judged], outcome)
    units = [contrast.effects.unit for contrast in judged if contrast.verdict is decisive]
    return ReadingVerdict(
        factors=factors,
        release=release,
        outcome=outcome,
        estimate=None if decisive is None else decisive.estimate,
        unit=units[0] if units else "",
        contrasts=tuple(contrast.effects for contrast in judged),
        left_open=tuple(left_open),
    )


def contradiction(
    readings: Sequence[ReadingVerdict], confidence: float | None
) -> tuple[Effects, tuple[ReadingVerdict, ...], tuple[str, ...]]:
    """Whether readings contradict each other, and why that stays open where it does.

    Some support the claim and some refute it: the smaller of the two numbers is above 0. Where no
    two contradict each other, there must be two, and every reading must be decided. A single wrong
    verdict makes a contradiction, so the readings share the error rate among them.

    Args:
        readings: As they were recorded.
        confidence: Of the whole comparison; without it each is judged at what was recorded.

    Returns:
        What decides, the readings judged by it, and why nothing is decided where that is so.
    """
    shared = None if confidence is None else 1 - (1 - confidence) / max(1, len(readings))
    readings = tuple(_read_again(recorded, shared) for recorded in readings)
    counts = Counter(recorded.outcome for recorded in readings)
    effects = exact_effects(
        [min(counts[Outcome.SUPPORTED], counts[Outcome.REFUTED])],
        stats.above(0),
        0.95 if confidence is None else confidence,
        name="readings on the smaller side of SUPPORTED against REFUTED",
    )
    decided = counts[Outcome.SUPPORTED] + counts[Outcome.REFUTED]
    if len(readings) < 2:
        reason = f"{len(readings)} of the 2 readings that may {_CONTRADICT} were recorded"
        return effects, readings, (reason,)
    if any(effects.effects) or decided == len(readings):
        return effects, readings, ()
    reason = f"no two readings {_CONTRADICT}, but only {decided} of {len(readings)} decide"
    return effects, readings, (reason,)


def exact_effects(
    effects: Sequence[float], region: Region, confidence: float, *, name: str, unit: str = ""
) -> Effects:
    """Record effects that are arithmetic, without sampling error."""
    return Effects(
        name=name,
        unit=unit,
        seeds=(),
        effects=tuple(effects),
        region=record_region(region),
        confidence=confidence,
    )


def rejudge(entry: Entry, confidence: float | None = None) -> Entry:
    """Judge a recorded entry anew from its effects; one that was never judged stays as it is.

    Args:
        entry: As it was recorded.
        confidence: Of the intervals; the recorded one without it.

    Raises:
        ValueError: The effects cannot be judged; the sentence says why.
    """
    if not entry.contrasts:
        return entry
    effects = [_effects(contrast, confidence) for contrast in entry.contrasts]
    readings, left_open = entry.readings, entry.left_open
    if readings:
        summary, readings, of_readings = contradiction(readings, confidence)
        effects = [summary]
        others = (reason for reason in left_open if _CONTRADICT not in reason)
        left_open = (*of_readings, *others)
    judged = [judge_effects(of_contrast) for of_contrast in effects]
    decision = decide(judged, entry.checks, left_open)
    return entry.model_copy(
        update={
            "outcome": decision.verdict.outcome,
            "own_outcome": decision.verdict.outcome,
            "over_samples": decision.over_samples,
            "reason": decision.verdict.reason,
            "p_value": decision.verdict.p_value,
            "sensitivity": decision.sensitivity,
            "contrasts": tuple(judged_effects.contrast for judged_effects in judged),
            "left_open": left_open,
            "worst_cases": tuple(
                worst_case(w.figure, w.reported, w.attacked, w.worst, judged[0].verdict.confidence)
                for w in entry.worst_cases
            ),
            "readings": readings,
        }
    )


def _read_again(recorded: ReadingVerdict, confidence: float | None) -> ReadingVerdict:
    judged = [judge_effects(_effects(contrast, confidence)) for contrast in recorded.contrasts]
    return reading(recorded.factors, judged, recorded.left_open, release=recorded.release)


def sampled_seeds(entry: Entry) -> tuple[int, ...]:
    """Seeds that an entry's contrasts, or those of its readings, rest on; () where it is exact."""
    of_readings = (effects for recorded in entry.readings for effects in recorded.contrasts)
    return max((effects.seeds for effects in (*entry.contrasts, *of_readings)), key=len, default=())


def _effects(contrast: Effects, confidence: float | None) -> Effects:
    """Only what a contrast is judged by; rank correlations follow from the trend."""
    kept = {name: getattr(contrast, name) for name in Effects.model_fields}
    if confidence is not None:
        kept["confidence"] = confidence
    if contrast.trend is not None:
        kept["effects"] = rank_correlations(contrast.trend.samples, contrast.trend.direction)
    return Effects(**kept)


def rank_correlations(samples: ArrayLike, direction: stats.trend.Direction) -> tuple[float, ...]:
    """Effects of a trend, one per seed."""
    return tuple(stats.page_effects(samples, direction=direction).tolist())


def record_region(region: Region) -> RegionRecord:
    """Write a region down."""
    return RegionRecord(
        low=region.low if math.isfinite(region.low) else None,
        high=region.high if math.isfinite(region.high) else None,
        text=str(region),
    )


def region_of(record: RegionRecord) -> Region:
    """Read a region back.

    Raises:
        ValueError: It has no bound, or they are the wrong way round.
    """
    low = -math.inf if record.low is None else record.low
    high = math.inf if record.high is None else record.high
    return Region(low, high)


def _sensitivity_record(nearness: stats.Sensitivity) -> Sensitivity:
    return Sensitivity(
        flip_confidence=nearness.flip_confidence,
        flips_to=nearness.flips_to,
        flip_margin=nearness.flip_margin,
        without=nearness.without,
    )
