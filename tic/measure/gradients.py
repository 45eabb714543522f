"""Weight gradients of a whole network, squared or multiplied: by the layers' rules, or autograd."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tic.errors import TicError
from tic.measure.capture import Capture
from tic.measure.per_sample import LayerRule, rule_for


class Layers:
    """The model's parameters that require a gradient, each under a rule or left to autograd.

    Attributes:
        rules: By layer name: how its per-sample norms follow from its inputs and outputs.
        others: By layer name: parameters without a rule.
        names: All layer names, in the model's order.

    Raises:
        TicError: No parameter requires a gradient, or a layer mixes samples.
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
        """A layer's own parameters that require a gradient."""
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


@dataclass
class Gradients:
    """Weight gradients of one forward over V copies of B samples, for any weighting of its logits.

    Attributes:
        layers: Of the model.
        captures: What passed through those with a rule.
        batch: Number of samples B.
        directions: Number of copies V, each of which has a weighting of its own.
    """

    layers: Layers
    captures: dict[str, Capture]
    batch: int
    directions: int = 1

    def inner(self, logits: Tensor, weights: Tensor) -> dict[str, Tensor]:
        """Inner products per layer of the gradients of each sample's Σ_k weights·logits.

        Args:
            logits: Shape (V·B, K), copy after copy.
            weights: Of the same shape.

        Returns:
            Shape (B, V, V) by layer.
        """
        edges = [edge for each in self.captures.values() for edge in each.edges]
        found = iter(
            torch.autograd.grad(logits, edges, weights, retain_graph=True, allow_unused=True)
            if edges
            else ()
        )
        result = {}
        shape = (self.batch, self.directions, self.directions)
        for name, each in self.captures.items():
            with _naming(name):
                own = each.inner([next(found) for _ in each.edges], self.batch, self.directions)
            result[name] = logits.new_zeros(shape) if own is None else own
        if self.layers.others:
            result |= self._by_autograd(logits, weights)
        return {name: result[name] for name in self.layers.names}

    def per_sample(self, logits: Tensor, weights: Tensor) -> dict[str, Tensor]:
        """Squared norms (B,) per layer of the gradient of each sample's Σ_k weights·logits."""
        return {name: own[:, 0, 0] for name, own in self.inner(logits, weights).items()}

    def of_sum(self, logits: Tensor, weights: Tensor) -> dict[str, Tensor]:
        """Squared norm per layer of the gradient of the sum over the batch."""
        return self.squares(logits, weights, self.layers.names)

    def _by_autograd(self, logits: Tensor, weights: Tensor) -> dict[str, Tensor]:
        """Inner products of the layers without a rule, one row of the logits after the other."""
        names = list(self.layers.others)
        products: dict[str, list[Tensor]] = {name: [] for name in names}
        for sample in range(self.batch):
            rows = range(sample, len(logits), self.batch)
            vectors = [self._gradients(logits[row], weights[row], names) for row in rows]
            for name in names:
                stacked = torch.stack([each[name] for each in vectors])
                products[name].append(stacked @ stacked.mT)
        return {name: torch.stack(each) for name, each in products.items()}

    def squares(self, logits: Tensor, weights: Tensor, names: list[str]) -> dict[str, Tensor]:
        """Squared norm per named layer of the gradient of Σ weights·logits, by autograd."""
        found = self._gradients(logits, weights, names)
        return {name: vector.square().sum() for name, vector in found.items()}

    def _gradients(self, logits: Tensor, weights: Tensor, names: list[str]) -> dict[str, Tensor]:
        """Gradient of Σ weights·logits at all parameters of each named layer, as one vector."""
        owned = {name: self.layers.parameters(name) for name in names}
        flat = [parameter for own in owned.values() for parameter in own]
        found = torch.autograd.grad(
            logits, flat, weights, retain_graph=True, allow_unused=True, materialize_grads=True
        )
        each = iter(gradient.flatten() for gradient in found)
        return {name: torch.cat([next(each) for _ in own]) for name, own in owned.items()}


def check_against_autograd(gradients: Gradients, logits: Tensor, weights: Tensor) -> None:
    """Compare the first sample's norms with autograd's, layer by layer.

    Args:
        gradients: Of a forward.
        logits: Read-outs (B, K) of that forward.
        weights: Gradients (B, K) at the logits.

    Raises:
        TicError: A layer's norms differ; it is named. That finds what no rule can know: a
            weight used outside its layer's call, samples that depend on each other, another order
            of time and batch.
    """
    names = list(gradients.layers.rules)
    if not names:
        return
    ours = gradients.per_sample(logits, weights)
    theirs = gradients.squares(logits[0], weights[0], names)
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
