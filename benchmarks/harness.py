"""Pairs of timings: ours and a peer's in turn, so that a slow moment of the machine hits both."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import median


@dataclass(frozen=True)
class Ratio:
    """What a pair of paths costs.

    Attributes:
        path: What is timed.
        against: The peer or the floor.
        ratio: Median over pairs of the peer's time over ours; above 1 ours is faster.
        low: Smallest ratio of a pair.
        high: Largest ratio of a pair.
        seconds: Median time of ours.
    """

    path: str
    against: str
    ratio: float
    low: float
    high: float
    seconds: float

    def as_json(self) -> dict[str, str | float]:
        """Return the fields for a JSON file."""
        return asdict(self)


def compare(
    path: str, against: str, ours: Callable[[], object], peer: Callable[[], object], pairs: int = 5
) -> Ratio:
    """Time both paths `pairs` times after one call of each that warms up."""
    ours(), peer()
    times = [(_seconds(ours), _seconds(peer)) for _ in range(pairs)]
    ratios = [theirs / mine for mine, theirs in times]
    return Ratio(
        path, against, median(ratios), min(ratios), max(ratios), median(mine for mine, _ in times)
    )


def _seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started
