"""`Utterances`: features of recorded or synthesised speech, of which it is known who spoke."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from torch import Tensor

from tic.data.samples import Samples


@dataclass(frozen=True, eq=False)
class Utterances(Samples):
    """One split of a data set of speech.

    Attributes:
        inputs: `(N, T, F)` float32: currents by time bin and frequency band, from 0 on.
        speakers: `(N,)` int64: number of who spoke. No network is shown it.
    """

    speakers: Tensor

    def __post_init__(self) -> None:
        super().__post_init__()
        shape = (len(self.labels),)
        self._require(tuple(self.speakers.shape) == shape, f"speakers {shape}", self.inputs)

    def _changed(self, change: Callable[[Tensor], Tensor]) -> Self:
        """See `Samples`."""
        # A dataclass' replace would check the parts against each other while half are changed.
        return type(self)(
            self.facts,
            self.split,
            change(self.inputs),
            change(self.labels),
            change(self.speakers),
        )
