"""Confidence of a network: clean margins and the temperature that fits it to the labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from tic.data import Samples, Split
from tic.measure.activations import device_of
from tic.measure.batches import Loader, labelled_batches
from tic.measure.measurement import Measurement, sample_count
from tic.measure.readouts import mean_logits
from tic.measure.shapes import Shape
from tic.models.logits import require_classes
from tic.models.modes import evaluation_mode
from tic.recipe import Recipe

TEMPERATURES = (1e-2, 1e2)
"""Range that the temperature is looked for in."""


def margins(model: nn.Module, loader: Loader) -> list[float]:
    """Measure by how much the label's logit exceeds the largest other, of the mean over time.

    Args:
        model: Maps images (B, C, H, W) to logits (T, B, K) with K >= 2; measured in evaluation mode
            and left as it was found.
        loader: Batches of images in [0, 1] and labels (B,).

    Returns:
        One margin per image, in the loader's order; not positive where the answer is wrong.

    Raises:
        TicError: The loader gives no samples or something else than batches (inputs, labels), the
            model gives no finite logits (T, B, K), K is 1, or a label is none of K classes.
    """
    logits, labels = _mean_logits(model, loader)
    true_class = logits.gather(1, labels[:, None])
    others = logits.scatter(1, labels[:, None], -torch.inf)
    margins: list[float] = (true_class.squeeze(1) - others.amax(1)).tolist()
    return margins


def temperature(model: nn.Module, loader: Loader) -> float:
    """Find the τ > 0 whose softmax(logits / τ) has the least cross-entropy (Guo et al. 2017).

    The logits are the mean over time. Cross-entropy is convex in 1/τ, hence has one minimum over
    log τ. Where that lies outside of `TEMPERATURES`, as it does when every answer is correct, the
    nearer end is taken.

    Args:
        model: As for `margins`.
        loader: Batches of images in [0, 1] and labels (B,).

    Returns:
        τ within `TEMPERATURES`, rounded to 6 significant digits.

    Raises:
        TicError: As `margins`.
    """
    from scipy.optimize import minimize_scalar

    logits, labels = _mean_logits(model, loader)

    def loss(log_temperature: float) -> float:
        return float(cross_entropy(logits / math.exp(log_temperature), labels))

    low, high = (math.log(end) for end in TEMPERATURES)
    optimum = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-9})
    # The search never reaches an end; where the loss is flat up to rounding, the lower end wins.
    best = min((low, high, float(optimum.x)), key=loss)
    return float(f"{math.exp(best):.6g}")


def _mean_logits(model: nn.Module, loader: Loader) -> tuple[Tensor, Tensor]:
    """Mean logits over time (N, K) in float64, and labels (N,), on the CPU."""
    logits, labels = [], []
    with evaluation_mode(model), torch.no_grad():
        for batch in labelled_batches(loader, device_of(model)):
            answers = mean_logits(model, batch.inputs)
            require_classes(batch.labels, answers.shape[1])
            logits.append(answers.double().cpu())
            labels.append(batch.labels.cpu())
    return torch.cat(logits), torch.cat(labels)


@dataclass(frozen=True, kw_only=True)
class ConfidenceMeasurement(Measurement):
    """Clean margins, and the temperature that fits the logits to the labels."""

    name: ClassVar[str] = "confidence"
    version: ClassVar[int] = 1

    split: Split = "test"
    batch_size: int = 256

    def take(
        self, network: nn.Module, samples: Samples, partners: Sequence[nn.Module]
    ) -> dict[str, Any]:
        """See `Measurement.take`; gives `margins`: (N,), and `temperature`."""
        batches = list(samples.batches(self.batch_size))
        return {"margins": margins(network, batches), "temperature": temperature(network, batches)}

    def shape(self, recipe: Recipe) -> Shape:
        """See `Measurement.shape`."""
        return {"margins": (sample_count(self, recipe),), "temperature": ()}
