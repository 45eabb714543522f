"""Deficits: accuracy with noise in one window of the input sequence (Kim et al. 2023, Fig. 2)."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from tic.attacks import Corruption
from tic.errors import TicError
from tic.models import SpikingNetwork
from tic.models.modes import evaluation_mode


def deficit_accuracies(
    network: SpikingNetwork,
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
    timesteps = network.timesteps
    if not 1 <= width <= timesteps:
        raise TicError(
            f"width must be in [1, {timesteps}], the timesteps of the network, got {width}"
        )
    right = [0] * (timesteps - width + 1)
    images_seen = 0
    with evaluation_mode(network):
        for number, (images, labels) in enumerate(loader):
            corrupted = noise(network, images, labels, number).detach()
            for start in range(len(right)):
                frames = [
                    corrupted if start <= t < start + width else images for t in range(timesteps)
                ]
                with torch.no_grad():
                    predicted = network.watch(torch.stack(frames)).mean(0).argmax(1)
                right[start] += int((predicted == labels).sum())
            images_seen += len(labels)
    if not images_seen:
        raise TicError("the loader must give at least one batch, got none")
    return [100 * count / images_seen for count in right]
