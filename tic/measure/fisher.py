"""Fisher information over time: the trace I_t of the prefix 1..t (Kim et al. 2023, Eq. 4-7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from tic import seeding
from tic.arrays import finite_array
from tic.data import Samples, Split
from tic.errors import TicError, require_known
from tic.losses import Readout
from tic.measure.batches import Loader
from tic.measure.forward_pass import Pass, logit_basis, output_error
from tic.measure.gradient_passes import over_batches, over_classes
from tic.measure.labels import LabelDraws
from tic.measure.layers import every_layer
from tic.measure.measurement import Measurement
from tic.measure.readouts import require_one_length
from tic.measure.shapes import Shape
from tic.recipe import Recipe


class Estimator(StrEnum):
    """Which expectation stands for the Fisher information of the prefix 1..t."""

    EMPIRICAL = "empirical"
    """Mean over samples of ‖∇ log p(y_n | x_n)‖² at the data's label y_n (Eq. 6)."""

    BATCH_MEAN = "batch-mean"
    """Mean over batches of the squared norm of the batch-mean gradient, as the release of Kim
    et al. does with batches of 16; the release then multiplies by 101/100. Its expectation is
    I/B + (1 - 1/B)·‖E g‖²."""

    SAMPLED = "sampled"
    """As empirical, with one label per sample and timestep drawn from the model (Eq. 5)."""

    EXACT = "exact"
    """Expectation over all K labels under the model, in closed form (Eq. 5)."""


@dataclass(frozen=True)
class FisherInformation:
    """Traces of the Fisher information matrix per timestep.

    Attributes:
        by_layer: I_t of each module's own parameters, shape (T,), float64; modules in the order
            that the model names them.
        per_sample: ‖∇ log p(y_n | prefix t)‖² of every image over all layers, shape (N, T),
            float64; None for `batch-mean`, which has no such thing.
        estimator: How it was estimated.
        samples: Number of images N.
    """

    by_layer: dict[str, NDArray[np.float64]]
    per_sample: NDArray[np.float64] | None
    estimator: Estimator
    samples: int

    @cached_property
    def trace(self) -> NDArray[np.float64]:
        """I_t over all layers, shape (T,)."""
        total: NDArray[np.float64] = np.stack(list(self.by_layer.values())).sum(axis=0)
        return total

    @property
    def centroid(self) -> float:
        """Information centroid (Eq. 7), in [1, T]."""
        return information_centroid(self.trace)


def information_centroid(trace: ArrayLike) -> float:
    """Information centroid Σ t·I_t / Σ I_t (Eq. 7).

    Args:
        trace: I_t, shape (T,), not negative.

    Returns:
        A time in [1, T].

    Raises:
        TicError: The trace holds what is no number, a masked one included, is empty, not finite,
            negative somewhere or zero everywhere.
    """
    try:
        values = finite_array(trace, name="the trace", axes="T")
    except ValueError as error:
        raise TicError(error) from None
    if (values < 0).any() or not values.any():
        raise TicError(f"the trace must be at least 0 and not zero throughout, got {values}")
    shares = values / values.max()
    times = np.arange(1, len(values) + 1)
    # Rounding can carry a quotient of tiny numbers past the ends.
    return float(np.clip((times * shares).sum() / shares.sum(), 1, len(values)))


def fisher_information(
    model: nn.Module,
    loader: Loader,
    estimator: Estimator | str = Estimator.EMPIRICAL,
    *,
    readout: Readout | str = Readout.MEAN,
    generator: torch.Generator | None = None,
) -> FisherInformation:
    """Measure the Fisher information of the weights at every prefix 1..t.

    The log-likelihood of a prefix is that of its mean logits, unless `readout` says sum. The model
    runs in evaluation mode, so that samples do not depend on each other. Per batch there is one
    forward and, per timestep, one backward to the outputs of the layers; for `exact` both are over
    K copies of the samples, fewer of them at a time. Layers without a rule (see
    `tic.measure.rules`), or whose rule disagrees with autograd, go through autograd sample by
    sample; of the latter the log says so.

    That samples do not depend on each other, on how many there are, or on earlier calls is tried on
    a few samples of the first batch to which the model reacts. On every batch each rule must know
    which sample is which. Modes, gradients and hooks are left as they were; what a forward itself
    changes, such as a counter, is changed.

    A model may draw torch's random numbers, as rate coding does: then this is the information
    given the numbers that it drew, one draw per sample for all classes and timesteps, and follows
    `torch.manual_seed`.

    Args:
        model: Maps inputs (B, …) to logits (T, B, K), with parameters in float32 or float64. It
            starts every call from the same state.
        loader: Batches of inputs (B, …) and labels (B,). With `batch-mean`, their size is part of
            the definition.
        estimator: Which expectation; see `Estimator`.
        readout: `mean` or `sum` of the logits over 1..t; with the sum the softmax saturates with t.
        generator: Seeds the labels of `sampled`, which belong to a sample's place in the loader,
            however it is split into batches; seed 0 without it.

    Returns:
        Traces over time, per layer and in all, of the parameters that require a gradient.

    Raises:
        TicError: The loader gives no samples or something else than batches (inputs, labels), the
            estimator or read-out is unknown, the logits are not (T, B, K) or not finite, samples
            depend on each other, or the model keeps state between calls.
    """
    require_known("estimator", estimator, Estimator)
    kind = Estimator(estimator)
    draws = LabelDraws(generator)
    if kind is Estimator.EXACT:
        squares = over_classes(model, loader, readout, _exact_squares)
    else:
        squares = over_batches(
            model,
            loader,
            readout,
            lambda made: _squares(made, kind, draws),
            whole=kind is Estimator.BATCH_MEAN,
        )
    return joined(squares, kind)


Squares = tuple[int, dict[str, Tensor]]
"""Number of images in a batch, and squared norms per layer in float64: shape (B, T), or (1, T) of
the whole batch for `batch-mean`."""


def joined(batches: Sequence[Squares], estimator: Estimator) -> FisherInformation:
    """Join the squared gradients of batches, in the loader's order."""
    names = batches[0][1]
    require_one_length(values.shape[1] for _, squares in batches for values in squares.values())
    squares = {
        name: torch.cat([squares_of_batch[name] for _, squares_of_batch in batches])
        for name in names
    }
    return FisherInformation(
        by_layer={name: values.mean(0).cpu().numpy() for name, values in squares.items()},
        per_sample=(
            None
            if estimator is Estimator.BATCH_MEAN
            else torch.stack(list(squares.values())).sum(0).cpu().numpy()
        ),
        estimator=estimator,
        samples=sum(size for size, _ in batches),
    )


def _squares(made: Pass, kind: Estimator, draws: LabelDraws) -> Squares:
    columns = []
    for t, prefix in enumerate(made.prefixes):
        labels = made.batch.labels
        if kind is Estimator.SAMPLED:
            labels = draws.labels(prefix, made.batch.first, t, len(made.prefixes))
        weights = output_error(prefix, labels)
        columns.append(
            made.gradients.of_sum(prefix, weights / len(labels))
            if kind is Estimator.BATCH_MEAN
            else made.gradients.per_sample(prefix, weights)
        )
    return len(made.batch), over_time(columns)


def _exact_squares(made: Pass) -> Squares:
    columns = []
    for prefix, kernels in zip(made.prefixes, made.kernels(), strict=True):
        logits = made.first_copy(prefix)
        columns.append({name: expected(kernel, logits) for name, kernel in kernels.items()})
    return len(made.batch), over_time(columns)


def expected(kernels: Tensor, logits: Tensor) -> Tensor:
    """Expectation Σ_k p_k (p - e_k)ᵀ K (p - e_k) over the labels.

    Args:
        kernels: K in `logit_basis`, shape (B, K, K).
        logits: Shape (B, K), whose softmax is p.

    Returns:
        Shape (B,), float64.
    """
    size, classes = logits.shape
    labels = torch.arange(classes, device=logits.device).repeat(size)
    errors = output_error(logits.repeat_interleave(classes, 0), labels)
    forms = at_errors(errors.view(size, classes, classes), kernels)
    return (logits.double().softmax(1) * forms).sum(1)


def at_errors(errors: Tensor, kernels: Tensor) -> Tensor:
    """δᵀ K δ for M errors δ each, with K in `logit_basis`: (B, M, K), (B, K, K) -> (B, M), float64.

    δ has no part along the first row of the basis, where rounding may be larger than all the rest.
    """
    vectors = errors.double() @ logit_basis(errors.shape[2]).to(errors.device)[1:].T
    inner = kernels.double()[:, 1:, 1:]
    return ((vectors @ inner) * vectors).sum(2).clamp_(min=0)


def over_time(columns: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Join what was found at every prefix: (B,) for each t to (B, T), in float64."""
    return {
        name: torch.stack([column[name].double().reshape(-1) for column in columns], 1)
        for name in columns[0]
    }


@dataclass(frozen=True, kw_only=True)
class FisherMeasurement(Measurement):
    """Fisher trace per layer and timestep."""

    name: ClassVar[str] = "fisher"
    version: ClassVar[int] = 4
    over_time: ClassVar[tuple[str, ...]] = ("by_layer",)

    split: Split = "train"
    estimator: Estimator = Estimator.EMPIRICAL
    readout: Readout = Readout.MEAN
    batch_size: int = 128

    def take(
        self, network: nn.Module, samples: Samples, partners: Sequence[nn.Module]
    ) -> dict[str, Any]:
        """See `Measurement.take`; gives `by_layer`: {name: [I_1, …, I_T]}."""
        info = fisher_information(
            network,
            samples.batches(self.batch_size),
            self.estimator,
            readout=self.readout,
            generator=seeding.generator(0, "labels"),
        )
        return {"by_layer": by_layer(info)}

    def shape(self, recipe: Recipe) -> Shape:
        """See `Measurement.shape`."""
        return {"by_layer": every_layer(self, recipe)}


def by_layer(info: FisherInformation) -> dict[str, list[float]]:
    """Traces over time by layer, as a measurement gives them."""
    return {name: trace.tolist() for name, trace in info.by_layer.items()}
