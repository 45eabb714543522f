"""The stated subset of a data set: balanced over the classes and the same on every machine."""

import numpy as np
from numpy.typing import NDArray

# The odd number nearest 2**32 / golden ratio. Its multiples modulo 2**32 never repeat and fall
# evenly, so that any first few members of a class are spread over the whole file. Arithmetic
# alone decides, hence no library's random stream can change what "the first 1000" means.
_STRIDE = 2_654_435_769


def balanced_order(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return a fixed permutation that takes one image of each class in turn.

    Any first n of it differ by at most one image between the classes, until a class runs out.

    Args:
        labels: `(N,)` whole numbers from 0.

    Returns:
        `(N,)` indices.
    """
    rank = _place_in_class(np.arange(len(labels)), labels)
    shuffled = np.argsort(rank * _STRIDE % 2**32, kind="stable")
    turn = np.empty_like(rank)
    turn[shuffled] = _place_in_class(shuffled, labels)
    return np.lexsort((labels, turn))


def _place_in_class(order: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Say for each entry of `order` how many entries of its class come before it."""
    ordered = labels[order]
    by_class = np.argsort(ordered, kind="stable")
    starts = np.cumsum(np.bincount(ordered)) - np.bincount(ordered)
    place = np.empty_like(by_class)
    place[by_class] = np.arange(len(order)) - starts[ordered[by_class]]
    return place
