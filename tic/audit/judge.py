"""The `judge` fixture: records what a claim's test finds and turns it into a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from tic import stats
from tic.audit.evidence import (
    Contrast,
    ReadingVerdict,
    RegionRecord,
    Sensitivity,
    WorstCase,
    decisive_contrast,
)
from tic.audit.exhibits import Exhibits
from tic.errors import TicError
from tic.stats import ClaimVerdict, Outcome, Region, Verdict

MASKED = 1.0
"""Percentage points by which an attack may stay behind the worst case over a battery."""


class Judge(Exhibits):
    """Collects the contrasts of one claim in one setting, and what is to be shown beside them.

    A claim holds when all its contrasts hold and is refuted when any is.

    Args:
        seeds: Seed of each effect.
        confidence: Of the intervals.
        draws: Whether figures are wanted, for which much may have to be measured.
    """

    def __init__(self, seeds: Sequence[int], confidence: float, *, draws: bool = True) -> None:
        if len(set(seeds)) != len(seeds):
            raise TicError(f"seeds must be distinct, got {list(seeds)}")
        self.seeds = tuple(seeds)
        self.confidence = confidence
        self.draws = draws
        super().__init__()
        self.contrasts: list[Contrast] = []
        self.worst_cases: list[WorstCase] = []
        self.readings: list[ReadingVerdict] = []
        self._verdicts: list[Verdict] = []
        self._sensitivities: list[stats.Sensitivity] = []
        self._reasons: list[str] = []

    def __call__(
        self,
        effects: ArrayLike,
        region: Region,
        *,
        name: str,
        unit: str = "",
        exact: bool = False,
    ) -> Verdict:
        """Judge one effect per seed, shape (S,), against the region that the claim allows.

        Args:
            effects: In seed order; for an `exact` claim a single number.
            region: Made by `above`, `below` or `within`.
            name: What the effect is, for the report.
            unit: Of the effect.
            exact: The effects are arithmetic, without sampling error.
        """
        verdict = stats.judge(effects, region, confidence=self.confidence, exact=exact)
        return self._record(verdict, stats.sensitivity(verdict), name, unit)

    def trend(self, samples: ArrayLike, *, direction: stats.trend.Direction, name: str) -> Verdict:
        """Judge by Page's test whether (S, conditions) values follow an order within each seed."""
        verdict = stats.judge_trend(samples, direction=direction, confidence=self.confidence)
        nearness = stats.trend_sensitivity(verdict, samples, direction=direction)
        return self._record(verdict, nearness, name, "rank correlation")

    def worst_case(
        self, figure: str, attacked: ArrayLike, worst: ArrayLike, *, reported: float | None
    ) -> None:
        """Set an attack beside the worst case over a battery, and judge whether it overstates.

        The figure has a verdict of its own, which does not decide the claim.

        Args:
            figure: Which accuracy of the paper, such as `PGD, α low`.
            attacked: Accuracy in percent under the paper's attack, shape (S,).
            worst: Accuracy in percent of the worst case per image, shape (S,).
            reported: What the paper reports for it.
        """
        before, after = np.asarray(attacked, dtype=float), np.asarray(worst, dtype=float)
        gaps = before - after
        # Where no attack does any better on any seed, nothing is left to estimate.
        verdict = stats.judge(
            gaps, stats.above(MASKED), confidence=self.confidence, exact=not gaps.any()
        )
        self.worst_cases.append(
            WorstCase(
                figure=figure,
                reported=reported,
                attacked=tuple(before),
                worst=tuple(after),
                outcome=verdict.outcome,
            )
        )

    def reading(self, factors: Mapping[str, str], other: Judge, *, release: bool = False) -> None:
        """Record what came out of the claim when the same Runs were read in another way.

        Args:
            factors: The way; the first reading of an entry is the standard one.
            other: Judged the claim on that reading.
            release: Whether it is the way of the paper's release.
        """
        verdict = other.verdict()
        decisive = decisive_contrast(other.contrasts, verdict.outcome)
        assert decisive is not None
        self.readings.append(
            ReadingVerdict(
                factors=dict(factors),
                release=release,
                outcome=verdict.outcome,
                estimate=decisive.estimate,
                unit=decisive.unit,
            )
        )

    def verdict(self) -> ClaimVerdict:
        """Combine the contrasts.

        Raises:
            TicError: The test judged nothing.
        """
        if not self._verdicts:
            raise TicError("the claim's test judged nothing; call judge(effects, region, name=…)")
        if reason := self._open():
            return ClaimVerdict(Outcome.INCONCLUSIVE, None, reason)
        return stats.combine(self._verdicts)

    def leave_open(self, reason: str) -> None:
        """Leave the claim INCONCLUSIVE whatever its contrasts say, and tell why."""
        self._reasons.append(reason)

    def sensitivity(self) -> Sensitivity | None:
        """How near the verdict is to another one; None where the claim was left open."""
        if self._open():
            return None
        found = stats.claim_sensitivity(self._verdicts, self._sensitivities)
        return _sensitivity_record(found)

    def _open(self) -> str:
        """Why nothing can be said, "" where something can."""
        failed = [each.says for each in self.checks if each.needed and not each.holds]
        told = [f"nothing can be said where this does not hold: {'; '.join(failed)}"]
        return "; ".join([*(told if failed else ()), *self._reasons])

    def _record(
        self, verdict: Verdict, sensitivity: stats.Sensitivity, name: str, unit: str
    ) -> Verdict:
        if not verdict.exact and verdict.n_seeds != len(self.seeds):
            raise TicError(
                f"{name}: one effect per seed is needed, got {verdict.n_seeds} effects "
                f"for {len(self.seeds)} seeds"
            )
        self._verdicts.append(verdict)
        self._sensitivities.append(sensitivity)
        self.contrasts.append(
            Contrast(
                name=name,
                unit=unit,
                seeds=() if verdict.exact else self.seeds,
                effects=verdict.effects,
                region=_region_record(verdict.region),
                confidence=verdict.confidence,
                estimate=verdict.estimate,
                interval=verdict.interval,
                p_value=verdict.p_value,
                outcome=verdict.outcome,
                reason=verdict.reason,
                seeds_needed=verdict.seeds_needed,
                sensitivity=_sensitivity_record(sensitivity),
            )
        )
        return verdict


def _sensitivity_record(found: stats.Sensitivity) -> Sensitivity:
    return Sensitivity(
        flip_confidence=found.flip_confidence,
        flips_to=found.flips_to,
        flip_margin=found.flip_margin,
        without=found.without,
    )


def _region_record(region: Region) -> RegionRecord:
    return RegionRecord(
        low=region.low if np.isfinite(region.low) else None,
        high=region.high if np.isfinite(region.high) else None,
        text=str(region),
    )
