"""What every spiking network of the project has in common: time, input and state."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tic.errors import TicError
from tic.neurons import fresh_membranes


def over_time(module: nn.Module, sequence: Tensor) -> Tensor:
    """Apply a module that knows no time to all timesteps at once: (T, B, ...) -> (T, B, ...)."""
    output: Tensor = module(sequence.flatten(0, 1))
    return output.view(*sequence.shape[:2], *output.shape[1:])


class SpikingNetwork(nn.Module, ABC):
    """Maps static images to one read-out per timestep, with direct encoding.

    The image is normalised and passed through `encode` once; the resulting current is shown to
    `advance` for T timesteps. No state outlives a call.

    Args:
        timesteps: Number of timesteps T, at least 1.
        mean: Channel means that are subtracted from pixel values in [0, 1].
        std: Channel standard deviations that they are divided by.

    Attributes:
        stepwise: Run timestep after timestep instead of all at once; the logits are the same.

    Raises:
        TicError: Fewer than one timestep.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, timesteps: int, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        if timesteps < 1:
            raise TicError(f"timesteps must be at least 1, got {timesteps}")
        self.timesteps = timesteps
        self.stepwise = False
        self.register_buffer("mean", torch.tensor(mean).view(-1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(-1, 1, 1), persistent=False)

    @abstractmethod
    def encode(self, images: Tensor) -> Tensor:
        """Map normalised images (B, C, H, W) to input currents (B, ...)."""

    @abstractmethod
    def advance(self, currents: Tensor) -> Tensor:
        """Map input currents (T, B, ...) to logits (T, B, K), going on from the last membranes."""

    def forward(self, images: Tensor) -> Tensor:
        """Classify images.

        Args:
            images: Pixel values in [0, 1], shape (B, C, H, W).

        Returns:
            Logits of shape (T, B, K), one read-out per timestep.
        """
        return torch.cat(self.readouts(images))

    def readouts(self, images: Tensor) -> list[Tensor]:
        """Classify images as `forward` does, with the logits not yet joined over time.

        Stepwise they are T tensors (1, B, K), the t-th of which knows nothing of later timesteps;
        joined, each would have all T timesteps in its graph. Else they are one (T, B, K).
        """
        currents = self.encode((images - self.mean) / self.std)
        chunks = [1] * self.timesteps if self.stepwise else [self.timesteps]
        with fresh_membranes(self):
            return [self.advance(currents.expand(n, *currents.shape)) for n in chunks]
