"""Robustness: which images a network still classifies correctly, clean, corrupted and attacked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import torch
from torch import nn

from tic.attacks import Corruption
from tic.attacks.attack import check_images
from tic.attacks.margin import cross_entropy
from tic.attacks.readout import input_gradient
from tic.data import Samples, Split
from tic.errors import TicError
from tic.measure.activations import device_of
from tic.measure.batches import Loader, labelled_batches
from tic.measure.measurement import Measurement, sample_count
from tic.measure.readouts import mean_logits
from tic.measure.shapes import Shape
from tic.models.logits import require_classes
from tic.models.modes import evaluation_mode
from tic.recipe import Recipe


def accuracy(
    model: nn.Module,
    loader: Loader,
    corruption: Corruption | None = None,
) -> float:
    """Measure the share of images whose mean logits over time name the correct class.

    The model is measured in evaluation mode, attacks included, and left as it was found.

    Args:
        model: Maps images (B, C, H, W) to logits (T, B, K).
        loader: Batches of images in [0, 1] and labels (B,).
        corruption: Applied to every batch; clean images without it.

    Returns:
        Accuracy in percent.

    Raises:
        TicError: As `correct`.
    """
    answers = correct(model, loader, corruption)
    return 100 * sum(answers) / len(answers)


def correct(
    model: nn.Module,
    loader: Loader,
    corruption: Corruption | None = None,
    *,
    source: nn.Module | None = None,
) -> list[bool]:
    """Say of every image whether the mean logits over time name the correct class.

    Both networks are in evaluation mode, attacks included, and left as they were found.

    Args:
        model: Maps images (B, C, H, W) to logits (T, B, K).
        loader: Batches of images in [0, 1] and labels (B,).
        corruption: Applied to every batch; clean images without it.
        source: The network that the corruption sees, for attacks that transfer; else the model.

    Returns:
        One entry per image, in the loader's order.

    Raises:
        TicError: The loader is empty or gives something else than images and labels, the model
            returns something else than finite logits, a label is none of its classes, or there is
            a source and no corruption.
    """
    if source is not None and corruption is None:
        raise TicError(
            "a source is the network that a corruption sees, and there is no corruption; "
            "leave the source out"
        )
    seen_by = model if source is None else source
    answers: list[bool] = []
    with evaluation_mode(model), evaluation_mode(seen_by):
        for number, batch in enumerate(labelled_batches(loader, device_of(model))):
            images, labels = batch.inputs, batch.labels
            if corruption or images.dtype is not torch.int64:  # as tokens are
                check_images(images)
            seen = corruption(seen_by, images, labels, number) if corruption else images
            with torch.no_grad():
                logits = mean_logits(model, seen.detach())
            require_classes(labels, logits.shape[1])
            answers += (logits.argmax(1) == labels).tolist()
    return answers


def zero_gradients(model: nn.Module, loader: Loader) -> list[bool]:
    """Say of every image whether the input gradient is exactly zero in all pixels.

    The gradient is that of the cross-entropy of the mean logits, in evaluation mode. An attack
    that climbs it does not leave an image where it is zero.

    Args:
        model: Maps images (B, C, H, W) to logits (T, B, K); left as it was found.
        loader: Batches of images in [0, 1] and labels (B,).

    Returns:
        One entry per image, in the loader's order.

    Raises:
        TicError: The loader is empty or gives something else than images and labels, a label is
            none of the model's classes, or a gradient is not finite.
    """
    answers: list[bool] = []
    for batch in labelled_batches(loader, device_of(model)):
        images, labels = batch.inputs, batch.labels
        check_images(images)
        _, gradient = input_gradient(model, images, labels, cross_entropy)
        answers += (gradient == 0).flatten(1).all(1).tolist()
    return answers


@dataclass(frozen=True, kw_only=True)
class AccuracyMeasurement(Measurement):
    """Accuracy in percent, clean or corrupted."""

    name: ClassVar[str] = "accuracy"
    version: ClassVar[int] = 1

    split: Split = "test"
    corruption: Corruption | None = None
    batch_size: int = 256

    def take(
        self, network: nn.Module, samples: Samples, partners: Sequence[nn.Module]
    ) -> dict[str, Any]:
        """See `Measurement.take`; gives `accuracy`."""
        return {"accuracy": accuracy(network, samples.batches(self.batch_size), self.corruption)}

    def shape(self, recipe: Recipe) -> Shape:
        """See `Measurement.shape`."""
        return {"accuracy": ()}


@dataclass(frozen=True, kw_only=True)
class CorrectMeasurement(Measurement):
    """Which samples are classified correctly, clean or corrupted.

    Attributes:
        source_seed: Of the same training whose network the corruption sees, for attacks that
            transfer; else it sees the one that classifies.
    """

    name: ClassVar[str] = "correct"
    version: ClassVar[int] = 1

    split: Split = "test"
    corruption: Corruption | None = None
    source_seed: int | None = None
    batch_size: int = 256

    def take(
        self, network: nn.Module, samples: Samples, partners: Sequence[nn.Module]
    ) -> dict[str, Any]:
        """See `Measurement.take`; gives `correct`: one 0 or 1 per sample."""
        batches = samples.batches(self.batch_size)
        answers = correct(network, batches, self.corruption, source=next(iter(partners), None))
        return {"correct": list(map(int, answers))}

    def partners(self, recipe: Recipe) -> tuple[Recipe, ...]:
        """See `Measurement.partners`: the same training with another seed."""
        return () if self.source_seed is None else (recipe.with_seed(self.source_seed),)

    def shape(self, recipe: Recipe) -> Shape:
        """See `Measurement.shape`."""
        return {"correct": (sample_count(self, recipe),)}


@lru_cache(maxsize=256)
def final_answers(epochs: int, size: int | None) -> CorrectMeasurement:
    """Clean answers after the last epoch on at most `size` test samples; one for all Runs."""
    return CorrectMeasurement(epoch=epochs, size=size)


def percentage(result: Mapping[str, Any]) -> float:
    """Accuracy in percent of a result of `CorrectMeasurement` or `AccuracyMeasurement`."""
    if "accuracy" in result:
        return float(result["accuracy"])
    answers: list[int] = result["correct"]
    return 100 * sum(answers) / len(answers)


@dataclass(frozen=True, kw_only=True)
class ZeroGradientMeasurement(Measurement):
    """For which images the loss has an input gradient of exactly zero."""

    name: ClassVar[str] = "zero-gradients"
    version: ClassVar[int] = 1

    split: Split = "test"
    batch_size: int = 256

    def take(
        self, network: nn.Module, samples: Samples, partners: Sequence[nn.Module]
    ) -> dict[str, Any]:
        """See `Measurement.take`; gives `zero`: one 0 or 1 per image."""
        answers = zero_gradients(network, samples.batches(self.batch_size))
        return {"zero": list(map(int, answers))}

    def shape(self, recipe: Recipe) -> Shape:
        """See `Measurement.shape`."""
        return {"zero": (sample_count(self, recipe),)}
