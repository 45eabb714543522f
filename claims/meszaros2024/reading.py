"""How Runs are read, where the paper leaves it open."""

from __future__ import annotations

from dataclasses import dataclass

REACH = 1.5
"""Standard deviation of the Gaussian that weighs neighbours, in bands and in timesteps."""


@dataclass(frozen=True)
class Reading:
    """What differs between readings of the same Runs.

    Attributes:
        best: Accuracy is that of the best of the kept epochs instead of the last.
        reach: Of neighbours in band and delay, as `REACH`.
    """

    best: bool = False
    reach: float = REACH
