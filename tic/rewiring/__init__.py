"""Sparse training: masks that are held, and masks whose synapses die and are born while it goes on.

In every layer int((1 - s) N) of N weights are live from the start and after every step, with the
sparsity s as it is written in decimals. All others are exactly 0, and a live one never is: it
is born at 1e-12, with its sign where it has one. So the weights of a Run tell which were `live`.

Optimisers go on computing for weights that are 0: a synapse is born with the moments that its
gradients left while it was dead.
"""

from tic.rewiring.masks import FixedMask, SparseTraining, live, live_count
from tic.rewiring.rules import SET, Rewiring, RigL

__all__ = [
    "SET",
    "FixedMask",
    "Rewiring",
    "RigL",
    "SparseTraining",
    "live",
    "live_count",
]
