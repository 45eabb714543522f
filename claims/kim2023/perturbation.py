"""Response of the output to input perturbations, beside Fisher's prediction (Kim et al. Eq. 11).

    D_KL(p(x) ‖ p(x + δ)) ≈ ½ δᵀ M δ,    M = J ᵀ (diag p - p pᵀ) J

with J the derivative of the mean logits at the input. Eq. 11 writes the Fisher matrix of the
weights for M, which does not have δ's dimension; its trace is measured beside.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tic import seeding
from tic.arrays import finite_array
from tic.attacks.attack import per_image
from tic.attacks.noise import norms
from tic.data import Samples, Split
from tic.errors import TicError, as_tic_error
from tic.measure.fisher import fisher_information
from tic.measure.measurement import Measurement, sample_count
from tic.measure.shapes import Shape
from tic.models.copying import double_copy
from tic.models.modes import evaluation_mode
from tic.recipe import Recipe

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PerturbationResponse:
    """What perturbations of given norms do to the output.

    Attributes:
        divergence: D_KL(p(x) ‖ p(x + δ)) in nats, shape (norms, N).
        prediction: ½ δᵀ M δ with the input Fisher matrix M, in nats, shape (norms, N).
        trace: ‖∇ log p(y | x)‖² over the weights at the last timestep, shape (N,).
    """

    divergence: Array
    prediction: Array
    trace: Array


def perturbation_response(
    model: nn.Module,
    loader: Iterable[tuple[Tensor, Tensor]],
    shares: Sequence[float],
    *,
    seed: int = 0,
) -> PerturbationResponse:
    """Perturb every image along one random direction, at several norms.

    Everything but the weight gradients is computed in float64, since the divergence of a small
    perturbation is the difference of nearly equal numbers. J is what automatic differentiation
    gives: for a spiking network the surrogate's derivative, not that of its step function.

    Args:
        model: Maps images (B, ...) to logits (T, B, K); measured in evaluation mode.
        loader: Batches of images in [0, 1] and labels (B,).
        shares: ℓ2 norms of δ as shares of the image's norm.
        seed: Of the directions.

    Returns:
        See `PerturbationResponse`; N counts the images in the loader's order.

    Raises:
        TicError: The loader is empty, a share is no positive finite number, or
            `fisher_information` refuses the model or the images.
    """
    with as_tic_error():
        shares = finite_array(shares, name="shares", axes="S", may_be_empty=True).tolist()
    if not shares or min(shares) <= 0:
        raise TicError(f"shares must be positive norms, at least one, got {list(shares)}")
    batches = list(loader)
    weights = fisher_information(model, batches)  # refuses an empty loader
    assert weights.per_sample is not None
    divergences, predictions = [], []
    twin = double_copy(model)
    with evaluation_mode(twin):
        for number, (images, _) in enumerate(batches):
            response = _respond(twin, images.double(), shares, seed, number)
            divergences.append(response[0])
            predictions.append(response[1])
    return PerturbationResponse(
        divergence=torch.cat(divergences, 1).cpu().numpy(),
        prediction=torch.cat(predictions, 1).cpu().numpy(),
        trace=weights.per_sample[:, -1],
    )


def _respond(
    model: nn.Module, images: Tensor, shares: Sequence[float], seed: int, number: int
) -> tuple[Tensor, Tensor]:
    draws = seeding.generator(seed, f"perturbation/{number}")
    noise = torch.randn(images.shape, generator=draws, dtype=images.dtype).to(images.device)
    scale = norms(images) / norms(noise)
    direction = noise * per_image(scale, images)
    curvature = _curvature(model, images, direction)
    with torch.no_grad():
        clean = model(images).mean(0).log_softmax(1)
        seen = [model(images + share * direction).mean(0).log_softmax(1) for share in shares]
    divergence = torch.stack([(clean.exp() * (clean - perturbed)).sum(1) for perturbed in seen])
    prediction = torch.stack([share**2 * curvature / 2 for share in shares])
    return divergence, prediction


def _curvature(model: nn.Module, images: Tensor, direction: Tensor) -> Tensor:
    """δᵀ M δ for every image, shape (B,): the variance under p of the logits' change J δ."""
    leaf = images.clone().requires_grad_()
    with torch.enable_grad():
        logits = model(leaf).mean(0)
        slopes = []
        for k in range(logits.shape[1]):
            (gradient,) = torch.autograd.grad(logits[:, k].sum(), leaf, retain_graph=True)
            slopes.append((gradient * direction).sum(tuple(range(1, leaf.dim()))))
    change = torch.stack(slopes, 1)
    probabilities = logits.detach().softmax(1)
    mean = (probabilities * change).sum(1, keepdim=True)
    variance: Tensor = (probabilities * (change - mean).square()).sum(1)
    return variance


@dataclass(frozen=True, kw_only=True)
class PerturbationMeasurement(Measurement):
    """Change of the output under input perturbations, beside what Fisher information predicts."""

    name: ClassVar[str] = "perturbation"
    version: ClassVar[int] = 1

    split: Split = "train"
    shares: tuple[float, ...]
    batch_size: int = 64

    def take(
        self, network: nn.Module, samples: Samples, partners: Sequence[nn.Module]
    ) -> dict[str, Any]:
        """See `Measurement.take`; gives `divergence`, `prediction`: (shares, N), `trace`: (N,)."""
        response = perturbation_response(network, samples.batches(self.batch_size), self.shares)
        return {name: values.tolist() for name, values in vars(response).items()}

    def shape(self, recipe: Recipe) -> Shape:
        """See `Measurement.shape`."""
        images = sample_count(self, recipe)
        both = (len(self.shares), images)
        return {"divergence": both, "prediction": both, "trace": (images,)}
