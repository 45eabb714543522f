"""The `judge` fixture: records what a claim's test finds and turns it into a verdict."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from tic import stats
from tic.audit.evidence import (
    Comparison,
    Contrast,
    Figure,
    HeatMap,
    Panel,
    RegionRecord,
    Series,
)
from tic.errors import TicError
from tic.stats import ClaimVerdict, Region, Verdict


class Judge:
    """Collects the contrasts of one claim in one setting, and what is to be shown beside them.

    A claim holds when all its contrasts hold and is refuted when any is.

    Args:
        seeds: Seed of each effect.
        confidence: Of the intervals.
    """

    def __init__(self, seeds: Sequence[int], confidence: float) -> None:
        if len(set(seeds)) != len(seeds):
            raise TicError(f"seeds must be distinct, got {list(seeds)}")
        self.seeds = tuple(seeds)
        self.confidence = confidence
        self.contrasts: list[Contrast] = []
        self.comparisons: list[Comparison] = []
        self.figures: list[Figure] = []
        self.notes: list[str] = []
        self._verdicts: list[Verdict] = []

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
        return self._record(verdict, name, unit)

    def trend(self, samples: ArrayLike, *, direction: stats.trend.Direction, name: str) -> Verdict:
        """Judge by Page's test whether (S, conditions) values follow an order within each seed."""
        verdict = stats.judge_trend(samples, direction=direction, confidence=self.confidence)
        return self._record(verdict, name, "rank correlation")

    def compare(
        self,
        quantity: str,
        place: str,
        *,
        unit: str,
        reported: float,
        measured: ArrayLike,
        timed: bool = False,
    ) -> None:
        """Set a number that the paper reports beside ours, one per seed.

        Args:
            quantity: What the number is.
            place: In the paper.
            unit: Of both numbers.
            reported: By the paper.
            measured: By us; a single number or one per seed.
            timed: Ours rests on a clock, so that two audits need not agree on it.
        """
        self.comparisons.append(
            Comparison(
                quantity=quantity,
                place=place,
                unit=unit,
                reported=reported,
                measured=tuple(np.atleast_1d(measured)),
                timed=timed,
            )
        )

    def figure(self, title: str, caption: str, *panels: Panel | HeatMap) -> None:
        """Add the counterpart of one of the paper's figures."""
        self.figures.append(Figure(title=title, caption=caption, panels=panels))

    def note(self, text: str) -> None:
        """Tell the reader something about this entry."""
        self.notes.append(text)

    def verdict(self) -> ClaimVerdict:
        """Combine the contrasts.

        Raises:
            TicError: The test judged nothing.
        """
        if not self._verdicts:
            raise TicError("the claim's test judged nothing; call judge(effects, region, name=…)")
        return stats.combine(self._verdicts)

    def _record(self, verdict: Verdict, name: str, unit: str) -> Verdict:
        if not verdict.exact and verdict.n_seeds != len(self.seeds):
            raise TicError(
                f"{name}: one effect per seed is needed, got {verdict.n_seeds} effects "
                f"for {len(self.seeds)} seeds"
            )
        self._verdicts.append(verdict)
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
            )
        )
        return verdict


def _region_record(region: Region) -> RegionRecord:
    return RegionRecord(
        low=region.low if np.isfinite(region.low) else None,
        high=region.high if np.isfinite(region.high) else None,
        text=str(region),
    )


def curves(name: str, x: ArrayLike, values: ArrayLike, marker: float | None = None) -> Series:
    """Make a Series of one curve per seed.

    Args:
        name: Legend.
        x: Shape (X,).
        values: Shape (S, X).
        marker: Position of a dotted vertical line.
    """
    rows = np.atleast_2d(np.asarray(values, dtype=float))
    return Series(
        name=name,
        x=tuple(np.asarray(x, dtype=float)),
        values=tuple(tuple(row) for row in rows),
        marker=marker,
    )
