"""Conditions without which firing rates say nothing."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from claims.yao2023.runs import YaoRuns
from tic.audit import Judge

LEARNED = 2.0
"""Times chance that a network must reach."""
MATCH = 0.1
"""Of ln r, by which firing rates that are called matched may differ."""


def require_learned(judge: Judge, runs: Mapping[str, YaoRuns]) -> None:
    """Leave the claim open unless every network has learned: a silent one fires least."""
    least = {
        name: float(trained.accuracy().min() / trained.chance) for name, trained in runs.items()
    }
    worst = min(least, key=lambda name: least[name])
    judge.check(
        "learned",
        f"Every network whose firing is compared is at least {LEARNED:g} times as accurate as "
        "chance, with every seed.",
        f"{least[worst]:.2f} times ({worst})",
        holds=least[worst] >= LEARNED,
        needed=True,
    )


def require_same_events(judge: Judge, runs: Mapping[str, YaoRuns]) -> None:
    """Leave the claim open unless all networks are shown the same number of events."""
    events = [trained.firing("events") for trained in runs.values()]
    judge.check(
        "same events",
        "All networks are shown as many events.",
        f"{np.min(events):.1f} to {np.max(events):.1f} per recording",
        holds=all(np.array_equal(e, events[0]) for e in events),
        needed=True,
    )


def require_matched(judge: Judge, ratio: float) -> None:
    """Leave the claim open unless mean firing rates are matched."""
    judge.check(
        "matched rates",
        f"Mean firing rates differ by at most {MATCH:g} in their logarithm.",
        f"{ratio:+.2f}",
        holds=abs(ratio) <= MATCH,
        needed=True,
    )
