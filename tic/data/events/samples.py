"""`EventSamples`: frames of recordings, and where in them the object made events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from torch import Tensor

from tic.data.samples import Samples


@dataclass(frozen=True, eq=False)
class EventSamples(Samples):
    """One split of recordings of which it is known what made their events.

    Attributes:
        objects: `(N, T, H, W)` bool: the object made an event there. No network is shown it.
    """

    objects: Tensor

    def __post_init__(self) -> None:
        super().__post_init__()
        steps, _, *place = self.facts.shape
        shape = (len(self.labels), steps, *place)
        self._require(tuple(self.objects.shape) == shape, f"objects {shape}", self.inputs)

    def _changed(self, change: Callable[[Tensor], Tensor]) -> Self:
        """See `Samples`."""
        # A dataclass' replace would check the parts against each other while half are changed.
        return type(self)(
            self.facts,
            self.split,
            change(self.inputs),
            change(self.labels),
            change(self.objects),
        )
