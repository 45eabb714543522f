"""Calibration of the judge: how often it errs in simulated audits of which the truth is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import partial
from typing import get_args

import numpy as np

from tic.arrays import finite_array, whole_number
from tic.stats.calibration.cases import (
    NEAR_PROMISE,
    POINTS,
    PROMISE,
    Setup,
    decided_and_predicted,
    error_and_power,
    rates_of_claim,
    rates_of_curve,
    rates_of_mean,
    rates_of_page,
)
from tic.stats.calibration.fast_judge import (
    Rule,
    johnson_p_values,
    judge_rows,
    rank_correlations,
    slopes,
    student_p_values,
)
from tic.stats.calibration.noise import (
    NOISES,
    SKEWED,
    Draw,
    opposite_seeds,
    random_walks,
    smooth_curves,
    unequal_spreads,
)
from tic.stats.calibration.simulated_audits import Truth, wrong_audits
from tic.stats.calibration.tables import Row, Table
from tic.stats.looks import LOOKS
from tic.stats.power import MIN_SEEDS
from tic.stats.region import above, below, within

MOST_SIMULATIONS = 1_000_000
N_SEEDS = (3, 4, 5, 7, 10, 15, 20)

# The true mean is 0. An edge 100 standard deviations away is out of reach; between two that nearly
# meet, either can refute.
_EDGES = {
    "above": above(0),
    "below": below(0),
    "within, low edge": within(0, 100),
    "within, high edge": within(-100, 0),
    "within, both edges near": within(-0.05, 0.05),
}
_BOTH = "SUPPORTED / REFUTED, %"
LEVEL = 0.025
"""Of the claims of an audit together, on either side: `tic.document.correction.LEVEL`, which a
package that knows no audits does not import."""
_SHOWN_LOOKS = 7
_NEAR: Truth = "true between two near edges"
_AUDITS = "Audits of 30 claims whose seeds are added where a verdict is open"
_PILOT = 12
"""Seeds of the packs' pilots."""
_DISAGREEING = {"that scatter unequally": unequal_spreads, "of seeds that disagree": opposite_seeds}
_CURVES = {"random walk": random_walks, "smooth curve": smooth_curves}


def calibrate(
    simulations: int = 10_000,
    seed: int = 0,
    *,
    n_seeds: Sequence[int] = N_SEEDS,
    rule: Rule = judge_rows,
) -> Iterator[Table]:
    """Simulate audits and count their verdicts, table by table.

    Args:
        simulations: audits behind each rate.
        seed: of the effects; the same one gives the same tables.
        n_seeds: numbers of seeds, each at least 3.
        rule: says of (N, S) effects what `judge` would say of each row.

    Raises:
        ValueError: no simulation or absurdly many, too few seeds, or a negative seed.
    """
    simulations = whole_number(
        simulations, name="simulations", least=1, most=MOST_SIMULATIONS, way_out="10000 is usual"
    )
    seed = whole_number(seed, name="seed", least=0, way_out="any such number will do")
    counts = tuple(
        whole_number(count, name="n_seeds", least=MIN_SEEDS, way_out="add seeds")
        for count in finite_array(n_seeds, name="n_seeds", axes="N")
    )
    setup = Setup(simulations, counts, np.random.default_rng(seed), rule)
    tables = (edges, trends, claims, audits, decisions, alternatives, piloted_audits)
    return (table(setup) for table in tables)


def edges(setup: Setup) -> Table:
    """Judge one contrast whose true mean lies on an edge of its region."""
    cases = {
        f"{name}, {place}": partial(rates_of_mean, setup, noise, region)
        for name, noise in NOISES.items()
        for place, region in _EDGES.items()
    }
    return setup.table("One contrast, true mean on an edge", _BOTH, cases, _promise)


def _promise(label: str) -> float:
    return NEAR_PROMISE if "edges near" in label or "near edges" in label else PROMISE


def trends(setup: Setup) -> Table:
    """Judge conditions and curves that rise and fall equally often."""
    page = {
        f"Page, {points} separate conditions": partial(
            rates_of_page, setup, NOISES["normal"], points
        )
        for points in (3, 5, POINTS)
    } | {
        f"Page, {POINTS} points of a {curve}": partial(rates_of_page, setup, draw, POINTS)
        for curve, draw in _CURVES.items()
    }
    by_t = {
        f"{name} judged by t, {POINTS} points of a {curve}": partial(
            rates_of_curve, setup, draw, measure
        )
        for name, measure in (("Theil–Sen slope", slopes), ("rank correlation", rank_correlations))
        for curve, draw in _CURVES.items()
    }
    # Of their own, so that the other rows are the same with and without them.
    apart = replace(setup, rng=deepcopy(setup.rng))
    by_page = {
        f"Page, 5 separate conditions {which}": partial(rates_of_page, apart, draw, 5)
        for which, draw in _DISAGREEING.items()
    }
    return setup.table("Trends where there is none", _BOTH, page | by_t | by_page)


def claims(setup: Setup) -> Table:
    """Judge claims of several contrasts: true ones, and ones that are false in one contrast."""
    cases = {
        f"{name}, {contrasts} contrasts, {truth}": partial(
            rates_of_claim, setup, NOISES[name], regions
        )
        for name in ("normal", "Student t, 3 df", "exponential")
        for contrasts in (2, 4)
        for truth, regions in (
            ("each between two near edges", [_EDGES["within, both edges near"]] * contrasts),
            ("one on its edge", [below(0), *[below(100)] * (contrasts - 1)]),
        )
    }
    return setup.table("Claims of several contrasts", _BOTH, cases, _promise)


def audits(setup: Setup) -> Table:
    """Judge audits of 30 claims at every look, each claim where it is hardest to judge."""
    looks = LOOKS[:_SHOWN_LOOKS]
    rows = _audits_of_each_noise(setup, pilot=0)
    every = tuple(range(looks[0], looks[-1] + 1))
    for truth in get_args(Truth):
        rng = setup.rng if truth == "true" else deepcopy(setup.rng)
        rates = wrong_audits(
            rng, NOISES["normal"], setup.simulations, every, truth=truth, level=LEVEL
        )
        often = tuple((rates[every.index(look)],) for look in looks)
        label = f"normal, all claims {truth}, looked at after every seed"
        rows.append(Row(label, often, _promise(label)))
    return _table_of_looks(setup, _AUDITS, rows)


def piloted_audits(setup: Setup) -> Table:
    """Judge the same audits where a pilot tells more of the spread."""
    rows = _audits_of_each_noise(setup, pilot=_PILOT)
    return _table_of_looks(setup, f"{_AUDITS}, each contrast with {_PILOT} pilot seeds", rows)


def _audits_of_each_noise(setup: Setup, *, pilot: int) -> list[Row]:
    looks = LOOKS[:_SHOWN_LOOKS]
    # Of its own, so that the other rows are the same with and without those between two edges.
    (near,) = setup.rng.spawn(1)
    return [
        Row(
            label := f"{name}{side}, all claims {truth}",
            tuple(
                (rate,)
                for rate in wrong_audits(
                    near if truth == _NEAR else setup.rng,
                    draw,
                    setup.simulations,
                    looks,
                    truth=truth,
                    level=LEVEL,
                    pilot=pilot,
                )
            ),
            _promise(label),
        )
        for name, noise in NOISES.items()
        for side, draw in _sides(name, noise)
        for truth in get_args(Truth)
        # Between two edges no tail is allowed.
        if not (side and truth == _NEAR)
    ]


def _table_of_looks(setup: Setup, title: str, rows: Sequence[Row]) -> Table:
    return Table(
        title,
        "audits with a wrong verdict so far, %",
        tuple(f"S = {look}" for look in LOOKS[:_SHOWN_LOOKS]),
        tuple(rows),
        setup.simulations,
    )


def _sides(name: str, noise: Draw) -> Iterator[tuple[str, Draw]]:
    """A noise whose tails differ, with its long tail on either side of the edge."""
    if name not in SKEWED:
        yield "", noise
        return
    yield " with the long tail allowed", lambda rng, shape: -noise(rng, shape)
    yield " with the long tail excluded", noise


def decisions(setup: Setup) -> Table:
    """Judge one contrast that can be decided, beside what `power_curve` predicts."""
    cases = {
        f"{name}, mean {mean:g} sd above the bound": partial(
            decided_and_predicted, setup, noise, above(-mean)
        )
        for name, noise in NOISES.items()
        for mean in (0.5, 1.0, 2.0, 4.0)
    } | {
        f"normal, in the centre of ±{half:g} sd": partial(
            decided_and_predicted, setup, NOISES["normal"], within(-half, half)
        )
        for half in (1.0, 2.0, 4.0)
    }
    legend = "decided / predicted for normal effects, %"
    return setup.table("Power", legend, cases, promise=lambda label: None)


def alternatives(setup: Setup) -> Table:
    """Try other tests of a mean: the cost of the error rate that they hold."""
    cases = {
        f"{test}, {name}": partial(error_and_power, setup, noise, p_values, level)
        for test, p_values, level in (
            ("t at 95 %", student_p_values, 0.025),
            ("t at 99 %", student_p_values, 0.005),
            ("Johnson's t at 95 %", johnson_p_values, 0.025),
        )
        for name, noise in NOISES.items()
    }
    legend = "supported on the edge, where that is worst / supported 2 sd above it, %"
    return setup.table("Other tests of a mean", legend, cases, promise=lambda label: None)
