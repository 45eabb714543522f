"""Augmentations as kinds, and random crops and flips of whole batches on the images' own device."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch
import torch.nn.functional as F  # noqa: N812  (torch's own name for it)
from torch import Tensor

from tic.data.facts import ImageFacts
from tic.errors import TicError
from tic.kinds import Kind

if TYPE_CHECKING:
    from tic.data.samples import Samples


class Drawn(Protocol):
    """What was drawn for every place in the order of an epoch."""

    def apply(self, raw: Tensor, start: int) -> Tensor:
        """Augment inputs `(B, …)`, as they are kept, that stand at the places from `start` on."""


class Augmentation(Kind, ABC):
    """Changes of training samples that keep their label; a subclass is a frozen dataclass."""

    @abstractmethod
    def draw(self, samples: Samples, generator: torch.Generator) -> Drawn:
        """Draw all of an epoch at once, so that nothing depends on the batches."""


@dataclass(frozen=True)
class CropFlip(Augmentation):
    """Random crops of the padded image, and flips where they keep the label."""

    def draw(self, samples: Samples, generator: torch.Generator) -> CropsAndFlips:
        """Draw what the data set allows.

        Raises:
            TicError: These are no images.
        """
        facts = samples.facts
        if not isinstance(facts, ImageFacts):
            raise TicError(
                f"crops and flips need a data set of images, got {facts.name}, whose "
                f"{facts.noun} have the shape {facts.shape}; take another augmentation or none"
            )
        return CropsAndFlips.draw(facts, len(samples), generator, samples.device)


@dataclass(frozen=True, eq=False)
class CropsAndFlips:
    """One crop and one flip for each of N places.

    Attributes:
        rows: `(N,)` int64, the crop's first row in the padded image, in [0, 2 * padding].
        columns: `(N,)` int64, its first column, likewise.
        mirrored: `(N,)` bool, whether left and right are swapped after the crop.
        padding: pixels of black on each side of the padded image.
    """

    rows: Tensor
    columns: Tensor
    mirrored: Tensor
    padding: int

    @classmethod
    def draw(
        cls, facts: ImageFacts, count: int, generator: torch.Generator, device: torch.device
    ) -> CropsAndFlips:
        """Draw for `count` images what the data set allows: crops, and flips if `facts.flip`."""

        def integers(choices: int) -> Tensor:
            return torch.randint(choices, (count,), generator=generator, device=device)

        rows, columns = (integers(2 * facts.crop_padding + 1) for _ in range(2))
        mirrored = integers(2) if facts.flip else torch.zeros_like(rows)
        return cls(rows, columns, mirrored.bool(), facts.crop_padding)

    def apply(self, raw: Tensor, start: int = 0) -> Tensor:
        """Crop, then flip, each of `(B, C, H, W)` images; the shape and dtype stay."""
        count, channels, height, width = raw.shape
        chosen = slice(start, start + count)
        rows = self.rows[chosen, None] + torch.arange(height, device=raw.device)
        columns = self.columns[chosen, None] + torch.arange(width, device=raw.device)
        columns = torch.where(self.mirrored[chosen, None], columns.flip(1), columns)
        padded = F.pad(raw, (self.padding,) * 4)
        image = torch.arange(count, device=raw.device)[:, None, None, None]
        channel = torch.arange(channels, device=raw.device)[None, :, None, None]
        return padded[image, channel, rows[:, None, :, None], columns[:, None, None, :]]
