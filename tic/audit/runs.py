"""What a claim's test asks of its Runs: one number, curve or table per seed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tic.attacks import Corruption
from tic.audit.claim import Setting
from tic.errors import TicError
from tic.lab import Lab
from tic.measure.fisher import Estimator, information_centroid
from tic.measure.measurement import AccuracyMeasurement, FisherMeasurement, measure
from tic.recipe import Recipe

Array = NDArray[np.float64]
Epoch = int | Literal["untrained", "early", "final"]

EARLY = 1 / 15
"""Share of the training after which a checkpoint is "early": epoch 20 of the paper's 300."""


def normalised_centroid(trace: Array) -> float:
    """(IC - 1) / (T - 1) in [0, 1], so that different T compare."""
    if len(trace) < 2:
        raise TicError(f"a centroid over time needs at least 2 timesteps, got {len(trace)}")
    return (information_centroid(trace) - 1) / (len(trace) - 1)


@dataclass(frozen=True)
class SeedRuns:
    """The Runs of one Recipe, one per seed. Arrays have the seeds (S) first.

    Attributes:
        recipe: What was trained, without its seed.
        setting: Seeds and sizes of measurements.
        lab: Where the Runs lie.
    """

    recipe: Recipe
    setting: Setting
    lab: Lab

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seed of each Run."""
        return self.setting.seeds

    @cached_property
    def recipes(self) -> tuple[Recipe, ...]:
        """Recipe of each Run."""
        return tuple(self.recipe.with_seed(seed) for seed in self.seeds)

    @property
    def checkpoints(self) -> tuple[int, ...]:
        """Epochs whose weights were kept, ascending."""
        return self.recipe.checkpoint_epochs

    def epoch(self, name: Epoch) -> int:
        """Resolve the name of an epoch.

        Raises:
            TicError: The Runs kept no weights at that epoch.
        """
        names = {
            "untrained": 0,
            "early": round(EARLY * self.recipe.epochs),
            "final": self.recipe.epochs,
        }
        epoch = names[name] if isinstance(name, str) else name
        if epoch not in self.checkpoints:
            raise TicError(
                f"{self.recipe.label} keeps no weights of epoch {epoch}; kept: {self.checkpoints}"
            )
        return epoch

    def by_layer(
        self, epoch: Epoch = "final", estimator: Estimator = Estimator.EMPIRICAL
    ) -> list[dict[str, list[float]]]:
        """Fisher trace over time of every layer, one dictionary per seed."""
        measurement = FisherMeasurement(
            epoch=self.epoch(epoch), estimator=estimator, size=self.setting.fisher_size
        )
        return [measure(measurement, recipe, self.lab)["by_layer"] for recipe in self.recipes]

    def trace(self, epoch: Epoch = "final", estimator: Estimator = Estimator.EMPIRICAL) -> Array:
        """Fisher trace I_t, shape (S, T) (Eq. 6)."""
        layers = self.by_layer(epoch, estimator)
        return np.array([np.sum(list(each.values()), axis=0) for each in layers])

    def centroid(self, epoch: Epoch = "final") -> Array:
        """Normalised information centroid, shape (S,), in [0, 1] (Eq. 7)."""
        return np.array([normalised_centroid(trace) for trace in self.trace(epoch)])

    def accuracy(self, corruption: Corruption | None = None, timesteps: int | None = None) -> Array:
        """Final test accuracy in percent, shape (S,)."""
        measurement = AccuracyMeasurement(
            epoch=self.recipe.epochs,
            corruption=corruption,
            timesteps=timesteps,
            size=self.setting.test_size,
        )
        return np.array([measure(measurement, each, self.lab)["accuracy"] for each in self.recipes])

    def final_losses(self) -> Array:
        """Mean training loss L_t of every prefix in the last epoch, shape (S, T) (Eq. 9)."""
        histories: list[dict[str, Any]] = [self.lab.run(each).history for each in self.recipes]
        return np.array([history["prefix_losses"][-1] for history in histories])
