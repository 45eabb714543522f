"""Fisher information over time: the trace I_t of the prefix 1..t (Kim et al. 2023, Eq. 4-7)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn
from torch.nn.functional import one_hot

from tic.errors import TicError
from tic.losses import prefix_logits
from tic.measure.per_sample import Capture, LayerRule, capture, rule_for
from tic.models import SpikingNetwork
from tic.models.modes import evaluation_mode

Loader = Iterable[tuple[Tensor, Tensor]]


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
        estimator: How it was estimated.
        samples: Number of images N.
    """

    by_layer: dict[str, NDArray[np.float64]]
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
    generator: torch.Generator | None = None,
) -> FisherInformation:
    """Measure the Fisher information of the weights at every prefix 1..t.

    The log-likelihood of a prefix is that of its mean logits. The model runs in evaluation mode, so
    that samples do not depend on each other, and is left as it was found. Per batch there is one
    forward and, per timestep, one backward to the outputs of the layers (K of them for `exact`).
    Layers without a rule (see `tic.measure.per_sample`) go through autograd sample by sample.

    Args:
        model: Maps images (B, C, H, W) to logits (T, B, K); state is its own affair.
        loader: Batches of images and labels (B,). With `official`, their size is part of the
            definition.
        estimator: Which expectation; see `Estimator`.
        generator: Draws the labels of `sampled`; a fresh one with seed 0 without it.

    Returns:
        Traces over time, per layer and in all, of the parameters that require a gradient.

    Raises:
        TicError: The loader is empty, the estimator unknown, the logits not (T, B, K), a layer
            mixes samples, or a layer's gradients disagree with autograd.
    """
    kind = _estimator(estimator)
    draws = generator or torch.Generator().manual_seed(0)
    layers = _Layers(model)
    device = next(model.parameters()).device
    totals: dict[str, Tensor] = {}
    samples = batches = 0
    checked: set[int] = set()  # the order of a layer's axes is told by the size of the batch
    with _as_measured(model):
        for images, labels in loader:
            size = len(labels)
            outcome = _measure_batch(
                layers, images.to(device), labels.to(device), kind, draws, check=size not in checked
            )
            for name, values in outcome.items():
                totals[name] = totals.get(name, 0) + values
            samples, batches = samples + size, batches + 1
            checked.add(size)
    if not samples:
        raise TicError("the loader must give at least one batch, got none")
    count = batches if kind is Estimator.OFFICIAL else samples
    by_layer = {name: (total / count).cpu().numpy() for name, total in totals.items()}
    return FisherInformation(by_layer, kind, samples)


def _estimator(name: Estimator | str) -> Estimator:
    try:
        return Estimator(name)
    except ValueError:
        known = ", ".join(Estimator)
        raise TicError(f"unknown estimator {name!r}; known: {known}") from None


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


class _Layers:
    """The model's parameters, each under a rule or left to autograd."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.rules: dict[str, LayerRule] = {}
        self.others: dict[str, list[nn.Parameter]] = {}
        self.names: list[str] = []
        shared = _shared_parameters(model)
        counted: set[nn.Parameter] = set()
        for name, module in model.named_modules():
            held = list(module.parameters(recurse=False))
            # A tied parameter counts once, for its first owner.
            own = [p for p in held if p.requires_grad and p not in counted]
            if not own:
                continue
            counted.update(own)
            self.names.append(name)
            with _naming(name):
                rule = None if any(p in shared for p in held) else rule_for(module)
            if rule is None:
                self.others[name] = own
            else:
                self.rules[name] = rule
        if not self.names:
            raise TicError("the model has no parameter that requires a gradient")

    def parameters(self, name: str) -> list[nn.Parameter]:
        return self.others.get(name) or [
            p for p in self.rules[name].module.parameters(recurse=False) if p.requires_grad
        ]


@contextmanager
def _naming(layer: str) -> Iterator[None]:
    try:
        yield
    except TicError as error:
        raise TicError(f"layer {layer!r}: {error}") from None


def _shared_parameters(model: nn.Module) -> set[nn.Parameter]:
    """Parameters that more than one module owns: their gradient is not one layer's."""
    every = [p for module in model.modules() for p in module.parameters(recurse=False)]
    return {p for p in every if sum(p is q for q in every) > 1}


def _measure_batch(
    layers: _Layers,
    images: Tensor,
    labels: Tensor,
    kind: Estimator,
    draws: torch.Generator,
    *,
    check: bool,
) -> dict[str, Tensor]:
    """Sum over the batch (or, official, take once) of squared norms: {layer: (T,)} in float64."""
    with capture(layers.rules) as captures:
        prefixes = _prefixes(layers.model, images)
    gradients = _Gradients(layers, captures, len(labels))
    if check:
        _check_against_autograd(gradients, prefixes[-1], labels)
    totals = {
        name: torch.zeros(len(prefixes), dtype=torch.float64, device=images.device)
        for name in layers.names
    }
    for t, prefix in enumerate(prefixes):
        for weights in _output_gradients(prefix.detach(), labels, kind, draws):
            squares = (
                gradients.of_sum(prefix, weights / len(labels))
                if kind is Estimator.OFFICIAL
                else gradients.per_sample(prefix, weights)
            )
            for name, values in squares.items():
                totals[name][t] += values.double().sum()
    return totals


def _prefixes(model: nn.Module, images: Tensor) -> list[Tensor]:
    """Mean logits (B, K) over 1..t for every t, without later timesteps in their graphs."""
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
    return [prefix_logits(torch.cat(readouts[:t]))[-1] for t in range(1, len(readouts) + 1)]


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
            yield (probabilities - one_hot(label, classes)) * probabilities[:, k : k + 1].sqrt()
        return
    if kind is Estimator.SAMPLED:
        drawn = torch.multinomial(probabilities.to(draws.device), 1, generator=draws)
        labels = drawn.squeeze(1).to(logits.device)
    yield probabilities - one_hot(labels, classes)


@dataclass
class _Gradients:
    """Squared gradient norms of one forward, for any weighting of its logits."""

    layers: _Layers
    captures: dict[str, Capture]
    batch: int

    def per_sample(self, logits: Tensor, weights: Tensor) -> dict[str, Tensor]:
        """Squared norms (B,) per layer of the gradient of each sample's Σ_k weights·logits."""
        edges = [edge for each in self.captures.values() for edge in each.edges]
        found = iter(
            torch.autograd.grad(logits, edges, weights, retain_graph=True, allow_unused=True)
            if edges
            else ()
        )
        result = {}
        for name, each in self.captures.items():
            with _naming(name):
                norms = each.norms([next(found) for _ in each.edges], self.batch)
            result[name] = logits.new_zeros(self.batch) if norms is None else norms
        if self.layers.others:
            rows = [self._by_autograd(logits, weights, n) for n in range(self.batch)]
            result |= {name: torch.stack([row[name] for row in rows]) for name in rows[0]}
        return result

    def of_sum(self, logits: Tensor, weights: Tensor) -> dict[str, Tensor]:
        """Squared norm per layer of the gradient of the sum over the batch."""
        return self._squares(logits, weights, self.layers.names)

    def _by_autograd(self, logits: Tensor, weights: Tensor, sample: int) -> dict[str, Tensor]:
        return self._squares(logits[sample], weights[sample], list(self.layers.others))

    def _squares(self, logits: Tensor, weights: Tensor, names: list[str]) -> dict[str, Tensor]:
        owned = {name: self.layers.parameters(name) for name in names}
        flat = [parameter for own in owned.values() for parameter in own]
        found = iter(
            torch.autograd.grad(logits, flat, weights, retain_graph=True, allow_unused=True)
        )
        return {
            name: sum(
                (g.square().sum() for g in [next(found) for _ in own] if g is not None),
                logits.new_zeros(()),
            )
            for name, own in owned.items()
        }


def _check_against_autograd(gradients: _Gradients, logits: Tensor, labels: Tensor) -> None:
    """Compare the first sample's norms with autograd's, layer by layer.

    It finds what no rule can know: a weight used outside its layer's call, samples that depend on
    each other, another order of time and batch.
    """
    names = list(gradients.layers.rules)
    if not names:
        return
    weights = next(_output_gradients(logits.detach(), labels, Estimator.EMPIRICAL, None))  # type: ignore[arg-type]
    ours = gradients.per_sample(logits, weights)
    theirs = gradients._squares(logits[0], weights[0], names)
    tolerance = 1e-2 if logits.dtype is torch.float32 else 1e-6
    if logits.dtype in (torch.float16, torch.bfloat16):
        tolerance = 0.2
    floor = 1e-6 * sum(float(value) for value in theirs.values())
    for name in names:
        expected, got = float(theirs[name]), float(ours[name][0])
        if abs(expected - got) > tolerance * expected + floor:
            raise TicError(
                f"layer {name!r}: squared gradient of the first sample is {expected:.6g} by "
                f"autograd and {got:.6g} from its inputs and outputs; is its weight used outside "
                f"the layer, do samples of a batch depend on each other, or is another axis of its "
                f"inputs as long as the batch?"
            )
