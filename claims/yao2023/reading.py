"""How firing is read, where the paper leaves it open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Counted = Literal["neurons", "layers", "convolutions", "operations"]


@dataclass(frozen=True)
class Reading:
    """What differs between readings of the same Runs.

    Attributes:
        counted: What a firing rate is: of all `neurons`; the mean of the `layers`' rates; of the
            neurons behind `convolutions` alone; or spikes weighted by the neurons that they reach,
            which are synaptic `operations`, those of input events left out.
        membrane: The distribution of potential is that of membranes instead of their input.
        best: Accuracy is that of the best of the kept epochs instead of the last.
    """

    counted: Counted = "neurons"
    membrane: bool = False
    best: bool = False
