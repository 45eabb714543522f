"""Accuracy of a network on clean and on corrupted images."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from tic.attacks import Corruption
from tic.errors import TicError
from tic.models.modes import evaluation_mode


def accuracy(
    model: nn.Module,
    loader: Iterable[tuple[Tensor, Tensor]],
    corruption: Corruption | None = None,
) -> float:
    """Measure the share of images whose mean logits over time name the right class.

    The model is measured in evaluation mode, attacks included, and left as it was found.

    Args:
        model: Maps images (B, C, H, W) to logits (T, B, K).
        loader: Batches of images in [0, 1] and labels (B,).
        corruption: Applied to every batch; clean images without it.

    Returns:
        Accuracy in percent.

    Raises:
        TicError: The loader is empty.
    """
    right = images_seen = 0
    with evaluation_mode(model):
        for number, (images, labels) in enumerate(loader):
            seen = corruption(model, images, labels, number) if corruption else images
            with torch.no_grad():
                predicted = model(seen.detach()).mean(0).argmax(1)
            right += int((predicted == labels).sum())
            images_seen += len(labels)
    if not images_seen:
        raise TicError("the loader must give at least one batch, got none")
    return 100 * right / images_seen
