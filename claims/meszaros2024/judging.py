"""Conditions without which accuracies say nothing of masks and delays."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from claims.meszaros2024.runs import INNER, MeszarosRuns
from tic.audit import Judge
from tic.rewiring import Rewiring, live_count

Roles = Mapping[str, MeszarosRuns]
LEARNED = 2.0
"""Times chance that a network must reach."""
REWIRED = 0.05
"""Share of the live synapses that must not have been live at the beginning."""
MOVED = 0.1
"""Timesteps by which learned delays must have moved on average."""


def require_learned(judge: Judge, runs: Roles) -> None:
    """Leave the claim open unless every network has learned: guessing is equally accurate."""
    least = {name: float(made.accuracy().min() / made.chance) for name, made in runs.items()}
    worst = min(least, key=lambda name: least[name])
    judge.check(
        "learned",
        f"Every network is at least {LEARNED:g} times as accurate as chance, with every seed.",
        f"{least[worst]:.2f} times ({worst})",
        holds=least[worst] >= LEARNED,
        needed=True,
    )


def require_new_voices(judge: Judge, runs: Roles) -> None:
    """Leave the claim open where every voice that is tested was trained on.

    Accuracies say nothing of new voices then. Data sets may have some of theirs in both splits.
    """
    new = {name: made.voices("test") - made.voices("train") for name, made in runs.items()}
    fewest = min(new, key=lambda name: len(new[name]))
    count = len(runs[fewest].voices("test"))
    judge.check(
        "voices",
        "Of the voices that are tested some were not trained on, in every network.",
        f"{len(new[fewest])} of {count} were not",
        holds=bool(new[fewest]),
        needed=True,
    )


def require_masks(judge: Judge, runs: Roles, sparsity: Mapping[str, float]) -> None:
    """Leave the claim open unless every layer has the synapses that its sparsity leaves.

    Where a dead synapse may linger for a step, it may have more, but not all.
    """
    misfits = []
    for name, wanted in sparsity.items():
        synapses, live = runs[name].change("synapses"), runs[name].change("live")
        expected = np.array([[live_count(int(n), wanted) for n in row] for row in synapses])
        lingering = any(
            isinstance(rule, Rewiring) and rule.lagging for rule in runs[name].recipe.rules
        )
        fits = (live >= expected) & (live < synapses) if lingering else live == expected
        misfits += [] if fits.all() else [name]
    judge.check(
        "masks",
        "As many synapses of every layer are live as the sparsity leaves, with every seed.",
        f"not so: {'; '.join(misfits)}" if misfits else "all are",
        holds=not misfits,
        needed=True,
    )


def require_rewired(judge: Judge, runs: Roles) -> None:
    """Leave the claim open unless structure was learned: masks must not be those drawn at first."""
    born = {name: float(made.change("born")[:, INNER].min()) for name, made in runs.items()}
    worst = min(born, key=lambda name: born[name])
    judge.check(
        "rewired",
        f"Of the live synapses from the input, at least {REWIRED:.0%} were not live at the "
        "beginning, in every network that is rewired.",
        f"{born[worst]:.1%} ({worst})",
        holds=born[worst] >= REWIRED,
        needed=True,
    )


def require_moved(judge: Judge, runs: Roles) -> None:
    """Leave the claim open unless delays that are called learned have moved."""
    moved = {name: float(made.change("moved")[:, INNER].min()) for name, made in runs.items()}
    worst = min(moved, key=lambda name: moved[name])
    judge.check(
        "moved",
        f"Delays from the input that are learned have moved by at least {MOVED:g} timesteps on "
        "average.",
        f"{moved[worst]:.2f} timesteps ({worst})",
        holds=moved[worst] >= MOVED,
        needed=True,
    )
