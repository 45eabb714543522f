"""Deficits: accuracy with noise in one window of the input sequence (Kim et al. 2023, Fig. 2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from tic.attacks import Corruption, GaussianNoise
from tic.data import Samples, Split
from tic.errors import TicError
from tic.measure.measurement import Measurement, timesteps
from tic.measure.shapes import Shape
from tic.models import SpikingNetwork
from tic.models.modes import evaluation_mode
from tic.recipe import Recipe


def deficit_accuracies(
    network: nn.Module,
    loader: Iterable[tuple[Tensor, Tensor]],
    noise: Corruption,
    width: int,
) -> list[float]:
    """Measure accuracy with the corrupted image shown in the timesteps t..t+width-1 only.

    In the other timesteps the network sees the clean image. Every window sees the same corrupted
    image, which does not change from timestep to timestep.

    Args:
        network: Measured in evaluation mode and left as it was found.
        loader: Batches of images in [0, 1] and labels (B,).
        noise: Makes the corrupted image.
        width: Timesteps of a window.

    Returns:
        Accuracy in percent for every t from 1 to T - width + 1.

    Raises:
        TicError: The loader is empty, or the window is not within 1..T.
    """
    if not isinstance(network, SpikingNetwork):
        raise TicError(
            f"deficits need a network that can watch a sequence of images, as those of tic.models "
            f"do, got {type(network).__name__}; take one of these"
        )
    timesteps = network.timesteps
    if not 1 <= width <= timesteps:
        raise TicError(
            f"width must be in [1, {timesteps}], the timesteps of the network, got {width}"
        )
    correct = [0] * (timesteps - width + 1)
    images_seen = 0
    with evaluation_mode(network):
        for number, (images, labels) in enumerate(loader):
            corrupted = noise(network, images, labels, number).detach()
            for start in range(len(correct)):
                frames = [
                    corrupted if start <= t < start + width else images for t in range(timesteps)
                ]
                with torch.no_grad():
                    predicted = network.watch(torch.stack(frames)).mean(0).argmax(1)
                correct[start] += int((predicted == labels).sum())
            images_seen += len(labels)
    if not images_seen:
        raise TicError("the loader must give at least one batch, got none")
    return [100 * count / images_seen for count in correct]


@dataclass(frozen=True, kw_only=True)
class DeficitMeasurement(Measurement):
    """Accuracy in percent with noise in one window of timesteps, for every window."""

    name: ClassVar[str] = "deficits"
    version: ClassVar[int] = 1
    over_time: ClassVar[tuple[str, ...]] = ("accuracy",)

    split: Split = "test"
    noise: GaussianNoise = field(default_factory=GaussianNoise)
    width: int
    batch_size: int = 256

    def take(
        self, network: nn.Module, samples: Samples, partners: Sequence[nn.Module]
    ) -> dict[str, Any]:
        """See `Measurement.take`; gives `accuracy`, by the first timestep of the window."""
        batches = samples.batches(self.batch_size)
        return {"accuracy": deficit_accuracies(network, batches, self.noise, self.width)}

    def shape(self, recipe: Recipe) -> Shape:
        """See `Measurement.shape`."""
        return {"accuracy": (timesteps(self, recipe) - self.width + 1,)}
