"""Measured cost of training on this device."""

from __future__ import annotations

import time

import torch

from tic.lab import Lab, one_thread
from tic.measure.cost import training_operations
from tic.recipe import Recipe
from tic.seeding import generator
from tic.train import take_step

CPU_OPERATIONS = 2e11
"""Operations of a timed step at most on a CPU: a batch of the paper's network takes minutes."""

PATIENCE_SECONDS = 3.0
"""No further step is timed after this long; one repetition is enough for a slow step."""


def time_training_step(recipe: Recipe, lab: Lab, repeats: int = 3) -> float:
    """Time one training step on random samples.

    Args:
        recipe: Gives network, timesteps and batch size.
        lab: Gives the device.
        repeats: Timed steps after one that warms up, while patience lasts; the fastest counts.

    Returns:
        Seconds per sample and timestep.
    """
    batch = recipe.batch_size if lab.device.type == "cuda" else _affordable_batch(recipe)
    draws = generator(0, "calibration", lab.device)
    inputs = torch.rand(batch, *recipe.dataset.facts.shape, device=lab.device, generator=draws)
    labels = torch.zeros(batch, dtype=torch.long, device=lab.device)
    network = lab.fresh_network(recipe).train()
    forward = lab.trainable(network)
    optimiser = recipe.fitting.optimiser(network)
    durations: list[float] = []
    cuda = [lab.device] if lab.device.type == "cuda" else []
    with one_thread(lab.device), torch.random.fork_rng(cuda):
        while len(durations) <= repeats and sum(durations) < PATIENCE_SECONDS:
            started = time.perf_counter()
            take_step(recipe, forward, optimiser, inputs, labels)
            if lab.device.type == "cuda":
                torch.cuda.synchronize(lab.device)
            durations.append(time.perf_counter() - started)
    return min(durations) / (batch * recipe.timesteps)


def _affordable_batch(recipe: Recipe) -> int:
    """As many samples as a CPU can be asked to train on at once, at least two."""
    per_sample = training_operations(recipe.but(epochs=1, checkpoints=1, train_size=1))
    if per_sample is None:
        return recipe.batch_size
    return min(recipe.batch_size, max(2, int(CPU_OPERATIONS // per_sample)))
