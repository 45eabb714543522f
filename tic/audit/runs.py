"""What a claim's test asks of its Runs: one number, curve or table per seed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tic.attacks import Corruption
from tic.audit.pack import Setting
from tic.audit.protocol import STANDARD, Protocol
from tic.data.spec import describe
from tic.errors import TicError
from tic.lab import Lab
from tic.measure.catalogue import (
    AccuracyMeasurement,
    ConfidenceMeasurement,
    DeficitMeasurement,
    FisherMeasurement,
    PerturbationMeasurement,
    RightMeasurement,
    TangentMeasurement,
    ZeroGradientMeasurement,
)
from tic.measure.fisher import Estimator, information_centroid
from tic.measure.layers import layer_scales, repeated_weights, stored_sparsity
from tic.measure.measurement import Measurement, gathered, measure
from tic.measure.perturbation import PerturbationResponse
from tic.measure.redrawn import RedrawnFisherMeasurement
from tic.recipe import Recipe
from tic.store import Store

Array = NDArray[np.float64]
Epoch = int | Literal["untrained", "early", "middle", "final"]

EARLY = 1 / 15
"""Share of the training after which a checkpoint is "early": epoch 20 of the paper's 300."""
MIDDLE = 1 / 2
"""Share of the training after which a checkpoint is in the middle."""
_SHARES = {"early": EARLY, "middle": MIDDLE}
COARSE_SHARE = 1 / 4
"""Share of the images for Fisher information that a coarse protocol takes."""


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

    @cached_property
    def checkpoints(self) -> tuple[int, ...]:
        """Epochs whose weights were kept and that the protocol looks at, ascending."""
        kept = self.recipe.checkpoint_epochs
        if not self.protocol.coarse:
            return kept
        chosen = {self._nearest(kept, share) for share in (EARLY, 1 / 3, MIDDLE, 2 / 3, 1)}
        return tuple(sorted(chosen | {kept[0]}))

    def epoch(self, name: Epoch) -> int:
        """Resolve the name of an epoch.

        Raises:
            TicError: The Runs kept no weights at that epoch.
        """
        epoch = self._named(name) if isinstance(name, str) else name
        if epoch not in self.checkpoints:
            raise TicError(
                f"{self.recipe.label} keeps no weights of epoch {epoch}; kept: {self.checkpoints}"
            )
        return epoch

    def _named(self, name: Literal["untrained", "early", "middle", "final"]) -> int:
        if name in _SHARES:
            return self.nearest(_SHARES[name])
        return 0 if name == "untrained" else self.recipe.epochs

    def nearest(self, share: float) -> int:
        """The epoch with kept weights, from the first on, nearest to a share of the training."""
        return self._nearest(self.checkpoints, share)

    def _nearest(self, epochs: tuple[int, ...], share: float) -> int:
        trained = [epoch for epoch in epochs if epoch > 0]
        return min(trained, key=lambda epoch: abs(epoch - share * self.recipe.epochs))

    def by_layer(self, epoch: Epoch = "final") -> list[dict[str, list[float]]]:
        """Fisher trace over time of every layer that counts, one dictionary per seed."""
        found = self._estimated(self.epoch(epoch))
        factors = self._factors(self.epoch(epoch))
        return [
            {name: [scale[name] * value for value in each[name]] for name in self._counted(each)}
            for each, scale in zip(found, factors, strict=True)
        ]

    def _estimated(self, epoch: int) -> list[dict[str, list[float]]]:
        """Fisher trace over time of every layer by the protocol's estimator, raw."""
        protocol = self.protocol
        if protocol.images == "redrawn":
            return self._redrawn(epoch)
        if protocol.coarse and protocol.estimator is not Estimator.OFFICIAL:
            # Who reads coarsely compares estimators, and one pass gives all of these.
            kernels = self.measured(self._tangent(epoch))
            return [each["by_layer"][protocol.estimator] for each in kernels]
        fisher = FisherMeasurement(
            epoch=epoch,
            estimator=protocol.estimator,
            readout=protocol.readout,
            split=protocol.split,
            size=self._fisher_size(),
        )
        return [each["by_layer"] for each in self.measured(fisher)]

    def _redrawn(self, epoch: int) -> list[dict[str, list[float]]]:
        """The same on images that every Run draws for itself, others at every timestep."""
        found = self._measured_each(
            RedrawnFisherMeasurement(
                epoch=epoch,
                estimator=self.protocol.estimator,
                readout=self.protocol.readout,
                drawn=self._fisher_size(),
                augmented=recipe.augmentation != "none",
                seed=recipe.seed,
            )
            for recipe in self.recipes
        )
        return [each["by_layer"] for each in found]

    def _tangent(self, epoch: int) -> TangentMeasurement:
        return TangentMeasurement(
            epoch=epoch,
            readout=self.protocol.readout,
            split=self.protocol.split,
            size=self._fisher_size(),
        )

    def measured(self, measurement: Measurement) -> list[dict[str, Any]]:
        """Measure every Run; results are shared, so nobody may write into them."""
        return self._measured_each([measurement] * len(self.recipes))

    def _measured_each(self, measurements: Iterable[Measurement]) -> list[dict[str, Any]]:
        """Take one measurement per Run."""
        return gathered(
            partial(_taken, measurement, recipe, self.lab, self.lab.store)
            for measurement, recipe in zip(measurements, self.recipes, strict=True)
        )

    def _fisher_size(self) -> int | None:
        size = self.setting.fisher_size
        if not self.protocol.coarse:
            return size
        spec = describe(self.recipe.dataset)
        whole = (
            self.recipe.train_size or spec.train_size
            if self.protocol.split == "train"
            else spec.test_size
        )
        available = min(size or whole, whole)
        # Fewer images than classes are no part of a data set.
        return min(available, max(spec.num_classes, round(COARSE_SHARE * available)))

    def _factors(self, epoch: int) -> list[Mapping[str, float]]:
        """What each layer's trace is multiplied by, one dictionary per seed."""
        if self.protocol.normalisation == "raw":
            return [defaultdict(lambda: 1.0) for _ in self.recipes]
        return [
            layer_scales(
                recipe, epoch, self.lab, relative=self.protocol.normalisation == "relative"
            )
            for recipe in self.recipes
        ]

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
        return epochs, np.array(gathered(partial(self.centroid, epoch) for epoch in epochs)).T

    def accuracy(self, corruption: Corruption | None = None, timesteps: int | None = None) -> Array:
        """Final test accuracy in percent, shape (S,)."""
        measurement = AccuracyMeasurement(
            epoch=self.epoch("final"),
            corruption=corruption,
            timesteps=timesteps,
            size=self.setting.test_size,
        )
        return np.array([each["accuracy"] for each in self.measured(measurement)])

    @property
    def chance(self) -> float:
        """Accuracy of guessing, in percent."""
        return 100 / describe(self.recipe.dataset).num_classes

    def right(
        self,
        corruption: Corruption | Sequence[Corruption] | None = None,
        *,
        transferred: bool = False,
    ) -> NDArray[np.bool_]:
        """Whether each test image of the battery is classified right, shape (S, N).

        Args:
            corruption: What the images go through, or one for every seed.
            transferred: It looks at the network of the next seed instead of the one that
                classifies, the first being next to the last.
        """
        following = (*self.seeds[1:], *self.seeds[:1])
        own = corruption if isinstance(corruption, Sequence) else [corruption] * len(self.seeds)
        found = self._measured_each(
            RightMeasurement(
                epoch=self.epoch("final"),
                corruption=each,
                source_seed=other if transferred else None,
                size=self.setting.attack_size,
            )
            for other, each in zip(following, own, strict=True)
        )
        return np.array([each["right"] for each in found], dtype=bool)

    def zero_gradients(self) -> NDArray[np.bool_]:
        """Whether the input gradient of each test image is exactly zero, shape (S, N)."""
        measurement = ZeroGradientMeasurement(
            epoch=self.epoch("final"), size=self.setting.test_size
        )
        return np.array([each["zero"] for each in self.measured(measurement)], dtype=bool)

    def margins(self) -> Array:
        """Clean margin of each test image of the battery in its logits, shape (S, N)."""
        measurement = ConfidenceMeasurement(
            epoch=self.epoch("final"), size=self.setting.attack_size
        )
        return np.array([each["margins"] for each in self.measured(measurement)])

    def temperatures(self) -> Array:
        """Temperature that fits the logits to the test labels, shape (S,)."""
        measurement = ConfidenceMeasurement(epoch=self.epoch("final"), size=self.setting.test_size)
        return np.array([each["temperature"] for each in self.measured(measurement)])

    def tangent(self, epoch: Epoch = "final") -> tuple[Array, Array]:
        """Mean squared output error and mean trace of the tangent kernel, each (S, T)."""
        found = self.measured(self._tangent(self.epoch(epoch)))
        return (
            np.array([each["errors"] for each in found]),
            np.array([each["kernel_trace"] for each in found]),
        )

    def sparsity(self) -> Array:
        """Share of prunable weights that are exactly zero in the end, shape (S,)."""
        last = self.epoch("final")
        return np.array([stored_sparsity(recipe, last, self.lab) for recipe in self.recipes])

    def deficits(self, epoch: Epoch, width: int) -> Array:
        """Test accuracy in percent with noise in one window, shape (S, T - width + 1).

        Windows are ordered by their first timestep.
        """
        measurement = DeficitMeasurement(
            epoch=self.epoch(epoch), width=width, size=self.setting.test_size
        )
        return np.array([each["accuracy"] for each in self.measured(measurement)])

    def perturbation(self, shares: tuple[float, ...]) -> list[PerturbationResponse]:
        """Response of the trained networks to input perturbations, one per seed (Eq. 11)."""
        measurement = PerturbationMeasurement(
            epoch=self.epoch("final"), shares=shares, size=self.setting.fisher_size
        )
        return [
            PerturbationResponse(**{name: np.array(values) for name, values in each.items()})
            for each in self.measured(measurement)
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
        size = self.setting.test_size
        columns = gathered(
            partial(self.measured, AccuracyMeasurement(epoch=self.epoch(epoch), size=size))
            for epoch in self.checkpoints
        )
        return self.checkpoints, np.array(
            [[each["accuracy"] for each in column] for column in columns]
        ).T

    def seconds(self) -> Array:
        """Duration of each training in seconds, shape (S,)."""
        return np.array([self._history(recipe)["seconds"] for recipe in self.recipes])

    def _history(self, recipe: Recipe) -> dict[str, Any]:
        run = self.lab.finished(recipe)
        if run is None:
            raise TicError(f"{recipe.label} is not in the Store; train it first")
        return run.history


@lru_cache(maxsize=2**14)
def _taken(measurement: Measurement, recipe: Recipe, lab: Lab, store: Store) -> dict[str, Any]:
    """Measure once per Store object, which notes what was asked of it."""
    return measure(measurement, recipe, lab)


def _blocks(layers: Mapping[str, list[float]]) -> list[Array]:
    """Sum the layers of each block: names like `blocks.3.conv1.0` belong to block 3."""
    numbered = [(name.split("."), np.array(trace)) for name, trace in layers.items()]
    inside = [(int(path[1]), trace) for path, trace in numbered if path[0] == "blocks"]
    return [
        np.sum([trace for number, trace in inside if number == block], axis=0)
        for block in sorted({number for number, _ in inside})
    ]
