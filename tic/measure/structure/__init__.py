"""Structure of sparse layers with delays: where synapses lie, by sign and by delay, and how long.

Pure functions on arrays or tensors. `grouping` says whether synapses of like sign lie together,
`join_counts` and `pair_correlation` which neighbours there are; `live_paths`, `churn`,
`delay_histogram` and `delay_distance` what is live.
"""

from tic.measure.structure.connectivity import (
    Paths,
    churn,
    delay_distance,
    delay_histogram,
    live_paths,
)
from tic.measure.structure.grouping import NULLS, RADII, Grouping, Null, grouping
from tic.measure.structure.neighbours import JoinCounts, join_counts, pair_correlation
from tic.measure.structure.points import Synapses

__all__ = [
    "NULLS",
    "RADII",
    "Grouping",
    "JoinCounts",
    "Null",
    "Paths",
    "Synapses",
    "churn",
    "delay_distance",
    "delay_histogram",
    "grouping",
    "join_counts",
    "live_paths",
    "pair_correlation",
]
