"""Statistics: from one effect per seed to a verdict with stated error rates.

SciPy is imported where it is used, so that importing this package is cheap, and how the judge is
calibrated by who asks for it: `tic.stats.calibration`.
"""

from tic.stats.combination import ClaimVerdict, combine
from tic.stats.judge import Outcome, Verdict, judge
from tic.stats.looks import Design, error_share
from tic.stats.multiplicity import holm, holm_adjusted
from tic.stats.outlook import rate_seeds_to_decide, seeds_to_decide, trend_seeds_to_decide
from tic.stats.power import PowerCurve, power_curve, seeds_needed
from tic.stats.proportions import is_chance, judge_rate, upper_bound
from tic.stats.region import Region, above, below, within
from tic.stats.replication import prediction_interval
from tic.stats.samples import SampleSpread, interval_over_samples, sample_spread
from tic.stats.sensitivity import (
    Sensitivity,
    claim_sensitivity,
    rate_sensitivity,
    sensitivity,
    trend_sensitivity,
)
from tic.stats.trend import (
    half_fall,
    judge_trend,
    page_effects,
    page_p_value,
    rank_step,
    theil_sen_slope,
)

__all__ = [
    "ClaimVerdict",
    "Design",
    "Outcome",
    "PowerCurve",
    "Region",
    "SampleSpread",
    "Sensitivity",
    "Verdict",
    "above",
    "below",
    "claim_sensitivity",
    "combine",
    "error_share",
    "half_fall",
    "holm",
    "holm_adjusted",
    "interval_over_samples",
    "is_chance",
    "judge",
    "judge_rate",
    "judge_trend",
    "page_effects",
    "page_p_value",
    "power_curve",
    "prediction_interval",
    "rank_step",
    "rate_seeds_to_decide",
    "rate_sensitivity",
    "sample_spread",
    "seeds_needed",
    "seeds_to_decide",
    "sensitivity",
    "theil_sen_slope",
    "trend_seeds_to_decide",
    "trend_sensitivity",
    "upper_bound",
    "within",
]
