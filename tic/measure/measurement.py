"""Measurements on Runs, cached in the Store under Recipe, measurement, version and images."""

from __future__ import annotations

import hashlib
import json
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from tic.data import ImageData
from tic.data.spec import describe, subset_size
from tic.errors import TicError
from tic.lab import Lab, one_thread
from tic.memory import told_when_lacking
from tic.models import SpikingNetwork
from tic.recipe import Recipe
from tic.store import write_json


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
    def take(
        self, network: SpikingNetwork, images: ImageData, source: SpikingNetwork | None
    ) -> dict[str, Any]:
        """Measure; the result goes through JSON and must be finite.

        Args:
            network: Of the Run.
            images: To measure on.
            source: Network of the Run that `source` names, if any.
        """

    def source(self, recipe: Recipe) -> Recipe | None:
        """Another Run that the measurement needs, such as the one that images are attacked on."""
        return None


def measure(measurement: Measurement, recipe: Recipe, lab: Lab) -> dict[str, Any]:
    """Take a measurement on the Run of a Recipe, or return it from the Store.

    Two processes that want the same measurement never take it twice.

    Raises:
        TicError: The Recipe has not been trained, the result is not finite, memory ran out, or the
            Store has no such measurement yet and cannot be written.
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
        other = measurement.source(recipe)
        source = None if other is None else lab.network(other)
        doing = f"measuring {measurement.name} of {recipe.label}"
        with one_thread(lab.device), told_when_lacking(doing, lab.device):
            result = measurement.take(network, images, source)
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
