"""What claims of this paper ask of their Runs beside what every paper's do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from claims.kim2023.deficits import DeficitMeasurement
from claims.kim2023.perturbation import PerturbationMeasurement, PerturbationResponse
from claims.kim2023.reading import Reading
from claims.kim2023.redrawn import RedrawnFisherMeasurement
from tic.audit.runs import Array, Epoch, SeedRuns
from tic.errors import NotApplicableError, TicError
from tic.measure.fisher import Estimator, FisherMeasurement, information_centroid
from tic.measure.layers import layer_scales, repeated_weights
from tic.measure.measurement import gathered
from tic.measure.tangent import TangentMeasurement

EARLY = 1 / 15
"""Share of the training after which a checkpoint is "early": epoch 20 of the paper's 300."""
MIDDLE = 1 / 2
"""Share of the training after which a checkpoint is in the middle."""
_SHARES = {"early": EARLY, "middle": MIDDLE}
COARSE_SHARE = 1 / 4
"""Share of the images for Fisher information that a coarse reading takes."""
RELEASE_BATCH = 16
"""Batch size of the release's Fisher loop, part of what `batch-mean` estimates."""


def normalised_centroid(trace: Array) -> float:
    """(IC - 1) / (T - 1) in [0, 1], so that different T compare."""
    if len(trace) < 2:
        raise TicError(f"a centroid over time needs at least 2 timesteps, got {len(trace)}")
    return (information_centroid(trace) - 1) / (len(trace) - 1)


@dataclass(frozen=True)
class KimRuns(SeedRuns):
    """Runs whose Fisher information over time is asked for, as the protocol reads it."""

    @property
    def reading(self) -> Reading:
        """How Fisher information is read."""
        return self.read_as(Reading)

    @property
    def checkpoints(self) -> tuple[int, ...]:
        """Epochs whose weights were kept and that the reading looks at, ascending."""
        kept = self.recipe.checkpoint_epochs
        if not self.reading.coarse:
            return kept
        trained = [epoch for epoch in kept if epoch > 0]
        shares = (EARLY, 1 / 3, MIDDLE, 2 / 3, 1)
        length = self.recipe.epochs
        chosen = {min(trained, key=lambda epoch: abs(epoch - s * length)) for s in shares}
        return tuple(sorted(chosen | {kept[0]}))

    def named_epoch(self, name: str) -> int:
        """See `SeedRuns.named_epoch`; `early` and `middle` are epochs too."""
        return self.nearest(_SHARES[name]) if name in _SHARES else super().named_epoch(name)

    def by_layer(self, epoch: Epoch = "final") -> list[dict[str, list[float]]]:
        """Fisher trace over time of every layer that counts, one dictionary per seed."""
        traces = self._estimated(self.epoch(epoch))
        factors = self._factors(self.epoch(epoch))
        return [
            {
                name: [scale[name] * value for value in layers[name]]
                for name in self._counted(layers)
            }
            for layers, scale in zip(traces, factors, strict=True)
        ]

    def _estimated(self, epoch: int) -> list[dict[str, list[float]]]:
        """Fisher trace over time of every layer by the reading's estimator, raw."""
        reading = self.reading
        if reading.images == "redrawn":
            return self._redrawn(epoch)
        if reading.coarse and reading.estimator is not Estimator.BATCH_MEAN:
            # Who reads coarsely compares estimators, and one pass gives all of these.
            kernels = self.measured(self._tangent(epoch))
            return [kernel["by_layer"][reading.estimator] for kernel in kernels]
        fisher = FisherMeasurement(
            epoch=epoch,
            estimator=reading.estimator,
            readout=reading.readout,
            split=reading.split,
            size=self._fisher_size(),
            batch_size=self._batch_size,
        )
        return [result["by_layer"] for result in self.measured(fisher)]

    @property
    def _batch_size(self) -> int:
        """Images per batch: as many as the release's estimator means, or as fit."""
        is_batch_mean = self.reading.estimator is Estimator.BATCH_MEAN
        return RELEASE_BATCH if is_batch_mean else FisherMeasurement.batch_size

    def _redrawn(self, epoch: int) -> list[dict[str, list[float]]]:
        """The same on images that every Run draws for itself, others at every timestep."""
        results = self.measured_each(
            RedrawnFisherMeasurement(
                epoch=epoch,
                estimator=self.reading.estimator,
                readout=self.reading.readout,
                drawn=self._fisher_size(),
                batch_size=self._batch_size,
                augmentation=recipe.augmentation,
                seed=recipe.seed,
            )
            for recipe in self.recipes
        )
        return [result["by_layer"] for result in results]

    def _tangent(self, epoch: int) -> TangentMeasurement:
        return TangentMeasurement(
            epoch=epoch,
            readout=self.reading.readout,
            split=self.reading.split,
            size=self._fisher_size(),
        )

    def _fisher_size(self) -> int | None:
        size = self.size("fisher")
        if not self.reading.coarse:
            return size
        facts = self.recipe.dataset.facts
        trained = self.recipe.train_size if self.reading.split == "train" else None
        whole = trained or facts.size(self.reading.split)
        available = min(size or whole, whole)
        # Fewer images than classes are no part of a data set.
        return min(available, max(facts.num_classes, round(COARSE_SHARE * available)))

    def _factors(self, epoch: int) -> list[Mapping[str, float]]:
        """What each layer's trace is multiplied by, one dictionary per seed."""
        if self.reading.normalisation == "raw":
            return [defaultdict(lambda: 1.0) for _ in self.recipes]
        return [
            layer_scales(recipe, epoch, self.lab, relative=self.reading.normalisation == "relative")
            for recipe in self.recipes
        ]

    def _counted(self, names: Iterable[str]) -> list[str]:
        if self.reading.layers == "all":
            return list(names)
        repeated = repeated_weights(self.recipe)
        return [name for name in names if name in repeated]

    def by_block(self, epoch: Epoch = "final") -> Array:
        """Fisher trace of every block from the input on, shape (S, blocks, T).

        A block is what the network lists under `blocks`; stem and classifier belong to none.

        Raises:
            NotApplicableError: The network lists none.
        """
        traces: Array = np.array([_blocks(layers) for layers in self.by_layer(epoch)])
        if not traces.size:
            raise NotApplicableError(
                f"{self.recipe.architecture.label} has no blocks: a network lists them in `blocks`"
            )
        return traces

    def trace(self, epoch: Epoch = "final") -> Array:
        """Fisher trace I_t, shape (S, T) (Eq. 6)."""
        layers = self.by_layer(epoch)
        return np.array([np.sum(list(layer.values()), axis=0) for layer in layers])

    def centroid(self, epoch: Epoch = "final") -> Array:
        """Normalised information centroid, shape (S,), in [0, 1] (Eq. 7)."""
        return np.array([normalised_centroid(trace) for trace in self.trace(epoch)])

    def centroids(self) -> tuple[tuple[int, ...], Array]:
        """Epochs from early on, (E,), and the normalised centroid at each, shape (S, E)."""
        epochs = tuple(epoch for epoch in self.checkpoints if epoch >= self.epoch("early"))
        return epochs, np.array(gathered(partial(self.centroid, epoch) for epoch in epochs)).T

    def tangent(self, epoch: Epoch = "final") -> tuple[Array, Array]:
        """Mean squared output error and mean trace of the tangent kernel, each (S, T)."""
        results = self.measured(self._tangent(self.epoch(epoch)))
        return (
            np.array([result["errors"] for result in results]),
            np.array([result["kernel_trace"] for result in results]),
        )

    def deficits(self, epoch: Epoch, width: int) -> Array:
        """Test accuracy in percent with noise in one window, shape (S, T - width + 1).

        Windows are ordered by their first timestep.
        """
        measurement = DeficitMeasurement(
            epoch=self.epoch(epoch), width=width, size=self.size("test")
        )
        return np.array([result["accuracy"] for result in self.measured(measurement)])

    def perturbation(self, shares: tuple[float, ...]) -> list[PerturbationResponse]:
        """Response of the trained networks to input perturbations, one per seed (Eq. 11)."""
        measurement = PerturbationMeasurement(
            epoch=self.epoch("final"), shares=shares, size=self.size("fisher")
        )
        return [
            PerturbationResponse(**{name: np.array(values) for name, values in result.items()})
            for result in self.measured(measurement)
        ]

    def losses(self) -> Array:
        """Mean training loss L_t of every prefix per epoch, shape (S, epochs, T) (Eq. 9)."""
        return self.curve("prefix_losses")

    def final_losses(self) -> Array:
        """Mean training loss L_t of every prefix in the last epoch, shape (S, T) (Eq. 9)."""
        return self.losses()[:, -1]


def _blocks(layers: Mapping[str, list[float]]) -> list[Array]:
    """Sum the layers of each block: names like `blocks.3.conv1.0` belong to block 3."""
    numbered = [(name.split("."), np.array(trace)) for name, trace in layers.items()]
    inside = [(int(path[1]), trace) for path, trace in numbered if path[0] == "blocks"]
    return [
        np.sum([trace for number, trace in inside if number == block], axis=0)
        for block in sorted({number for number, _ in inside})
    ]
