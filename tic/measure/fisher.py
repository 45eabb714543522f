"""Fisher information over time: the trace I_t of the prefix 1..t (Kim et al. 2023, Eq. 4-7)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn
from torch.nn.functional import one_hot

from tic.errors import TicError
from tic.losses import Readout, prefix_logits
from tic.measure.gradients import Gradients, Layers, check_against_autograd
from tic.measure.per_sample import capture
from tic.models import SpikingNetwork
from tic.models.modes import evaluation_mode

Loader = Iterable[tuple[Tensor, Tensor]]
Option = TypeVar("Option", bound=StrEnum)
Taken = TypeVar("Taken")


class Estimator(StrEnum):
    """Which expectation stands for the Fisher information of the prefix 1..t."""

    EMPIRICAL = "empirical"
    """Mean over samples of ‖∇ log p(y_n | x_n)‖² at the data's label y_n (Eq. 6)."""

    OFFICIAL = "official"
    """Mean over batches of the squared norm of the batch-mean gradient, as the paper's release
    does with batches of 16; the release then multiplies by 101/100. Its expectation is
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
            float64; None for `official`, which has no such thing.
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
        TicError: The trace is empty, not finite, negative somewhere or zero everywhere.
    """
    values = np.asarray(trace, dtype=np.float64)
    if values.ndim != 1 or not values.size:
        raise TicError(f"the trace must have shape (T,) with T >= 1, got {values.shape}")
    if not np.isfinite(values).all() or (values < 0).any() or not values.any():
        raise TicError(
            f"the trace must be finite, not negative and not zero throughout, got {values}"
        )
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
    runs in evaluation mode, so that samples do not depend on each other, and is left as it was
    found. Per batch there is one forward and, per timestep, one backward to the outputs of the
    layers (K of them for `exact`).
    Layers without a rule (see `tic.measure.per_sample`) go through autograd sample by sample.

    Args:
        model: Maps images (B, C, H, W) to logits (T, B, K); state is its own affair.
        loader: Batches of images and labels (B,). With `official`, their size is part of the
            definition.
        estimator: Which expectation; see `Estimator`.
        readout: `mean` or `sum` of the logits over 1..t; with the sum the softmax saturates with t.
        generator: Draws the labels of `sampled`; a fresh one with seed 0 without it.

    Returns:
        Traces over time, per layer and in all, of the parameters that require a gradient.

    Raises:
        TicError: The loader is empty, the estimator or read-out unknown, the logits not (T, B, K),
            a layer mixes samples, or a layer's gradients disagree with autograd.
    """
    kind = _known(Estimator, estimator)
    draws = generator or torch.Generator().manual_seed(0)
    batches = over_batches(
        model, loader, readout, lambda batch: (len(batch.labels), batch.squares(kind, draws))
    )
    squares = {name: torch.cat([each[name] for _, each in batches]) for name in batches[0][1]}
    return FisherInformation(
        by_layer={name: values.mean(0).cpu().numpy() for name, values in squares.items()},
        per_sample=(
            None
            if kind is Estimator.OFFICIAL
            else torch.stack(list(squares.values())).sum(0).cpu().numpy()
        ),
        estimator=kind,
        samples=sum(size for size, _ in batches),
    )


def over_batches(
    model: nn.Module, loader: Loader, readout: Readout | str, take: Callable[[Batch], Taken]
) -> list[Taken]:
    """Take what is wanted of every batch while the model is as it is measured.

    Args:
        model: As for `fisher_information`; left as it was found.
        loader: Batches of images and labels (B,).
        readout: `mean` or `sum` of the logits over 1..t.
        take: Called once per batch, after the rules of its layers were checked.

    Returns:
        What was taken, in the loader's order.

    Raises:
        TicError: As for `fisher_information`.
    """
    how = _known(Readout, readout)
    layers = Layers(model)
    device = next(model.parameters()).device
    taken: list[Taken] = []
    checked: set[int] = set()
    with _as_measured(model):
        for images, labels in loader:
            batch = Batch(layers, images.to(device), labels.to(device), how)
            # The order of a layer's axes is told by the batch's size.
            if len(labels) not in checked:
                batch.check()
                checked.add(len(labels))
            taken.append(take(batch))
    if not taken:
        raise TicError("the loader must give at least one batch, got none")
    return taken


def output_error(logits: Tensor, labels: Tensor) -> Tensor:
    """Gradient p - e_y of -log p(y) at the logits: (B, K), (B,) -> (B, K)."""
    return logits.detach().softmax(1) - one_hot(labels, logits.shape[1])


def _known(options: type[Option], name: str) -> Option:
    try:
        return options(name)
    except ValueError:
        known = ", ".join(options)
        raise TicError(f"unknown {options.__name__.lower()} {name!r}; known: {known}") from None


@contextmanager
def _as_measured(model: nn.Module) -> Iterator[None]:
    """Evaluation mode and, where the network offers it, a graph per timestep; restored after."""
    networks = {m: m.stepwise for m in model.modules() if isinstance(m, SpikingNetwork)}
    for network in networks:
        network.stepwise = True
    try:
        with evaluation_mode(model), torch.enable_grad():
            yield
    finally:
        for network, stepwise in networks.items():
            network.stepwise = stepwise


class Batch:
    """One forward over a batch, and the squared gradients of its prefixes' log-likelihoods.

    Attributes:
        labels: Shape (B,).
        prefixes: Logits (B, K) of every prefix 1..t, with their graphs.
        gradients: Squared weight gradients of any weighting of those logits.
    """

    def __init__(self, layers: Layers, images: Tensor, labels: Tensor, readout: Readout) -> None:
        self.labels = labels
        with capture(layers.rules) as captures:
            self.prefixes = _prefixes(layers.model, images, readout)
        self.gradients = Gradients(layers, captures, len(labels))

    def check(self) -> None:
        """Compare the rules of the layers with autograd at the last prefix."""
        logits = self.prefixes[-1]
        check_against_autograd(self.gradients, logits, output_error(logits, self.labels))

    def squares(self, kind: Estimator, draws: torch.Generator) -> dict[str, Tensor]:
        """Squared norms per layer in float64, shape (B, T); (1, T) of the batch for `official`."""
        columns = [self._at(prefix, kind, draws) for prefix in self.prefixes]
        return {name: torch.stack([each[name] for each in columns], 1) for name in columns[0]}

    def _at(self, prefix: Tensor, kind: Estimator, draws: torch.Generator) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {}
        for weights in _output_gradients(prefix.detach(), self.labels, kind, draws):
            squares = (
                self.gradients.of_sum(prefix, weights / len(self.labels))
                if kind is Estimator.OFFICIAL
                else self.gradients.per_sample(prefix, weights)
            )
            for name, values in squares.items():
                found[name] = found.get(name, 0) + values.double().reshape(-1)
        return {name: found[name] for name in self.gradients.layers.names}


def _prefixes(model: nn.Module, images: Tensor, readout: Readout) -> list[Tensor]:
    """Read-outs (B, K) over 1..t for every t, without later timesteps in their graphs."""
    if isinstance(model, SpikingNetwork):
        readouts = model.readouts(images)
    else:
        logits = model(images)
        if logits.dim() != 3 or logits.shape[1] != len(images):
            raise TicError(
                f"the model must return logits (T, B, K) with B={len(images)}, "
                f"got shape {tuple(logits.shape)}"
            )
        readouts = list(torch.split(logits, 1))
    times = range(1, len(readouts) + 1)
    return [prefix_logits(torch.cat(readouts[:t]), readout)[-1] for t in times]


def _output_gradients(
    logits: Tensor, labels: Tensor, kind: Estimator, draws: torch.Generator
) -> Iterator[Tensor]:
    """Gradients of -log p at the logits (B, K) whose squares the estimator adds up."""
    classes = logits.shape[1]
    probabilities = logits.softmax(1)
    if kind is Estimator.EXACT:
        # Σ_k p_k ‖Jᵀ(p - e_k)‖²: the root of p_k goes into the gradient.
        for k in range(classes):
            label = torch.full_like(labels, k)
            yield output_error(logits, label) * probabilities[:, k : k + 1].sqrt()
        return
    if kind is Estimator.SAMPLED:
        drawn = torch.multinomial(probabilities.to(draws.device), 1, generator=draws)
        labels = drawn.squeeze(1).to(logits.device)
    yield output_error(logits, labels)
