"""What seeds of one Recipe could gain at most as one training: a step on five times the images."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import torch

from benchmarks.harness import Call, Options, Row, Sample, Target, at_least, compare
from claims.kim2023.recipes import KIM2023
from claims.li2023.recipes import LI2023
from claims.meszaros2024.recipes import MESZAROS2024
from claims.yao2023.recipes import YAO2023
from tic.audit import Pack, Recipe
from tic.lab import Lab
from tic.train import take_step

STACKED = 5
"""Seeds at the first look of an audit with a budget."""
PACKS = (KIM2023, YAO2023, LI2023, MESZAROS2024)
PROPORTIONAL = (
    "On one thread the cost of a step is nearly in proportion to its samples. This is a bound: "
    "seeds have weights of their own, whose products cost more than those of one larger batch."
)


def rows() -> Iterator[Row]:
    """One row per paper, of the training that its claims compare others with."""
    target = at_least(2)
    for pack in PACKS:
        recipe = baseline(pack)
        size = recipe.batch_size
        yield Row(
            f"seeds/{pack.paper.key}",
            f"bound of {STACKED} seeds in one training, {recipe.label.removesuffix('-seed0')}: a "
            f"step on {STACKED * size} samples",
            f"{STACKED} steps on {size} samples",
            target,
            PROPORTIONAL,
            partial(_measure, recipe, target),
        )


def baseline(pack: Pack) -> Recipe:
    """The smoke training of a pack, with seed 0."""
    return pack.settings[pack.default].recipe.with_seed(0)


def _measure(recipe: Recipe, target: Target, options: Options) -> Sample:
    together = steps(recipe, STACKED * recipe.batch_size, 1)
    apart = steps(recipe, recipe.batch_size, STACKED)
    return compare(target, together, apart, options)


def steps(recipe: Recipe, batch: int, count: int) -> Call:
    """Make a call that takes training steps on random samples.

    Args:
        recipe: Gives network, loss, precision and optimiser.
        batch: Samples of a step.
        count: Steps per call.
    """
    network = Lab(Path("unused")).fresh_network(recipe).train()
    optimiser = recipe.fitting.optimiser(network)
    facts = recipe.dataset.facts
    torch.manual_seed(1)
    inputs = torch.rand(batch, *facts.shape)
    labels = torch.randint(facts.num_classes, (batch,))

    def call() -> None:
        for _ in range(count):
            take_step(recipe, network, optimiser, inputs, labels)

    return call
