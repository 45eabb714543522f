"""When an audit would decide contrasts, by the mean and the spread that pilot seeds gave.

Which verdict it would be is not looked at: settings are chosen by what they decide for their cost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tic.audit import Array
from tic.document.correction import claim_confidence
from tic.stats import Region, seeds_needed
from tic.stats.looks import LOOKS

PILOT_SEEDS = tuple(range(900_000, 900_006))
"""Seeds that no audit uses."""


def deciding_look(effects: Array, region: Region, claims: int) -> int | None:
    """The look at which a contrast is decided with a probability of 0.8; None where at none.

    Args:
        effects: Of the pilot seeds, shape (S,).
        region: What the claim allows.
        claims: That share the error rate.
    """
    mean, sd = float(effects.mean()), max(float(effects.std(ddof=1)), 1e-3)
    for n in LOOKS:
        confidence = claim_confidence(n, "sequential", claims)
        if (needed := seeds_needed(mean, sd, region, confidence=confidence)) and needed <= n:
            return n
    return None


@dataclass(frozen=True)
class Decided:
    """When the contrasts of a setting would be decided.

    Attributes:
        looks: By contrast, what `deciding_look` gives.
        seconds: That a seed costs.
    """

    looks: Mapping[str, int | None]
    seconds: float

    @property
    def by_contrast(self) -> str:
        """Seeds by contrast, as a table shows them."""
        return ", ".join(f"{name} {n or 'never'}" for name, n in self.looks.items())

    @property
    def half(self) -> str:
        """Seeds and seconds after which half of the contrasts are decided."""
        ascending = sorted(self.looks.values(), key=lambda n: n or np.inf)
        seeds = ascending[(len(ascending) - 1) // 2]
        return f"after {seeds * self.seconds:.0f} s at {seeds} seeds" if seeds else "never"
