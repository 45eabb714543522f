"""Other samples than those measured: intervals over seeds and samples.

An interval over seeds speaks of the samples that were looked at. Where every seed has an effect on
every sample, how far the samples differ tells how far others would move the mean.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from tic.arrays import finite_array, real_number, whole_number
from tic.stats.checks import one_sided_level
from tic.stats.judge import Verdict, require_verdict


@dataclass(frozen=True)
class SampleSpread:
    """How far samples differ in an effect that is a mean over them.

    Attributes:
        n_samples: N.
        sd: Standard deviation, over the samples, of their mean effect over the seeds.

    Raises:
        ValueError: There are fewer than two samples, or the deviation is negative or not finite.
    """

    n_samples: int
    sd: float

    def __post_init__(self) -> None:
        whole_number(
            self.n_samples,
            name="n_samples",
            least=2,
            way_out="one sample tells nothing of others",
        )
        sd = real_number(self.sd, name="sd")
        if not 0 <= sd < math.inf:
            raise ValueError(f"sd must be a finite number from 0 on, got {sd:.12g}; measure it")


def sample_spread(effects: ArrayLike) -> SampleSpread:
    """Measure how far samples differ in a table of effects by seed and sample.

    Args:
        effects: (S, N), the effect of each seed on each of at least 2 samples, the same ones for
            every seed.

    Raises:
        ValueError: It is no such table of real numbers.
    """
    table = finite_array(effects, name="effects", axes="SN")
    if table.shape[1] < 2:
        raise ValueError(
            f"effects by seed and sample must have at least 2 samples, got {table.shape[1]}; "
            "give one effect per seed"
        )
    # Squares of effects near the ends of the float range would vanish or overflow.
    scale = float(np.abs(table).max()) or 1.0
    return SampleSpread(table.shape[1], scale * float((table / scale).mean(0).std(ddof=1)))


def interval_over_samples(verdict: Verdict, spread: SampleSpread) -> tuple[float, float] | None:
    """Return the interval of the mean where the samples were drawn, too, as the seeds were.

    In a table of random effects of seeds and of samples that cross, the variance of the mean is at
    most that of row means over seeds plus that of column means over samples: both have the residual
    variance, which is counted twice. The squares of the half-widths of both intervals are added,
    each with the t quantile of its own degrees of freedom. For normal effects that covers at least
    what it states (Banerjee 1960), and it is never narrower than the verdict's.

    Args:
        verdict: Of the row means of the table, one effect per seed.
        spread: How far its samples differ.

    Returns:
        (low, high) at the verdict's confidence; None where the verdict has no interval that rests
        on a sample of seeds.

    Raises:
        ValueError: It is no verdict.
    """
    from scipy.special import stdtrit

    require_verdict(verdict)
    if verdict.interval is None or verdict.exact:
        return None
    low, high = verdict.interval
    quantile = float(stdtrit(spread.n_samples - 1, 1 - one_sided_level(verdict.confidence)))
    of_samples = quantile * spread.sd / math.sqrt(spread.n_samples)
    wider = math.hypot((high - low) / 2, of_samples) - (high - low) / 2
    return low - wider, high + wider
