"""Augmentations as kinds, and random crops and flips of whole batches on the images' own device."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import torch
import torch.nn.functional as F  # noqa: N812  (torch's own name for it)
from torch import Tensor

from tic.data.facts import ImageFacts
from tic.errors import TicError
from tic.kinds import Kind

if TYPE_CHECKING:
    from tic.data.samples import Samples

_ROUNDING = 1e-2
"""By how much shares of the classes may miss the sum of 1, as in half precision they do."""


@runtime_checkable
class Drawn(Protocol):
    """What was drawn for every place in the order of an epoch."""

    def apply(self, raw: Tensor, start: int) -> Tensor:
        """Augment the samples of a batch, which stand at the places from `start` on.

        Args:
            raw: `(B, …)` as they are kept: bytes from 0 to 255 of images.
            start: place of the first.

        Returns:
            The same shape, finite; floating-point numbers instead of bytes, in their units, where
            the result is none.
        """


@runtime_checkable
class DrawnWithTargets(Drawn, Protocol):
    """What was drawn, where it changes the labels too, as where samples are mixed."""

    def targets(self, labels: Tensor, start: int, num_classes: int) -> Tensor:
        """Give what a batch is trained towards.

        Args:
            labels: `(B,)` int64 in [0, K), before the augmentation.
            start: place of the first.
            num_classes: K.

        Returns:
            `(B, K)` floating-point: of every sample the shares of the classes, which sum to 1.
        """


def require_shares(shares: Tensor, shape: tuple[int, ...], what: str) -> None:
    """Refuse what are no shares of the classes.

    Args:
        shares: What is to be looked at.
        shape: (B, K).
        what: Its name, for the error.

    Raises:
        TicError: Another shape, or no floating-point numbers from 0 on that sum to 1 for every
            sample.
    """
    if shares.shape != shape:
        raise TicError(
            f"{what} must have shape (B, K) = {tuple(shape)}, got {tuple(shares.shape)}; give one "
            "row per sample and one column per class"
        )
    sums = shares.sum(1)
    sound = ((sums - 1).abs() < _ROUNDING) & (shares >= 0).all(1)
    if not shares.is_floating_point() or not sound.all():
        raise TicError(
            f"{what} must be shares of the classes, from 0 on, that sum to 1 for every sample, got "
            f"{shares.dtype} from {shares.min():.4g} on with sums from {sums.min():.4g} to "
            f"{sums.max():.4g}; divide by the sum"
        )


class Augmentation(Kind, ABC):
    """Changes of training samples; a subclass is a frozen dataclass.

    They keep the label of each, unless what they draw gives `targets` as well.
    """

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
