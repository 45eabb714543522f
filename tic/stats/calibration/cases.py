"""The cases that the judge is calibrated on: each gives its rates for one number of seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tic.stats.calibration.fast_judge import Rule, judge_rows_by_page
from tic.stats.calibration.noise import Draw
from tic.stats.calibration.tables import Row, Table
from tic.stats.combination import ClaimVerdict, combine
from tic.stats.judge import Outcome, Verdict
from tic.stats.power import power_curve
from tic.stats.region import Region, above

PROMISE = 0.025
"""Of a wrong verdict on one side."""
NEAR_PROMISE = 2 * PROMISE
"""Of a refutation of what is true between two edges so near that it may go wrong at either."""
POINTS = 10

Measure = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True)
class Setup:
    """What all tables share.

    Attributes:
        simulations: N, audits behind each rate.
        n_seeds: numbers of seeds.
        rng: of all effects, in the order of the tables.
        rule: says of (N, S) effects what `judge` would say of each row.
    """

    simulations: int
    n_seeds: tuple[int, ...]
    rng: np.random.Generator
    rule: Rule

    def table(
        self,
        title: str,
        legend: str,
        cases: Mapping[str, Callable[[int], tuple[float, ...]]],
        promise: Callable[[str], float | None] = lambda label: PROMISE,
    ) -> Table:
        """Return the rates of each case for each number of seeds, and what its label promises."""
        rows = tuple(
            Row(label, tuple(map(case, self.n_seeds)), promise(label))
            for label, case in cases.items()
        )
        columns = tuple(f"S = {n_seeds}" for n_seeds in self.n_seeds)
        return Table(title, legend, columns, rows, self.simulations)

    def draw(self, noise: Draw, *shape: int) -> NDArray[np.float64]:
        """Return the effects of all audits, (N, …)."""
        return noise(self.rng, (self.simulations, *shape))


def rates_of_mean(setup: Setup, noise: Draw, region: Region, n_seeds: int) -> tuple[float, float]:
    """Return how often one contrast of mean 0 is SUPPORTED and REFUTED."""
    return _rates(setup.rule(setup.draw(noise, n_seeds), region))


def rates_of_page(setup: Setup, noise: Draw, points: int, n_seeds: int) -> tuple[float, float]:
    """Return how often Page's test finds a rise and a fall over `points` conditions."""
    return _rates(judge_rows_by_page(setup.draw(noise, n_seeds, points)))


def rates_of_curve(
    setup: Setup, noise: Draw, measure: Measure, n_seeds: int
) -> tuple[float, float]:
    """Return how often one number per curve is judged above 0 and not above."""
    return _rates(setup.rule(measure(setup.draw(noise, n_seeds, POINTS)), above(0)))


def rates_of_claim(
    setup: Setup, noise: Draw, regions: Sequence[Region], n_seeds: int
) -> tuple[float, float]:
    """Return how often a claim with one contrast for each region is SUPPORTED and REFUTED."""
    contrasts = [setup.rule(setup.draw(noise, n_seeds), region) for region in regions]
    return _rates([combine(claim) for claim in zip(*contrasts, strict=True)])


def _rates(verdicts: Sequence[Verdict | ClaimVerdict]) -> tuple[float, float]:
    outcomes = [verdict.outcome for verdict in verdicts]
    supported, refuted = outcomes.count(Outcome.SUPPORTED), outcomes.count(Outcome.REFUTED)
    return supported / len(outcomes), refuted / len(outcomes)


def decided_and_predicted(
    setup: Setup, noise: Draw, region: Region, n_seeds: int
) -> tuple[float, float]:
    """Return how often one contrast of mean 0 is decided, and what `power_curve` predicts."""
    decided = sum(rates_of_mean(setup, noise, region, n_seeds))
    return decided, float(power_curve(0, 1, region, [n_seeds]).decided[0])


def error_and_power(
    setup: Setup, noise: Draw, p_values: Measure, level: float, n_seeds: int
) -> tuple[float, float]:
    """Return the error of a test of a mean, and its power at 2 sd, each on the worse side."""
    effects = setup.draw(noise, n_seeds)
    error = max(float((p_values(side) <= level).mean()) for side in (effects, -effects))
    power = min(float((p_values(side + 2) <= level).mean()) for side in (effects, -effects))
    return error, power
