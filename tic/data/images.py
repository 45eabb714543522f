"""`ImageData`: images in memory, kept as the whole numbers that their files have."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from tic.data.facts import ImageFacts
from tic.data.samples import Samples


@dataclass(frozen=True, eq=False)
class ImageData(Samples):
    """One split of a data set of images.

    Image batches are `(B, C, H, W)` everywhere, in pixel space [0, 1].

    Attributes:
        facts: what is known of the data set.
        inputs: `(N, C, H, W)` uint8, raw values in [0, facts.levels].
    """

    facts: ImageFacts

    def _require_values(self) -> None:
        levels = self.facts.levels
        self._require(self.inputs.dtype == torch.uint8, "uint8 images", self.inputs)
        self._require(int(self.inputs.max()) <= levels, f"raw values <= {levels}", self.inputs)

    def normalisation(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return (mean, std) per channel, for the model: batches stay in pixel space."""
        return self.facts.mean, self.facts.std

    def _presentation(self) -> list[object]:
        facts = self.facts
        values = [facts.num_classes, facts.levels, *facts.mean, *facts.std]
        return [*values, facts.flip, facts.crop_padding]

    def presented(self, raw: Tensor) -> Tensor:
        """Turn raw uint8 values into float32 in [0, 1]."""
        # A divisor on the device: with a Python number CUDA multiplies by the reciprocal
        # instead, and its pixels would differ from the CPU's in the last bit.
        white = torch.tensor(self.facts.levels, dtype=torch.float32, device=raw.device)
        return raw.to(torch.float32) / white[None]
