"""How representations are read, where the paper leaves it open."""

from __future__ import annotations

from dataclasses import dataclass

from tic.measure.grams import Time


@dataclass(frozen=True)
class Reading:
    """What differs between readings of the same Runs.

    Attributes:
        time: How timesteps become features.
    """

    time: Time = "joined"
