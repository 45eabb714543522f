"""Measurements on Runs, cached in the Store under Recipe, measurement, version and images."""

from __future__ import annotations

import hashlib
import json
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from tic.attacks import Corruption, GaussianNoise
from tic.data import ImageData
from tic.data.spec import describe, subset_size
from tic.errors import TicError
from tic.lab import Lab, one_thread
from tic.losses import Readout
from tic.measure.deficits import deficit_accuracies
from tic.measure.fisher import Estimator, fisher_information
from tic.measure.perturbation import perturbation_response
from tic.measure.robustness import accuracy
from tic.models import SpikingNetwork
from tic.recipe import Recipe
from tic.seeding import generator
from tic.store import write_json

OFFICIAL_BATCH = 16
"""Batch size of the release's Fisher loop, part of what `official` estimates."""


@dataclass(frozen=True, kw_only=True)
class Measurement(ABC):
    """A pure function of a Run; its repr names everything that it depends on.

    Attributes:
        epoch: Whose weights are measured.
        timesteps: The network runs for, the Recipe's own number without it.
        size: At most so many images, the first of a fixed permutation; all without it.
        split: Images of the training, without augmentation, or images that it did not see.
    """

    name: ClassVar[str]
    version: ClassVar[int]

    epoch: int
    split: Literal["train", "test"]
    timesteps: int | None = None
    size: int | None = None

    @abstractmethod
    def take(self, network: SpikingNetwork, images: ImageData) -> dict[str, Any]:
        """Measure; the result goes through JSON and must be finite."""


@dataclass(frozen=True, kw_only=True)
class FisherMeasurement(Measurement):
    """Fisher trace per layer and timestep."""

    name: ClassVar[str] = "fisher"
    version: ClassVar[int] = 2

    split: Literal["train", "test"] = "train"
    estimator: Estimator = Estimator.EMPIRICAL
    readout: Readout = Readout.MEAN
    batch_size: int = 128

    def take(self, network: SpikingNetwork, images: ImageData) -> dict[str, Any]:
        """See `Measurement.take`; gives `by_layer`: {name: [I_1, …, I_T]}."""
        batch = OFFICIAL_BATCH if self.estimator is Estimator.OFFICIAL else self.batch_size
        info = fisher_information(
            network,
            images.batches(batch),
            self.estimator,
            readout=self.readout,
            generator=generator(0, "labels"),
        )
        return {"by_layer": {name: list(trace) for name, trace in info.by_layer.items()}}


@dataclass(frozen=True, kw_only=True)
class AccuracyMeasurement(Measurement):
    """Accuracy in percent, clean or corrupted."""

    name: ClassVar[str] = "accuracy"
    version: ClassVar[int] = 1

    split: Literal["train", "test"] = "test"
    corruption: Corruption | None = None
    batch_size: int = 256

    def take(self, network: SpikingNetwork, images: ImageData) -> dict[str, Any]:
        """See `Measurement.take`; gives `accuracy`."""
        return {"accuracy": accuracy(network, images.batches(self.batch_size), self.corruption)}


@dataclass(frozen=True, kw_only=True)
class DeficitMeasurement(Measurement):
    """Accuracy in percent with noise in one window of timesteps, for every window."""

    name: ClassVar[str] = "deficits"
    version: ClassVar[int] = 1

    split: Literal["train", "test"] = "test"
    noise: GaussianNoise = field(default_factory=GaussianNoise)
    width: int
    batch_size: int = 256

    def take(self, network: SpikingNetwork, images: ImageData) -> dict[str, Any]:
        """See `Measurement.take`; gives `accuracy`, by the first timestep of the window."""
        batches = images.batches(self.batch_size)
        return {"accuracy": deficit_accuracies(network, batches, self.noise, self.width)}


@dataclass(frozen=True, kw_only=True)
class PerturbationMeasurement(Measurement):
    """Change of the output under input perturbations, beside what Fisher information predicts."""

    name: ClassVar[str] = "perturbation"
    version: ClassVar[int] = 1

    split: Literal["train", "test"] = "train"
    shares: tuple[float, ...]
    batch_size: int = 64

    def take(self, network: SpikingNetwork, images: ImageData) -> dict[str, Any]:
        """See `Measurement.take`; gives `divergence`, `prediction`: (shares, N), `trace`: (N,)."""
        response = perturbation_response(network, images.batches(self.batch_size), self.shares)
        return {name: values.tolist() for name, values in vars(response).items()}


def measure(measurement: Measurement, recipe: Recipe, lab: Lab) -> dict[str, Any]:
    """Take a measurement on the Run of a Recipe, or return it from the Store.

    Two processes that want the same measurement never take it twice.

    Raises:
        TicError: The Recipe has not been trained, the result is not finite, or the Store has no
            such measurement yet and cannot be written.
        DivergedRunError: Its training diverged.
    """
    lab.run(recipe)
    images = _images(measurement, recipe, lab)
    path = _path(measurement, recipe, lab, images)
    if (stored := _read(path)) is not None:
        return stored
    with lab.store.lock(f"{path.parent.name}-{path.stem}"):
        if (stored := _read(path)) is not None:
            return stored
        network = lab.network(recipe, measurement.epoch)
        network.timesteps = measurement.timesteps or recipe.timesteps
        with one_thread(lab.device):
            result = measurement.take(network, images)
        if not _finite(result):
            raise TicError(f"{recipe.label}: {measurement!r} gave numbers that are not finite")
        write_json(path, {"measurement": repr(measurement), "result": result})
        return result


def known(measurement: Measurement, recipe: Recipe, lab: Lab) -> dict[str, Any] | None:
    """Return a measurement that the Store has, or None; nothing is measured."""
    return _read(_path(measurement, recipe, lab, _images(measurement, recipe, lab)))


def _images(measurement: Measurement, recipe: Recipe, lab: Lab) -> ImageData:
    spec, training = describe(recipe.dataset), measurement.split == "train"
    whole = spec.train_size if training else spec.test_size
    # Images that the network was not trained on would be another quantity.
    available = (recipe.train_size if training else None) or whole
    size = min(measurement.size or available, available)
    return lab.images(recipe.dataset, measurement.split, subset_size(size, whole))


def _path(measurement: Measurement, recipe: Recipe, lab: Lab, images: ImageData) -> Path:
    text = f"{measurement!r}/{measurement.version}/{images.digest}"
    key = hashlib.sha256(text.encode()).hexdigest()[:24]
    return lab.store.measurement_path(lab.fingerprint(recipe), measurement.name, key)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        result = json.loads(path.read_bytes())["result"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return result if isinstance(result, dict) and _finite(result) else None


def _finite(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_finite, value.values()))
    if isinstance(value, list):
        return all(map(_finite, value))
    return isinstance(value, int | float) and math.isfinite(value)
