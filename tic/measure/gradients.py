"""Weight gradients of a whole network, squared or multiplied: by the layers' rules, or autograd."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from tic.errors import TicError
from tic.measure.capture import Capture
from tic.measure.per_sample import LayerRule
from tic.measure.rules import require_separate_samples, rule_for

PRECISIONS = (torch.float32, torch.float64, torch.complex64, torch.complex128)
"""Of parameters, whose squared gradients would vanish or be rounded away in any other."""


class Layers:
    """The model's parameters that require a gradient, each under a rule or left to autograd.

    Attributes:
        rules: By layer name: how its per-sample norms follow from its inputs and outputs.
        others: By layer name: parameters without a rule.
        names: All layer names, in the model's order.

    Raises:
        TicError: No parameter requires a gradient, one is in half precision or was made in
            inference mode, or a layer mixes samples.
    """

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
            parameters = [p for p in held if p.requires_grad and p not in counted]
            with _naming(name):
                require_separate_samples(module)
                _require_measurable(parameters)
            if not parameters:
                continue
            counted.update(parameters)
            self.names.append(name)
            rule = None if any(p in shared for p in held) else rule_for(module)
            if rule is None:
                self.others[name] = parameters
            else:
                self.rules[name] = rule
        if not self.names:
            raise TicError(
                "the model must have a parameter that requires a gradient, got none; "
                "set requires_grad of those to be measured"
            )

    def parameters(self, name: str) -> list[nn.Parameter]:
        """A layer's own parameters that require a gradient."""
        return self.others.get(name) or [
            p for p in self.rules[name].module.parameters(recurse=False) if p.requires_grad
        ]

    def reread(self, name: str) -> bool:
        """Let a layer's rule take its samples to lie outermost, unless it does so already."""
        rule = self.rules[name]
        changed, rule.batch_outermost = not rule.batch_outermost, True
        return changed

    def leave_to_autograd(self, names: Iterable[str]) -> None:
        """Take the rules of layers away, so that their gradients come sample by sample."""
        for name in names:
            self.others[name] = self.parameters(name)
            del self.rules[name]


def _require_measurable(parameters: Iterable[nn.Parameter]) -> None:
    for parameter in parameters:
        if isinstance(parameter, nn.parameter.UninitializedParameter):
            raise TicError(
                "parameters must have numbers, got one of a lazy layer that was never called; call "
                "the model once on a batch first"
            )
        if parameter.dtype not in PRECISIONS:
            raise TicError(
                f"parameters must be float32 or float64, since squared gradients vanish or are "
                f"rounded away in less, got {parameter.dtype}; measure a copy in float32: "
                f"copy.deepcopy(model).float()"
            )
        if parameter.is_meta:
            raise TicError(
                "its parameters are on the meta device and have no numbers; load its weights"
            )
        if parameter.is_inference():
            raise TicError(
                "its parameters were made in inference mode and can have no gradient; build or "
                "load the model outside of torch.inference_mode()"
            )


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


@dataclass
class Gradients:
    """Weight gradients of one forward over C copies of B samples, for any weighting of its logits.

    V weightings take one backward where every copy has one of its own, else one each.

    Attributes:
        layers: Of the model.
        captures: What passed through those with a rule.
        batch: Number of samples B.
        copies: Number of copies C, one or V.
        watched: Layers with a rule of which it is to be noted whether any gradient was met, by the
            rule or by autograd, which is asked for that of the sum beside.
        stirred: Those of which one was.
    """

    layers: Layers
    captures: dict[str, Capture]
    batch: int
    copies: int = 1
    watched: Collection[str] = ()
    stirred: set[str] = field(default_factory=set)

    def inner(self, logits: Tensor, weights: Tensor) -> dict[str, Tensor]:
        """Inner products per layer of the gradients of each sample's Σ_k weights·logits.

        Args:
            logits: Shape (C·B, K), copy after copy.
            weights: Shape (V, B, K), in any precision.

        Returns:
            Shape (B, V, V) by layer, float64.
        """
        shares, scales = _normalised(weights)
        shares = shares.to(logits.dtype)
        result = self._by_autograd(logits, shares) | self._by_rule(logits, shares)
        lengths = scales.T[:, :, None] * scales.T[:, None, :]
        return {name: result[name].double() * lengths for name in self.layers.names}

    def _by_rule(self, logits: Tensor, weights: Tensor) -> dict[str, Tensor]:
        """Inner products of the layers with a rule."""
        backwards = self._backwards(logits, weights)
        result, first, directions = {}, 0, len(weights)
        for name, captured in self.captures.items():
            last = first + len(captured.outlets)
            slopes = [gradients[first:last] for gradients in backwards]
            # The network may have been run in half precision; what is made of it is not.
            with torch.autocast(logits.device.type, enabled=False):
                products = captured.inner(slopes, self.batch, self.copies)
            if name in self.watched and products is not None and products.any():
                self.stirred.add(name)
            nothing = logits.new_zeros(self.batch, directions, directions)
            result[name], first = nothing if products is None else products, last
        return result

    def strays(self, logits: Tensor, weights: Tensor) -> dict[str, float]:
        """Squared gradients that the rules give samples which were asked for none, by layer.

        Args:
            logits: Shape (C·B, K); every other sample of the first copy is asked.
            weights: Shape (B, K).

        Returns:
            The largest of each layer where it is not 0; a rule that knows which sample is which
            gives none.
        """
        alternate = torch.zeros(self.copies, *weights.shape).to(weights)
        alternate[0, ::2] = weights[::2]
        products = self._by_rule(logits, alternate.to(logits.dtype))
        strays = {}
        for name, inner in products.items():
            norms = inner.diagonal(dim1=1, dim2=2).clone()
            norms[::2, 0] = 0
            if norms.any():
                strays[name] = float(norms.max())
        return strays

    def per_sample(self, logits: Tensor, weights: Tensor) -> dict[str, Tensor]:
        """Squared norms per layer of the gradient of each sample's Σ_k weights·logits.

        Args:
            logits: Shape (C·B, K); the first copy is asked.
            weights: Shape (B, K), in any precision.

        Returns:
            Shape (B,) by layer, float64.
        """
        every = torch.cat([weights[None], weights.new_zeros(self.copies - 1, *weights.shape)])
        return {name: products[:, 0, 0] for name, products in self.inner(logits, every).items()}

    def of_sum(self, logits: Tensor, weights: Tensor) -> dict[str, Tensor]:
        """Squared norm per layer of the gradient of Σ weights·logits, float64, scalars.

        Args:
            logits: Shape (B, K).
            weights: Of the same shape, in any precision.
        """
        return self.squares(logits, weights, self.layers.names)

    def squares(self, logits: Tensor, weights: Tensor, names: list[str]) -> dict[str, Tensor]:
        """Squared norm per named layer of the gradient of Σ weights·logits, by autograd."""
        shares, scale = _normalised(weights.flatten())
        gradients = self._gradients(logits, shares.view_as(weights).to(logits.dtype), names)
        return {
            name: gradient.double().square().sum() * scale**2
            for name, gradient in gradients.items()
        }

    def _backwards(self, logits: Tensor, weights: Tensor) -> list[tuple[Tensor | None, ...]]:
        """Gradients at every outlet, for one backward after the other."""
        edges = [outlet.edge for captured in self.captures.values() for outlet in captured.outlets]
        owners = [(name, p) for name in self.watched for p in self.layers.parameters(name)]
        if not edges and not owners:
            return []
        sought: list[Any] = [*edges, *(parameter for _, parameter in owners)]
        backwards: list[tuple[Tensor | None, ...]] = []
        for some in torch.split(weights, self.copies):
            gradients = torch.autograd.grad(
                logits, sought, some.flatten(0, 1), retain_graph=True, allow_unused=True
            )
            backwards.append(gradients[: len(edges)])
            pairs = zip(owners, gradients[len(edges) :], strict=True)
            self.stirred |= {
                name for (name, _), gradient in pairs if gradient is not None and gradient.any()
            }
        return backwards

    def _by_autograd(self, logits: Tensor, weights: Tensor) -> dict[str, Tensor]:
        """Inner products of the layers without a rule, one row of the logits after the other."""
        names = list(self.layers.others)
        products: dict[str, list[Tensor]] = {name: [] for name in names}
        for sample in range(self.batch if names else 0):
            rows = [v % self.copies * self.batch + sample for v in range(len(weights))]
            vectors = [
                self._gradients(logits[row], weighting[sample], names)
                for row, weighting in zip(rows, weights, strict=True)
            ]
            for name in names:
                stacked = torch.stack([vector[name] for vector in vectors])
                products[name].append(stacked @ stacked.mT)
        return {name: torch.stack(rows) for name, rows in products.items()}

    def _gradients(self, logits: Tensor, weights: Tensor, names: list[str]) -> dict[str, Tensor]:
        """Gradient of Σ weights·logits at all parameters of each named layer, as one vector."""
        owned = {name: self.layers.parameters(name) for name in names}
        flat = [parameter for parameters in owned.values() for parameter in parameters]
        gradients = torch.autograd.grad(
            logits, flat, weights, retain_graph=True, allow_unused=True, materialize_grads=True
        )
        vectors = iter(_vector(gradient) for gradient in gradients)
        return {
            name: torch.cat([next(vectors) for _ in parameters])
            for name, parameters in owned.items()
        }


def _normalised(weights: Tensor) -> tuple[Tensor, Tensor]:
    """Part weightings (…, K) into such of about 1 and powers of two (…), which rounds nothing.

    The gradient of a confident answer is tiny, and its square would leave single precision.
    """
    precise = weights.double()
    _, exponents = torch.frexp(precise.abs().amax(-1))
    scales = torch.ldexp(torch.ones_like(exponents, dtype=torch.float64), exponents)
    return precise / scales[..., None], scales


def _vector(gradient: Tensor) -> Tensor:
    """A gradient as a vector of real numbers: of a complex one, both parts."""
    dense = gradient if gradient.layout is torch.strided else gradient.to_dense()
    return (torch.view_as_real(dense) if dense.is_complex() else dense).flatten()
