"""What a claim's test asks of its Runs: one number, curve or table per seed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tic.attacks import Corruption
from tic.audit.claim import Setting
from tic.audit.protocol import STANDARD, Protocol
from tic.errors import TicError
from tic.lab import Lab
from tic.measure.cost import meta_network
from tic.measure.fisher import information_centroid
from tic.measure.measurement import (
    AccuracyMeasurement,
    DeficitMeasurement,
    FisherMeasurement,
    PerturbationMeasurement,
    measure,
)
from tic.measure.perturbation import PerturbationResponse
from tic.recipe import Recipe

Array = NDArray[np.float64]
Epoch = int | Literal["untrained", "early", "middle", "final"]

EARLY = 1 / 15
"""Share of the training after which a checkpoint is "early": epoch 20 of the paper's 300."""
MIDDLE = 1 / 2
"""Share of the training after which a checkpoint is in the middle."""


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
        protocol: How Fisher information is read.
    """

    recipe: Recipe
    setting: Setting
    lab: Lab
    protocol: Protocol = STANDARD

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seed of each Run."""
        return self.setting.seeds

    @cached_property
    def recipes(self) -> tuple[Recipe, ...]:
        """Recipe of each Run."""
        return tuple(self.recipe.with_seed(seed) for seed in self.seeds)

    def parents(self) -> SeedRuns:
        """The Runs that these started from.

        Raises:
            TicError: They started from fresh weights.
        """
        if self.recipe.parent is None:
            raise TicError(f"{self.recipe.label} has no parent; it starts from fresh weights")
        return replace(self, recipe=self.recipe.parent)

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
            "early": self.nearest(EARLY),
            "middle": self.nearest(MIDDLE),
            "final": self.recipe.epochs,
        }
        epoch = names[name] if isinstance(name, str) else name
        if epoch not in self.checkpoints:
            raise TicError(
                f"{self.recipe.label} keeps no weights of epoch {epoch}; kept: {self.checkpoints}"
            )
        return epoch

    def nearest(self, share: float) -> int:
        """The epoch with kept weights, from the first on, nearest to a share of the training."""
        trained = [epoch for epoch in self.checkpoints if epoch > 0]
        return min(trained, key=lambda epoch: abs(epoch - share * self.recipe.epochs))

    def by_layer(self, epoch: Epoch = "final") -> list[dict[str, list[float]]]:
        """Fisher trace over time of every layer that counts, one dictionary per seed."""
        measurement = FisherMeasurement(
            epoch=self.epoch(epoch),
            estimator=self.protocol.estimator,
            readout=self.protocol.readout,
            split=self.protocol.images,
            size=self.setting.fisher_size,
        )
        found = [measure(measurement, recipe, self.lab)["by_layer"] for recipe in self.recipes]
        return [{name: each[name] for name in self._counted(each)} for each in found]

    def _counted(self, names: Iterable[str]) -> list[str]:
        if self.protocol.layers == "all":
            return list(names)
        repeated = repeated_weights(self.recipe)
        return [name for name in names if name in repeated]

    def by_block(self, epoch: Epoch = "final") -> Array:
        """Fisher trace of every block from the input on, shape (S, blocks, T).

        A block is what the network lists under `blocks`; stem and classifier belong to none.
        """
        return np.array([_blocks(layers) for layers in self.by_layer(epoch)])

    def trace(self, epoch: Epoch = "final") -> Array:
        """Fisher trace I_t, shape (S, T) (Eq. 6)."""
        layers = self.by_layer(epoch)
        return np.array([np.sum(list(each.values()), axis=0) for each in layers])

    def centroid(self, epoch: Epoch = "final") -> Array:
        """Normalised information centroid, shape (S,), in [0, 1] (Eq. 7)."""
        return np.array([normalised_centroid(trace) for trace in self.trace(epoch)])

    def centroids(self) -> tuple[tuple[int, ...], Array]:
        """Epochs from early on, (E,), and the normalised centroid at each, shape (S, E)."""
        epochs = tuple(epoch for epoch in self.checkpoints if epoch >= self.epoch("early"))
        return epochs, np.array([self.centroid(epoch) for epoch in epochs]).T

    def accuracy(self, corruption: Corruption | None = None, timesteps: int | None = None) -> Array:
        """Final test accuracy in percent, shape (S,)."""
        measurement = AccuracyMeasurement(
            epoch=self.recipe.epochs,
            corruption=corruption,
            timesteps=timesteps,
            size=self.setting.test_size,
        )
        return np.array([measure(measurement, each, self.lab)["accuracy"] for each in self.recipes])

    def deficits(self, epoch: Epoch, width: int) -> Array:
        """Test accuracy in percent with noise in one window, shape (S, T - width + 1).

        Windows are ordered by their first timestep.
        """
        measurement = DeficitMeasurement(
            epoch=self.epoch(epoch), width=width, size=self.setting.test_size
        )
        return np.array([measure(measurement, each, self.lab)["accuracy"] for each in self.recipes])

    def perturbation(self, shares: tuple[float, ...]) -> list[PerturbationResponse]:
        """Response of the trained networks to input perturbations, one per seed (Eq. 11)."""
        measurement = PerturbationMeasurement(
            epoch=self.recipe.epochs, shares=shares, size=self.setting.fisher_size
        )
        found = [measure(measurement, recipe, self.lab) for recipe in self.recipes]
        return [
            PerturbationResponse(**{name: np.array(values) for name, values in each.items()})
            for each in found
        ]

    def diverged(self) -> NDArray[np.bool_]:
        """Whether each training diverged, shape (S,); nothing can be measured on one that did."""
        return np.array([self._history(recipe)["diverged"] is not None for recipe in self.recipes])

    def losses(self) -> Array:
        """Mean training loss L_t of every prefix per epoch, shape (S, epochs, T) (Eq. 9)."""
        return np.array([self.lab.run(each).history["prefix_losses"] for each in self.recipes])

    def final_losses(self) -> Array:
        """Mean training loss L_t of every prefix in the last epoch, shape (S, T) (Eq. 9)."""
        return self.losses()[:, -1]

    def accuracies(self) -> tuple[tuple[int, ...], Array]:
        """Epochs with kept weights, (E,), and test accuracy in percent at each, shape (S, E)."""
        table = [
            [
                measure(
                    AccuracyMeasurement(epoch=epoch, size=self.setting.test_size), each, self.lab
                )["accuracy"]
                for epoch in self.checkpoints
            ]
            for each in self.recipes
        ]
        return self.checkpoints, np.array(table)

    def seconds(self) -> Array:
        """Duration of each training in seconds, shape (S,)."""
        return np.array([self._history(recipe)["seconds"] for recipe in self.recipes])

    def _history(self, recipe: Recipe) -> dict[str, Any]:
        run = self.lab.store.get(self.lab.fingerprint(recipe))
        if run is None:
            raise TicError(f"{recipe.label} is not in the Store; train it first")
        return run.history


def _blocks(layers: Mapping[str, list[float]]) -> list[Array]:
    """Sum the layers of each block: names like `blocks.3.conv1.0` belong to block 3."""
    numbered = [(name.split("."), np.array(trace)) for name, trace in layers.items()]
    inside = [(int(path[1]), trace) for path, trace in numbered if path[0] == "blocks"]
    return [
        np.sum([trace for number, trace in inside if number == block], axis=0)
        for block in sorted({number for number, _ in inside})
    ]


@lru_cache(maxsize=64)
def _repeated(architecture: str, dataset: str) -> frozenset[str]:
    return frozenset(meta_network(architecture, dataset, timesteps=1).repeated_weights())


def repeated_weights(recipe: Recipe) -> frozenset[str]:
    """Names of the layers whose weights every timestep uses again."""
    return _repeated(recipe.architecture, recipe.dataset)
