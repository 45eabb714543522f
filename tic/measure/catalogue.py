"""Every kind of measurement on a Run, by what it gives."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

import torch

from tic.attacks import Corruption, GaussianNoise
from tic.data import ImageData
from tic.losses import Readout
from tic.measure.confidence import margins, temperature
from tic.measure.deficits import deficit_accuracies
from tic.measure.fisher import Estimator, FisherInformation, fisher_information
from tic.measure.layers import layer_names
from tic.measure.measurement import Measurement, image_count
from tic.measure.perturbation import perturbation_response
from tic.measure.robustness import accuracy, right, zero_gradients
from tic.measure.shapes import Shape
from tic.measure.tangent import tangent_kernel
from tic.models import SpikingNetwork
from tic.recipe import Recipe
from tic.seeding import generator

OFFICIAL_BATCH = 16
"""Batch size of the release's Fisher loop, part of what `official` estimates."""


@dataclass(frozen=True, kw_only=True)
class FisherMeasurement(Measurement):
    """Fisher trace per layer and timestep."""

    name: ClassVar[str] = "fisher"
    version: ClassVar[int] = 4

    split: Literal["train", "test"] = "train"
    estimator: Estimator = Estimator.EMPIRICAL
    readout: Readout = Readout.MEAN
    batch_size: int = 128

    def take(
        self, network: SpikingNetwork, images: ImageData, source: SpikingNetwork | None
    ) -> dict[str, Any]:
        """See `Measurement.take`; gives `by_layer`: {name: [I_1, …, I_T]}."""
        info = fisher_information(
            network,
            images.batches(self.batch),
            self.estimator,
            readout=self.readout,
            generator=generator(0, "labels"),
        )
        return {"by_layer": by_layer(info)}

    @property
    def batch(self) -> int:
        """Images per batch: as many as `official` means, or as fit."""
        return OFFICIAL_BATCH if self.estimator is Estimator.OFFICIAL else self.batch_size

    def shape(self, recipe: Recipe) -> Shape:
        """See `Measurement.shape`."""
        return {"by_layer": _every_layer(self, recipe)}


@dataclass(frozen=True, kw_only=True)
class AccuracyMeasurement(Measurement):
    """Accuracy in percent, clean or corrupted."""

    name: ClassVar[str] = "accuracy"
    version: ClassVar[int] = 1

    split: Literal["train", "test"] = "test"
    corruption: Corruption | None = None
    batch_size: int = 256

    def take(
        self, network: SpikingNetwork, images: ImageData, source: SpikingNetwork | None
    ) -> dict[str, Any]:
        """See `Measurement.take`; gives `accuracy`."""
        return {"accuracy": accuracy(network, images.batches(self.batch_size), self.corruption)}

    def shape(self, recipe: Recipe) -> Shape:
        """See `Measurement.shape`."""
        return {"accuracy": ()}


@dataclass(frozen=True, kw_only=True)
class DeficitMeasurement(Measurement):
    """Accuracy in percent with noise in one window of timesteps, for every window."""

    name: ClassVar[str] = "deficits"
    version: ClassVar[int] = 1

    split: Literal["train", "test"] = "test"
    noise: GaussianNoise = field(default_factory=GaussianNoise)
    width: int
    batch_size: int = 256

    def take(
        self, network: SpikingNetwork, images: ImageData, source: SpikingNetwork | None
    ) -> dict[str, Any]:
        """See `Measurement.take`; gives `accuracy`, by the first timestep of the window."""
        batches = images.batches(self.batch_size)
        return {"accuracy": deficit_accuracies(network, batches, self.noise, self.width)}

    def shape(self, recipe: Recipe) -> Shape:
        """See `Measurement.shape`."""
        return {"accuracy": (_timesteps(self, recipe) - self.width + 1,)}


@dataclass(frozen=True, kw_only=True)
class PerturbationMeasurement(Measurement):
    """Change of the output under input perturbations, beside what Fisher information predicts."""

    name: ClassVar[str] = "perturbation"
    version: ClassVar[int] = 1

    split: Literal["train", "test"] = "train"
    shares: tuple[float, ...]
    batch_size: int = 64

    def take(
        self, network: SpikingNetwork, images: ImageData, source: SpikingNetwork | None
    ) -> dict[str, Any]:
        """See `Measurement.take`; gives `divergence`, `prediction`: (shares, N), `trace`: (N,)."""
        response = perturbation_response(network, images.batches(self.batch_size), self.shares)
        return {name: values.tolist() for name, values in vars(response).items()}

    def shape(self, recipe: Recipe) -> Shape:
        """See `Measurement.shape`."""
        images = image_count(self, recipe)
        both = (len(self.shares), images)
        return {"divergence": both, "prediction": both, "trace": (images,)}


@dataclass(frozen=True, kw_only=True)
class RightMeasurement(Measurement):
    """Which images are classified right, clean or corrupted."""

    name: ClassVar[str] = "right"
    version: ClassVar[int] = 1

    split: Literal["train", "test"] = "test"
    corruption: Corruption | None = None
    source_seed: int | None = None
    batch_size: int = 256

    def take(
        self, network: SpikingNetwork, images: ImageData, source: SpikingNetwork | None
    ) -> dict[str, Any]:
        """See `Measurement.take`; gives `right`: one 0 or 1 per image."""
        batches = images.batches(self.batch_size)
        found = right(network, batches, self.corruption, source=source)
        return {"right": list(map(int, found))}

    def source(self, recipe: Recipe) -> Recipe | None:
        """See `Measurement.source`: the same training with another seed."""
        return None if self.source_seed is None else recipe.with_seed(self.source_seed)

    def shape(self, recipe: Recipe) -> Shape:
        """See `Measurement.shape`."""
        return {"right": (image_count(self, recipe),)}


@dataclass(frozen=True, kw_only=True)
class ZeroGradientMeasurement(Measurement):
    """For which images the loss has an input gradient of exactly zero."""

    name: ClassVar[str] = "zero-gradients"
    version: ClassVar[int] = 1

    split: Literal["train", "test"] = "test"
    batch_size: int = 256

    def take(
        self, network: SpikingNetwork, images: ImageData, source: SpikingNetwork | None
    ) -> dict[str, Any]:
        """See `Measurement.take`; gives `zero`: one 0 or 1 per image."""
        found = zero_gradients(network, images.batches(self.batch_size))
        return {"zero": list(map(int, found))}

    def shape(self, recipe: Recipe) -> Shape:
        """See `Measurement.shape`."""
        return {"zero": (image_count(self, recipe),)}


@dataclass(frozen=True, kw_only=True)
class ConfidenceMeasurement(Measurement):
    """Clean margins, and the temperature that fits the logits to the labels."""

    name: ClassVar[str] = "confidence"
    version: ClassVar[int] = 1

    split: Literal["train", "test"] = "test"
    batch_size: int = 256

    def take(
        self, network: SpikingNetwork, images: ImageData, source: SpikingNetwork | None
    ) -> dict[str, Any]:
        """See `Measurement.take`; gives `margins`: (N,), and `temperature`."""
        batches = list(images.batches(self.batch_size))
        return {"margins": margins(network, batches), "temperature": temperature(network, batches)}

    def shape(self, recipe: Recipe) -> Shape:
        """See `Measurement.shape`."""
        return {"margins": (image_count(self, recipe),), "temperature": ()}


@dataclass(frozen=True, kw_only=True)
class TangentMeasurement(Measurement):
    """Output error and tangent kernel of every prefix, with the Fisher traces that follow."""

    name: ClassVar[str] = "tangent"
    version: ClassVar[int] = 3

    split: Literal["train", "test"] = "train"
    readout: Readout = Readout.MEAN
    batch_size: int = 128

    def take(
        self, network: SpikingNetwork, images: ImageData, source: SpikingNetwork | None
    ) -> dict[str, Any]:
        """See `Measurement.take`.

        Gives `errors` and `kernel_trace`, means over images: (T,), and `by_layer`: for each
        estimator but `official`, {name: [I_1, …, I_T]}.
        """
        found = tangent_kernel(
            network,
            images.batches(self.batch_size),
            readout=self.readout,
            generator=generator(0, "labels"),
        )
        return {
            "errors": found.mean_errors.tolist(),
            "kernel_trace": found.mean_kernel_trace.tolist(),
            "by_layer": {kind: by_layer(info) for kind, info in found.information.items()},
        }

    def shape(self, recipe: Recipe) -> Shape:
        """See `Measurement.shape`."""
        steps = (_timesteps(self, recipe),)
        layers = _every_layer(self, recipe)
        kinds = (kind for kind in Estimator if kind is not Estimator.OFFICIAL)
        return {
            "errors": steps,
            "kernel_trace": steps,
            "by_layer": {kind.value: layers for kind in kinds},
        }


@dataclass(frozen=True, kw_only=True)
class ChanceMeasurement(Measurement):
    """Accuracy in percent on labels that are permuted among the images: what guessing gives."""

    name: ClassVar[str] = "chance"
    version: ClassVar[int] = 1

    split: Literal["train", "test"] = "test"
    batch_size: int = 256

    def take(
        self, network: SpikingNetwork, images: ImageData, source: SpikingNetwork | None
    ) -> dict[str, Any]:
        """See `Measurement.take`; gives `accuracy`."""
        order = torch.randperm(len(images), generator=generator(0, "permuted labels"))
        permuted = replace(images, labels=images.labels[order.to(images.labels.device)])
        return {"accuracy": accuracy(network, permuted.batches(self.batch_size))}

    def shape(self, recipe: Recipe) -> Shape:
        """See `Measurement.shape`."""
        return {"accuracy": ()}


def by_layer(info: FisherInformation) -> dict[str, list[float]]:
    """Traces over time by layer, as a measurement gives them."""
    return {name: trace.tolist() for name, trace in info.by_layer.items()}


def _timesteps(measurement: Measurement, recipe: Recipe) -> int:
    return measurement.timesteps or recipe.timesteps


def _every_layer(measurement: Measurement, recipe: Recipe) -> Shape:
    return dict.fromkeys(layer_names(recipe), (_timesteps(measurement, recipe),))
