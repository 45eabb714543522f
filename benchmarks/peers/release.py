"""Fisher information by the loop of the paper's release, and the same loop made to follow Eq. 6."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from benchmarks.peers.jelly import SingleStep


def squared_batch_means(
    model: SingleStep, images: Tensor, labels: Tensor, batch: int = 16
) -> Tensor:
    """For every t, over all batches, a forward of all T and the squared gradient of their mean.

    Args:
        model: As the release writes it.
        images: Shape (N, C, H, W).
        labels: Shape (N,).
        batch: The release has 16; 1 is Eq. 6.

    Returns:
        Mean over batches, shape (T,), float64.
    """
    model.eval()
    trace = torch.zeros(model.timesteps, dtype=torch.float64)
    batches = list(zip(torch.split(images, batch), torch.split(labels, batch), strict=True))
    for t in range(model.timesteps):
        for some, names in batches:
            trace[t] += _squared_norm(model, some, names, t + 1)
    return trace / len(batches)


def one_by_one(model: SingleStep, images: Tensor, labels: Tensor) -> Tensor:
    """Eq. 6 by a batch of one per image and timestep, each with its own forward; shape (T,)."""
    return squared_batch_means(model, images, labels, batch=1)


def _squared_norm(model: SingleStep, images: Tensor, labels: Tensor, steps: int) -> float:
    prefix = torch.stack(model.readouts(images)[:steps]).mean(0)
    gradients = torch.autograd.grad(cross_entropy(prefix, labels), list(model.parameters()))
    return float(sum(gradient.square().sum() for gradient in gradients))
