"""What claims of this paper ask of their Runs beside what every paper's do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from claims.yao2023.measuring import (
    FeatureMeasurement,
    FiringMeasurement,
    HalfMeasurement,
    LikenessMeasurement,
    MapMeasurement,
    PotentialMeasurement,
)
from claims.yao2023.networks import Frames
from claims.yao2023.reading import Reading
from tic.audit import Array, NotApplicableError, SeedRuns, as_kind

NOISY = 0.25
"""Background rate above which a feature that prefers the background is one of noise."""
NULL = 0.01
"""Mean rate below which a feature is null."""


@dataclass(frozen=True)
class YaoRuns(SeedRuns):
    """Runs whose firing is asked for, as the protocol reads it."""

    @property
    def reading(self) -> Reading:
        """How firing is read."""
        return self.read_as(Reading)

    def falsified(self) -> dict[str, Any]:
        """Fields of every measurement that falsified Runs have; none of others."""
        return {}

    def _fields(self) -> dict[str, Any]:
        return {"epoch": self.epoch("final"), "size": self.size("test"), **self.falsified()}

    def scored(self) -> Array:
        """Test accuracy in percent at the epoch that the protocol takes, shape (S,)."""
        return self.best_accuracy() if self.reading.best else self.accuracy()

    def scored_by_sample(self) -> Array:
        """`scored` of each recording, shape (S, N).

        Where the best epoch was chosen on these very recordings, they tell nothing of others: then
        it is one column with the accuracies, (S, 1).
        """
        return self.scored()[:, None] if self.reading.best else self.accuracy_by_sample()

    def best_accuracy(self) -> Array:
        """The largest test accuracy of all kept epochs after the first step, shape (S,)."""
        epochs, by_epoch = self.accuracies()
        best: Array = by_epoch[:, np.array(epochs) > 0].max(1)
        return best

    def firing(self, name: str) -> Array:
        """What `FiringMeasurement` calls so, shape (S, …)."""
        return self.values(FiringMeasurement(**self._fields()), name)

    def rate(self) -> Array:
        """Firing rate as it is read, shape (S,); synaptic operations where that is the reading.

        Raises:
            NotApplicableError: A network never fires, so that nothing can be a multiple of it.
        """
        return self.positive(self.reading.counted)

    def positive(self, name: str) -> Array:
        """What `FiringMeasurement` calls so, shape (S,).

        Raises:
            NotApplicableError: It is 0 for a seed.
        """
        values = self.firing(name)
        if not values.all():
            seed = self.seeds[int(np.argmin(values))]
            raise NotApplicableError(
                f"the network of {self.recipe.label} never fires with seed {seed}, so that rates "
                "cannot be compared as ratios"
            )
        return values

    def layer_rates(self) -> tuple[list[str], Array]:
        """Names of the layers of neurons, and their rates, shape (S, layers)."""
        results = self.measured(FiringMeasurement(**self._fields()))
        names = list(results[0]["rates"])
        return names, np.array([[result["rates"][name] for name in names] for result in results])

    def _layers(self, **falsified: Any) -> list[list[dict[str, Array]]]:
        measurement = FeatureMeasurement(**self._fields() | falsified)
        return [
            [{key: np.array(value) for key, value in layer.items()} for layer in by_name.values()]
            for by_name in (result["layers"] for result in self.measured(measurement))
        ]

    def ground(self) -> tuple[Array, Array]:
        """Rates of background and of foreground neurons behind convolutions, both (S,).

        Raises:
            NotApplicableError: Nobody knows what made the events, or a rate is 0.
        """
        rates = np.array(
            [
                [
                    sum(layer[name].sum() for layer in layers)
                    / sum(layer[f"{name}_neurons"].sum() * layer[name].shape[1] for layer in layers)
                    for name in ("back", "fore")
                ]
                for layers in self._known()
            ]
        )
        if not rates.all():
            raise NotApplicableError(
                f"the background or the foreground of {self.recipe.label} never fires with some "
                "seed, so that rates cannot be compared as ratios"
            )
        return rates[:, 0], rates[:, 1]

    def _known(self) -> list[list[dict[str, Array]]]:
        layers = self._layers()
        if "back" not in layers[0][0]:
            raise NotApplicableError(
                f"nobody knows which events of {self.recipe.dataset.name} the object made; "
                "simulated recordings tell"
            )
        return layers

    def noise(self) -> Array:
        """Share of features that fire more in the background, and there above 0.25, (S,).

        Raises:
            NotApplicableError: Nobody knows what made the events.
        """
        shares = []
        for layers in self._known():
            noisy = []
            for layer in layers:
                back, fore = (
                    layer[name] / np.maximum(1, layer[f"{name}_neurons"])[:, None]
                    for name in ("back", "fore")
                )
                noisy.append(((back > fore) & (back > NOISY)).ravel())
            shares.append(np.concatenate(noisy).mean())
        return np.array(shares)

    @property
    def feature_step(self) -> float:
        """Smallest step between two shares of features."""
        layers = self._layers()[0]
        return 1 / sum(layer["mean"].size for layer in layers)

    def null(self) -> Array:
        """Share of features whose mean rate is below 0.01, shape (S,)."""
        by_seed = ([layer["mean"].ravel() for layer in layers] for layers in self._layers())
        return np.array([(np.concatenate(layers) < NULL).mean() for layers in by_seed])

    def potential(self, name: str) -> Array:
        """Of the potential as it is read: `sd`, share `above` the threshold, or `counts`."""
        of = "membrane" if self.reading.membrane else "input"
        return np.array([result[of][name] for result in self._potentials()])

    def in_window(self) -> Array:
        """Share of membranes within the surrogate's window, shape (S,).

        Raises:
            NotApplicableError: The surrogate has none.
        """
        if as_kind(self.recipe.architecture, Frames).neuron != "lif":
            raise NotApplicableError(
                f"the surrogate of the neurons of {self.recipe.label} is an arctangent, which has "
                "no window that potentials could lie outside of"
            )
        return np.array([result["window"] for result in self._potentials()])

    def _potentials(self) -> list[dict[str, Any]]:
        return self.measured(PotentialMeasurement(**self._fields()))

    def likeness(self, **falsified: Any) -> tuple[Array, Array]:
        """Correlations of mean maps with the next timestep's, and with other channels', (S,).

        Raises:
            NotApplicableError: All maps of a network are the same everywhere.
        """
        results = self.measured(LikenessMeasurement(**self._fields() | falsified))
        if not all({"same", "other"} <= set(result) for result in results):
            raise NotApplicableError(
                f"with some seed no channel of {self.recipe.label} fires at one place more than at "
                "another, so that nothing can be correlated"
            )
        same, other = (np.array([result[key] for result in results]) for key in ("same", "other"))
        return same, other

    def maps(self, layer: int, timestep: int) -> Array:
        """Mean maps of a convolution's channels, shape (S, C, H, W)."""
        measurement = MapMeasurement(**self._fields(), layer=layer, timestep=timestep)
        return self.values(measurement, "maps")

    def halves(self) -> tuple[Array, Array]:
        """Accuracy on the half to choose by, and on that to judge, both (S,)."""
        measurement = HalfMeasurement(epoch=self.epoch("final"), size=self.size("test"))
        results = self.measured(measurement)
        chosen, judged = (
            np.array([result[key] for result in results]) for key in ("chosen_by", "judged_by")
        )
        return chosen, judged


def log_ratio(one: Array, other: Array) -> Array:
    """ln(one / other), shape (S,)."""
    ratio: Array = np.log(one) - np.log(other)
    return ratio
