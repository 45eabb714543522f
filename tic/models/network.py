"""What every spiking network of the project has in common: time, input and state."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from tic.arrays import finite_array, whole_number
from tic.errors import TicError, as_tic_error
from tic.models.capabilities import SYNAPTIC
from tic.neurons import fresh_membranes


def over_time(module: nn.Module, sequence: Tensor) -> Tensor:
    """Apply a module that knows no time to all timesteps at once: (T, B, ...) -> (T, B, ...)."""
    output: Tensor = module(sequence.flatten(0, 1))
    return output.view(*sequence.shape[:2], *output.shape[1:])


class SpikingNetwork(nn.Module, ABC):
    """Maps static images to one read-out per timestep, with direct encoding.

    The image is normalised and passed through `encode` once; the resulting current is shown to
    `advance` for T timesteps. No state outlives a call. The layers of `encode`, and no others, lie
    under the submodule `stem`.

    Args:
        timesteps: Number of timesteps T, at least 1.
        mean: Channel means that are subtracted from pixel values in [0, 1].
        std: Channel standard deviations that they are divided by.

    Attributes:
        stepwise: Run timestep after timestep instead of all at once. In evaluation mode the logits
            are the same. In training mode they are not: batch normalisation then takes the
            statistics of every timestep by itself instead of all together, and updates the running
            ones T times in a call.

    Raises:
        TicError: The timesteps are no whole number of at least 1, a mean or standard deviation is
            no finite number, or there are not as many of either.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, timesteps: int, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        with as_tic_error():
            self.timesteps = whole_number(timesteps, name="timesteps", least=1)
            mean, std = (
                finite_array(values, name=name, axes="C").tolist()
                for name, values in (("mean", mean), ("std", std))
            )
        if len(mean) != len(std) or min(std) <= 0:
            raise TicError(
                f"std must be above 0, one for each of the {len(mean)} means, got {std}; "
                "give both per image channel"
            )
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
        currents = self._encode_pixels(images)
        chunks = [1] * self.timesteps if self.stepwise else [self.timesteps]
        return self._advance_from_rest(currents.expand(n, *currents.shape) for n in chunks)

    def watch(self, frames: Tensor) -> Tensor:
        """Classify sequences of images, one frame per timestep.

        Each frame is normalised and encoded by itself, so that in training mode the stem's batch
        normalisation sees one frame at a time; a sequence of T equal frames has the logits of the
        image.

        Args:
            frames: Pixel values in [0, 1], shape (T, B, C, H, W).

        Returns:
            Logits of shape (T, B, K), one read-out per frame.

        Raises:
            TicError: The frames are not (T, B, C, H, W), or not as many as the timesteps.
        """
        if frames.dim() != 5 or len(frames) != self.timesteps:
            raise TicError(
                f"frames must have shape (T, B, C, H, W) with T={self.timesteps}, the network's "
                f"timesteps, got shape {tuple(frames.shape)}; set `timesteps` for another length"
            )
        currents = torch.stack([self._encode_pixels(frame) for frame in frames])
        chunks = torch.split(currents, 1 if self.stepwise else self.timesteps)
        return torch.cat(self._advance_from_rest(chunks))

    def repeated_weights(self) -> tuple[str, ...]:
        """Names of the convolutions and linear layers that every timestep runs again.

        They are all but those of the stem, which direct encoding runs once per image.
        """
        return tuple(
            name
            for name, module in self.named_modules()
            if isinstance(module, SYNAPTIC) and name.split(".")[0] != "stem"
        )

    def _encode_pixels(self, images: Tensor) -> Tensor:
        return self.encode((images - self.mean) / self.std)

    def _advance_from_rest(self, chunks: Iterable[Tensor]) -> list[Tensor]:
        """Advance through currents (T', B, ...) one after the other, from fresh membranes."""
        with fresh_membranes(self):
            return [self.advance(chunk) for chunk in chunks]
