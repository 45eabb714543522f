"""What must be true of the Runs before a claim about them can be decided."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from claims.kim2023.runs import KimRuns
from tic.audit.exhibits import Exhibits
from tic.audit.robustness import ZERO_GRADIENTS
from tic.pruning import sparsity_of

LEARNED = 2.0
"""Times the accuracy of guessing that a trained network must reach."""
SPARSITY_TOLERANCE = 1e-3


def require_learning(exhibits: Exhibits, runs: KimRuns, of: str) -> None:
    """Networks that guess are all equally good: equal accuracy says something of others only."""
    accuracy, least = float(runs.accuracy().mean()), LEARNED * runs.chance
    exhibits.check(
        f"has learned, {of}",
        f"Accuracy is at least {LEARNED:g} times that of guessing.",
        f"{accuracy:.1f} %, guessing gives {runs.chance:.1f} %",
        holds=accuracy >= least,
        needed=True,
    )


def require_gradients(exhibits: Exhibits, runs: Mapping[str, KimRuns]) -> None:
    """An attack that follows gradients measures nothing where there are none."""
    for name, trained in runs.items():
        zero = 100 * float(trained.zero_gradients().mean())
        exhibits.check(
            f"gradients are there, α {name}",
            f"At most {ZERO_GRADIENTS:g} % of the images have an input gradient of exactly zero.",
            f"{zero:.1f} %",
            holds=zero <= ZERO_GRADIENTS,
            needed=True,
        )


def require_acting(exhibits: Exhibits, runs: Mapping[str, KimRuns]) -> None:
    """A loss that stays above every α trains as without it: two levels are one training then."""
    weights = {name: trained.weights() for name, trained in runs.items()}
    alike = {
        f"{less} and {greater}": sum(
            one is not None and one == other
            for one, other in zip(weights[less], weights[greater], strict=True)
        )
        for less, greater in pairwise(weights)
    }
    exhibits.check(
        "α acts",
        "Trainings with neighbouring α end with other weights, in every seed.",
        "; ".join(f"α {levels}: the same in {count} seeds" for levels, count in alike.items()),
        holds=not any(alike.values()),
        needed=True,
    )


def require_sparsity(exhibits: Exhibits, runs: Mapping[str, KimRuns]) -> None:
    """A network is pruned when its weights are zero, whatever its Recipe says."""
    missed = [
        abs(trained.sparsity() - sparsity_of(trained.recipe)).max() for trained in runs.values()
    ]
    least = min(float(trained.sparsity().min()) for trained in runs.values())
    exhibits.check(
        "is pruned",
        "The share of weights that are exactly zero is that of the schedule, in every round.",
        f"off by at most {max(missed):.2g}; the smallest share is {least:.3f}",
        holds=max(missed) <= SPARSITY_TOLERANCE,
        needed=True,
    )
