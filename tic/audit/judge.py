"""The `judge` fixture: records what a claim's test finds and turns it into a verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tic import stats
from tic.arrays import finite_array
from tic.audit.exhibits import Exhibits
from tic.document import deciding
from tic.document.deciding import Decision, JudgedEffects, record_region
from tic.document.evidence import (
    Contrast,
    Effects,
    Pilot,
    ReadingVerdict,
    SampleSpreadRecord,
    Trend,
    WorstCase,
)
from tic.errors import TicError
from tic.stats import ClaimVerdict, Region, Verdict
from tic.stats.region import require_region

_NO_EFFECTS = (
    "give one number per seed, since the mean over seeds is taken here: x.mean(axis=1) where "
    "samples stand second, or by_sample=True with one number per seed and sample"
)
_NO_TABLE = "give one number per seed and sample, or leave by_sample out"


class Judge(Exhibits):
    """Collects the contrasts of one claim in one setting, and what is to be shown beside them.

    A claim holds when all its contrasts hold and is refuted when any is.

    Args:
        seeds: Seed of each effect; none where the claim rests on no Runs.
        confidence: Of the intervals.
        draws: Whether figures are wanted, for which much may have to be measured.
        pilot_of: What pilot seeds gave for the contrast of a name and unit, which tells more of the
            spread; None where there is nothing.
    """

    def __init__(
        self,
        seeds: Sequence[int],
        confidence: float,
        *,
        draws: bool = True,
        pilot_of: Callable[[str, str], Pilot | None] = lambda name, unit: None,
    ) -> None:
        if len(set(seeds)) != len(seeds):
            raise TicError(f"seeds must be distinct, got {list(seeds)}")
        self.seeds = tuple(seeds)
        self.confidence = confidence
        self.draws = draws
        self._pilot_of = pilot_of
        super().__init__()
        self.worst_cases: list[WorstCase] = []
        self.readings: list[ReadingVerdict] = []
        self.left_open: list[str] = []
        self._judged: list[JudgedEffects] = []

    @property
    def contrasts(self) -> tuple[Contrast, ...]:
        """What was judged so far."""
        return tuple(judged.contrast for judged in self._judged)

    def __call__(
        self,
        effects: ArrayLike,
        region: Region,
        *,
        name: str,
        unit: str = "",
        exact: bool = False,
        resolution: float | None = None,
        by_sample: bool = False,
    ) -> Verdict:
        """Judge one effect per seed, shape (S,), against the region that the claim allows.

        Args:
            effects: In seed order; for an `exact` claim a single number.
            region: Made by `above`, `below` or `within`.
            name: What the effect is, for the report.
            unit: Of the effect.
            exact: The effects are arithmetic, without sampling error.
            resolution: Smallest step between two effects, such as `runs.resolution` for accuracies;
                effects that are all equal can be judged then.
            by_sample: Each effect is a mean over samples that are the same for every seed, and
                `effects` is the table of both, (S, N), such as a difference of
                `runs.accuracy_by_sample()`. The report tells then what remains of the verdict where
                other samples might have been drawn.
        """
        with _explained(name):
            require_region(region)
            spread = None
            if by_sample:
                if exact:
                    raise TicError(
                        f"{name}: exact effects rest on no samples, got by_sample=True beside "
                        "exact=True; leave one out"
                    )
                table = finite_array(effects, name="effects", axes="SN", way_out=_NO_TABLE)
                effects, spread = table.mean(1), _sample_spread(table)
            array = finite_array(effects, name="effects", axes="S", way_out=_NO_EFFECTS)
            values = tuple(array.tolist())
            if exact:
                effect = deciding.exact_effects(
                    values, region, self.confidence, name=name, unit=unit
                )
            else:
                self._require_one_per_seed(name, len(values))
                effect = self._sampled(
                    name, unit, values, region, resolution=resolution, spread=spread
                )
            return self._record(effect)

    def rate(self, outcomes: ArrayLike, region: Region, *, name: str) -> Verdict:
        """Judge how often something happens, by exact binomial tests at the claim's level.

        Args:
            outcomes: Whether it happened in each seed, shape (S,), in seed order.
            region: The shares of seeds, in [0, 1], that the claim allows.
            name: What happens, for the report.
        """
        with _explained(name):
            require_region(region)
            values = tuple(finite_array(outcomes, name="outcomes", axes="S").tolist())
            self._require_one_per_seed(name, len(values))
            return self._record(self._sampled(name, "of seeds", values, region, rate=True))

    def trend(self, samples: ArrayLike, *, direction: stats.trend.Direction, name: str) -> Verdict:
        """Judge by Page's test whether (S, conditions) values follow an order within each seed."""
        with _explained(name):
            correlations = deciding.rank_correlations(samples, direction)
            self._require_one_per_seed(name, len(correlations))
            rows = finite_array(samples, name="samples", axes="ST").tolist()
            trend = Trend(direction=direction, samples=tuple(map(tuple, rows)))
            effects = self._sampled(name, "rank correlation", correlations, stats.above(0), trend)
            return self._record(effects)

    def worst_case(
        self, figure: str, attacked: ArrayLike, worst: ArrayLike, *, reported: float | None
    ) -> None:
        """Set an attack beside the worst case over a suite, and judge whether it overstates.

        The figure has a verdict of its own, which does not decide the claim.

        Args:
            figure: Which accuracy of the paper, such as `PGD, α low`.
            attacked: Accuracy in percent under the paper's attack, shape (S,).
            worst: Accuracy in percent of the worst case per image, shape (S,).
            reported: What the paper reports for it.
        """
        with _explained(figure):
            before = finite_array(attacked, name="attacked", axes="S").tolist()
            after = finite_array(worst, name="worst", axes="S").tolist()
            self.worst_cases.append(
                deciding.worst_case(figure, reported, before, after, self.confidence)
            )

    def record_reading(
        self, factors: Mapping[str, str], judged: Judge, *, release: bool = False
    ) -> None:
        """Record what came out of the claim when the same Runs were read in another way.

        Args:
            factors: The way; the first reading of an entry is the standard one.
            judged: Judged the claim on that reading.
            release: Whether it is the way of the paper's release.
        """
        judged.verdict()  # it must have judged something
        left_open = [*deciding.failed_checks(judged.checks), *judged.left_open]
        self.readings.append(
            deciding.reading(dict(factors), judged._judged, left_open, release=release)
        )

    def readings_contradict(self) -> Verdict:
        """Judge whether the recorded readings contradict each other; that alone decides.

        See `tic.document.deciding.contradiction`.
        """
        effects, readings, reasons = deciding.contradiction(self.readings, self.confidence)
        self.readings[:] = readings
        self.left_open.extend(reasons)
        return self._record(effects)

    def verdict(self) -> ClaimVerdict:
        """Combine the contrasts.

        Raises:
            TicError: The test judged nothing.
        """
        self._require_judged()
        return deciding.combine(self._judged, self.checks, self.left_open)

    def leave_open(self, reason: str) -> None:
        """Leave the claim INCONCLUSIVE whatever its contrasts say, and tell why."""
        self.left_open.append(reason)

    def decision(self) -> Decision:
        """Verdict and how near it is to another one, which is None where the claim was left open.

        Raises:
            TicError: The test judged nothing.
        """
        self._require_judged()
        return deciding.decide(self._judged, self.checks, self.left_open)

    def _require_judged(self) -> None:
        if not self._judged:
            raise TicError("the claim's test judged nothing; call judge(effects, region, name=…)")

    def _sampled(
        self,
        name: str,
        unit: str,
        effects: tuple[float, ...],
        region: Region,
        trend: Trend | None = None,
        *,
        rate: bool = False,
        resolution: float | None = None,
        spread: SampleSpreadRecord | None = None,
    ) -> Effects:
        return Effects(
            name=name,
            unit=unit,
            seeds=self.seeds,
            effects=effects,
            region=record_region(region),
            confidence=self.confidence,
            trend=trend,
            rate=rate,
            resolution=resolution,
            pilot=None if rate or trend is not None else self._pilot_of(name, unit),
            sample_spread=spread,
        )

    def _require_one_per_seed(self, name: str, count: int) -> None:
        if not self.seeds:
            raise TicError(
                f"{name}: a claim that needs no Runs has no seeds, and only exact numbers can be "
                "judged; write judge(…, exact=True), or say with needs= which Runs it rests on"
            )
        if count != len(self.seeds):
            raise TicError(
                f"{name}: one effect per seed is needed, got {count} effects "
                f"for {len(self.seeds)} seeds"
            )

    def _record(self, effects: Effects) -> Verdict:
        judged = deciding.judge_effects(effects)
        self._judged.append(judged)
        return judged.verdict


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Raise what cannot be judged as an error of whoever wrote the claim: which contrast, and why.

    A traceback would lead into this library.
    """
    try:
        yield
    except TicError:
        raise
    except ValueError as error:
        raise TicError(f"{name}: {error}") from None


def _sample_spread(table: NDArray[np.float64]) -> SampleSpreadRecord | None:
    """How far samples differ, if there are several."""
    if table.shape[1] < 2:
        return None
    return SampleSpreadRecord(**asdict(stats.sample_spread(table)))
