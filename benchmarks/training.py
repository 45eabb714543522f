"""A training step: against SpikingJelly's single-step loop on the same network."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from benchmarks import peers
from benchmarks.harness import Ratio, compare
from tic import models
from tic.losses import mean_loss

STEPS = 10


def ratios() -> list[Ratio]:
    """Measure the tiny network on batches of 64 8×8 images."""
    return [_ratio(timesteps) for timesteps in (5, 10)]


def _ratio(timesteps: int) -> Ratio:
    torch.manual_seed(0)
    ours = models.build("tiny", in_channels=1, num_classes=10, timesteps=timesteps)
    return compare(
        f"training step, tiny, T={timesteps}",
        "SpikingJelly, single-step layers, loop over time",
        _steps(ours),
        _steps(peers.StepByStep(timesteps)),
    )


def _steps(model: nn.Module) -> Callable[[], None]:
    images, labels = torch.rand(64, 1, 8, 8), torch.randint(10, (64,))
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    model.train()

    def steps() -> None:
        for _ in range(STEPS):
            optimiser.zero_grad()
            mean_loss(model(images), labels).backward()
            optimiser.step()

    return steps
