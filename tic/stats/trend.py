"""Trends over ordered conditions or checkpoints."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tic.arrays import finite_array, real_number, whole_number
from tic.stats.checks import one_sided_level
from tic.stats.judge import Outcome, Verdict, decide, judge, too_few, undecided
from tic.stats.outlook import trend_seeds_to_decide
from tic.stats.power import MIN_SEEDS
from tic.stats.region import above

Direction = Literal["increasing", "decreasing"]

_OPPOSITE: dict[Direction, Direction] = {"increasing": "decreasing", "decreasing": "increasing"}


def theil_sen_slope(x: ArrayLike, y: ArrayLike) -> float:
    """Return the median slope between all pairs of points (Theil 1950, Sen 1968).

    Args:
        x: (N,) positions, such as epochs; not all equal. Pairs with equal x are left out.
        y: (N,) values.

    Returns:
        Slope, in units of y per unit of x.

    Raises:
        ValueError: shapes differ, a value is not finite, or fewer than 2 different x.
    """
    positions = finite_array(x, name="x", axes="N")
    values = finite_array(y, name="y", axes="N")
    if positions.shape != values.shape:
        raise ValueError(
            f"x and y must have the same length, got {positions.size} and {values.size}; pair them"
        )
    if np.ptp(positions) == 0:
        raise ValueError(
            f"a slope needs at least 2 different x, got only {positions[0]:.12g}; add checkpoints"
        )
    from scipy.stats import theilslopes

    return float(theilslopes(values, positions).slope)


def half_fall(x: ArrayLike, y: ArrayLike, *, least: float) -> float:
    """Return where a curve has fallen half of the way from its largest value to its last.

    Between points the curve is taken as straight. The way is counted from the last of several
    largest values.

    Args:
        x: (N,) positions, ascending.
        y: (N,) values.
        least: at least 0; a fall by no more than this is none, and counts as one that is still to
            come: the last position is returned.

    Returns:
        A position in [x[0], x[-1]].

    Raises:
        ValueError: shapes differ, a value is not finite, the positions do not ascend, or `least` is
            negative.
    """
    smallest = real_number(least, name="least")
    if not smallest >= 0:
        raise ValueError(f"least must be at least 0, got {smallest:g}; it is the smallest fall")
    positions = finite_array(x, name="x", axes="N")
    values = finite_array(y, name="y", axes="N")
    if positions.shape != values.shape:
        raise ValueError(
            f"x and y must have the same length, got {positions.size} and {values.size}; pair them"
        )
    if (np.diff(positions) <= 0).any():
        raise ValueError(f"x must ascend, got {positions.tolist()}; sort the points")
    top = len(values) - 1 - int(values[::-1].argmax())
    if values[top] - values[-1] <= smallest:
        return float(positions[-1])
    half = (values[top] + values[-1]) / 2
    below = top + int((values[top:] <= half).argmax())
    share = (values[below - 1] - half) / (values[below - 1] - values[below])
    return float(positions[below - 1] + share * (positions[below] - positions[below - 1]))


def page_p_value(samples: ArrayLike, *, direction: Direction) -> float:
    """Test whether values follow the predicted order of the conditions (Page 1963).

    Null hypothesis: within a seed, every order of the conditions is equally likely. That suits
    conditions that were trained apart and scatter alike, such as several T or τ. It is more than
    that the mean rank correlation is 0: seeds of which half rise and half fall are rejected often
    (docs/calibration.md). Neighbouring points of one smooth curve are alike even when no trend
    exists, and the test then rejects far too often: see `judge_trend`.

    Args:
        samples: (S, T), T ≥ 3 conditions in their order for each of S ≥ 2 seeds. Only ranks within
            a seed count; ties share their mean rank, which makes the exact test conservative.
        direction: the predicted order, "increasing" or "decreasing".

    Returns:
        Probability of a Page's L, the sum over seeds and conditions of predicted rank times rank,
        at least as large when every order is equally likely. Exact up to 8 conditions and 12 seeds
        (20 for 3 conditions), else by a normal approximation.

    Raises:
        ValueError: too few seeds or conditions, values that are not finite, unknown direction.
    """
    table = _table(samples, direction)
    if table.shape[0] < 2:
        raise ValueError(f"Page's test needs at least 2 seeds, got {table.shape[0]}; add seeds")
    from scipy.stats import page_trend_test

    result = page_trend_test(table, predicted_ranks=_predicted(table.shape[1], direction))
    return min(float(result.pvalue), 1.0)


def page_effects(samples: ArrayLike, *, direction: Direction) -> NDArray[np.float64]:
    """Return each seed's rank correlation ρ with the predicted order of the conditions.

    ρ = 1 − 6 Σd²/(T³ − T) over rank differences d: Spearman's, and with ties the same formula, so a
    seed without any order gives 0. Page's L is linear in their mean:
    L = S·[T(T+1)²/4 + mean(ρ)·(T³ − T)/12].

    Args:
        samples: (S, T), T ≥ 3 conditions in their order for each seed.
        direction: the predicted order, "increasing" or "decreasing".

    Returns:
        (S,), in [−1, 1]; 1 where the seed follows the prediction everywhere.

    Raises:
        ValueError: too few conditions, values that are not finite, unknown direction.
    """
    table = _table(samples, direction)
    from scipy.stats import rankdata

    conditions = table.shape[1]
    predicted = _predicted(conditions, direction)
    centred = rankdata(table, axis=1) - (conditions + 1) / 2
    effects: NDArray[np.float64] = 12 * (centred @ predicted) / (conditions**3 - conditions)
    return effects


def rank_step(conditions: int) -> float:
    """Return the smallest step between two of `page_effects`, without ties: 12 / (T³ − T).

    Sums of squared rank differences d of two orders differ by 2 at the least.

    Args:
        conditions: T ≥ 3.

    Raises:
        ValueError: it is no such number.
    """
    count = whole_number(conditions, name="conditions", least=3, way_out="add conditions")
    return 12 / (count**3 - count)


def judge_trend(samples: ArrayLike, *, direction: Direction, confidence: float = 0.95) -> Verdict:
    """Judge a predicted order of conditions by Page's test, in both directions.

    The effects are `page_effects` and the region is above 0, so a report draws them like any other
    contrast. The p-values are Page's and not Student's: seeds that all follow the order perfectly
    have no spread, yet are the strongest evidence there is. The interval shown
    is Student's, of the mean rank correlation, and does not decide.
    For points of one curve, or where seeds may disagree (see `page_p_value`), judge a slope or
    `page_effects` by `judge` instead, where the seed is the only independent unit.

    Args:
        samples: (S, T), T ≥ 3 conditions in their order for each seed.
        direction: the predicted order, "increasing" or "decreasing".
        confidence: SUPPORTED and REFUTED each have an error rate of at most (1 − confidence)/2
            under the null hypothesis of `page_p_value`.

    Returns:
        INCONCLUSIVE for fewer than 3 seeds, and for seeds whose values are all identical: one seed
        counted several times looks like that.

    Raises:
        ValueError: too few conditions, values that are not finite, unknown direction, or
            confidence is not in (0, 1).
    """
    one_sided_level(confidence)
    table = _table(samples, direction)
    blank = undecided(page_effects(table, direction=direction), above(0), confidence)
    if len(table) < MIN_SEEDS:
        return replace(blank, reason=too_few(len(table)))
    if np.ptp(table, axis=0).max() == 0:
        return replace(blank, reason=f"all {len(table)} seeds gave identical values")
    p_value = page_p_value(table, direction=direction)
    refutation_p_value = page_p_value(table, direction=_OPPOSITE[direction])
    outcome = decide(p_value, refutation_p_value, confidence)
    reason, outlook = "decided by Page's test, not by the interval", None
    if outcome is Outcome.INCONCLUSIVE:
        reason = "Page's test does not tell the order from chance"
        effects = np.array(blank.effects)
        outlook = trend_seeds_to_decide(
            blank.estimate, effects.std(ddof=1), *table.shape, confidence=confidence
        )
    return replace(
        blank,
        outcome=outcome,
        interval=_interval(blank),
        p_value=p_value,
        refutation_p_value=refutation_p_value,
        seeds_to_decide=outlook,
        reason=reason,
    )


def _interval(blank: Verdict) -> tuple[float, float] | None:
    """Student's interval of the mean rank correlation; None where all seeds have the same."""
    interval = judge(blank.effects, blank.region, confidence=blank.confidence).interval
    return interval and (max(interval[0], -1.0), min(interval[1], 1.0))


def _table(samples: ArrayLike, direction: Direction) -> NDArray[np.float64]:
    if direction not in tuple(_OPPOSITE):
        raise ValueError(f'direction must be "increasing" or "decreasing", got {direction!r}')
    table = finite_array(samples, name="samples", axes="ST")
    if table.shape[1] < 3:
        raise ValueError(
            f"Page's test needs at least 3 conditions, got {table.shape[1]}; judge a difference"
        )
    return table


def _predicted(conditions: int, direction: Direction) -> NDArray[np.int64]:
    ranks = np.arange(1, conditions + 1)
    return ranks if direction == "increasing" else ranks[::-1]
