"""How representations are read, where the paper leaves it open."""

from __future__ import annotations

from dataclasses import dataclass

from claims.li2023.attacking import Crafting
from tic.measure.grams import Time


@dataclass(frozen=True)
class Reading:
    """What differs between readings of the same Runs.

    Attributes:
        time: How timesteps become features.
        crafting: The mode in which networks are attacked.
    """

    time: Time = "joined"
    crafting: Crafting = "evaluation"
