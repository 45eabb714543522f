"""Measured cost of training on this device."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor

from tic.kinds import foreign_modules
from tic.lab import Lab, exact_arithmetic
from tic.measure.cost import training_operations
from tic.models.logits import require_stateless
from tic.recipe import Recipe
from tic.seeding import generator
from tic.train import take_step

CPU_OPERATIONS = 5e10
"""Operations of a timed step at most on a CPU: a batch of the paper's network takes minutes."""

PATIENCE_SECONDS = 3.0
"""No further step is timed after this long; one repetition is enough for a slow step."""

FEW = 2
"""Samples that are timed first where nothing else says how long a batch takes."""


def time_training_step(recipe: Recipe, lab: Lab, repeats: int = 3) -> float:
    """Time one training step on random samples.

    Args:
        recipe: Gives network, timesteps and batch size.
        lab: Gives the device.
        repeats: Timed steps after one that warms up, while patience lasts; the fastest counts.

    Returns:
        Seconds per sample and timestep.

    Raises:
        TicError: The network keeps state between calls, or a step fails.
    """
    network = lab.fresh_network(recipe).train()
    forward = lab.trainable(network)
    optimiser = recipe.fitting.optimiser(network)
    draws = generator(0, "calibration", lab.device)

    def random_inputs(batch: int) -> Tensor:
        shape = (batch, *recipe.dataset.facts.shape)
        return torch.rand(shape, device=lab.device, generator=draws)

    def seconds_of(batch: int, most: int) -> list[float]:
        inputs = random_inputs(batch)
        labels = torch.zeros(batch, dtype=torch.long, device=lab.device)
        durations: list[float] = []
        while len(durations) < most and sum(durations) < PATIENCE_SECONDS:
            started = time.perf_counter()
            take_step(recipe, forward, optimiser, inputs, labels)
            if lab.device.type == "cuda":
                torch.cuda.synchronize(lab.device)
            durations.append(time.perf_counter() - started)
        return durations

    least = recipe.architecture.least_batch(recipe.timesteps)
    few = min(recipe.batch_size, max(FEW, least))
    cuda = [lab.device] if lab.device.type == "cuda" else []
    with exact_arithmetic(lab.device), torch.random.fork_rng(cuda):
        if foreign_modules(recipe.architecture):
            require_stateless(lab.fresh_network(recipe), random_inputs(few))
        batch = recipe.batch_size if cuda else _affordable_batch(recipe, few, seconds_of)
        durations = seconds_of(batch, repeats + 1)
    return min(durations) / (batch * recipe.timesteps)


def _affordable_batch(
    recipe: Recipe, few: int, seconds_of: Callable[[int, int], list[float]]
) -> int:
    """As many samples as a CPU can be asked to train on at once, at least a few.

    Where the architecture does not say its operations, these few tell how long a batch takes.
    """
    per_sample = training_operations(recipe.but(epochs=1, checkpoints=1, train_size=1))
    if per_sample is not None:
        affordable = CPU_OPERATIONS / per_sample
    elif recipe.batch_size > few:
        affordable = few * PATIENCE_SECONDS / min(seconds_of(few, 2))
    else:
        affordable = recipe.batch_size
    return min(recipe.batch_size, max(few, int(affordable)))
