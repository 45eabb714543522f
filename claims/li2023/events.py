"""Events made of images as I2E makes them (arXiv 2511.08065): small shifts, and no camera."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import pad

from tic.audit import Dataset, Facts, Samples, Split, TicError

DIRECTIONS = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))
"""Rows and columns by which the image is shifted, one frame each."""


def events(images: Tensor, threshold: float) -> Tensor:
    """Turn images into frames of events.

    A frame has an event where the brightness, the largest of the channels, of a pixel's neighbour
    in one direction differs from its own by more than a share of the image's range. Pixels beyond
    the edge are those of the edge.

    Args:
        images: Shape (N, C, H, W).
        threshold: That share, in (0, 1).

    Returns:
        0 and 1, shape (N, 8, 2, H, W): by direction, brighter and darker.
    """
    bright = images.amax(1)
    span = bright.amax((1, 2)) - bright.amin((1, 2))
    least = (threshold * span)[:, None, None]
    wide = pad(bright[:, None], (1, 1, 1, 1), mode="replicate")[:, 0]
    height, width = bright.shape[1:]
    frames = []
    for row, column in DIRECTIONS:
        neighbour = wide[:, 1 + row : 1 + row + height, 1 + column : 1 + column + width]
        change = neighbour - bright
        frames.append(torch.stack([change > least, change < -least], 1))
    return torch.stack(frames, 1).to(images.dtype)


@dataclass(frozen=True)
class Events(Dataset):
    """A data set of images as frames of events (8, 2, H, W), the same every time.

    Attributes:
        of: The images.
        threshold: See `events`; 0.15 is what I2E takes for Fashion-MNIST.

    Raises:
        TicError: The threshold is out of its range, or there are no images.
    """

    of: Dataset
    threshold: float = 0.15

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.threshold < 1:
            raise TicError(f"threshold must be in (0, 1), got {self.threshold:g}")
        if len(self.of.facts.shape) != 3:
            raise TicError(f"events are made of images (C, H, W), got {self.of.name}")

    @property
    def label(self) -> str:
        """See `Kind.label`."""
        usual = self.threshold == Events.threshold
        return f"events-{self.of.label}" + ("" if usual else f"-threshold{self.threshold:g}")

    @property
    def facts(self) -> Facts:
        """See `Dataset.facts`."""
        known = self.of.facts
        return Facts(
            name=f"events-{known.name}",
            shape=(len(DIRECTIONS), 2, *known.shape[1:]),
            num_classes=known.num_classes,
            train_size=known.train_size,
            test_size=known.test_size,
            noun="recordings",
        )

    def load(self, split: Split, root: Path | None = None, *, download: bool = True) -> Samples:
        """See `Dataset.load`."""
        return _converted(self, self.of.load(split, root, download=download))

    def require(self, root: Path | None = None, *, download: bool = True) -> None:
        """See `Dataset.require`."""
        self.of.require(root, download=download)


@lru_cache(maxsize=4)
def _converted(dataset: Events, images: Samples) -> Samples:
    frames = [
        events(images.presented(part), dataset.threshold)
        for part in torch.split(images.inputs, 1024)
    ]
    return Samples(dataset.facts, images.split, torch.cat(frames), images.labels)
