"""How Runs are read, where the paper leaves it open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

REACH = 1.5
"""Standard deviation of the Gaussian that weighs neighbours, in bands and in timesteps."""

Scored = Literal["last", "best-tested", "best-held-out"]


@dataclass(frozen=True)
class Reading:
    """What differs between readings of the same Runs.

    Attributes:
        scored: Whose accuracy it is: that of the last epoch, or of the kept one that is best on the
            test utterances or on those of speakers who are held out of the training.
        reach: Of neighbours in band and delay, as `REACH`.
        density: Grouped are synapses of any sign: G is how near they lie, beyond positions drawn
            uniformly.
    """

    scored: Scored = "last"
    reach: float = REACH
    density: bool = False
