"""Squared weight gradients of a whole network: every layer by its rule, or by autograd."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tic.errors import TicError
from tic.measure.per_sample import Capture, LayerRule, rule_for


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
    """Squared gradient norms of one forward, for any weighting of its logits."""

    layers: Layers
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
        return self.squares(logits, weights, self.layers.names)

    def _by_autograd(self, logits: Tensor, weights: Tensor, sample: int) -> dict[str, Tensor]:
        return self.squares(logits[sample], weights[sample], list(self.layers.others))

    def squares(self, logits: Tensor, weights: Tensor, names: list[str]) -> dict[str, Tensor]:
        """Squared norm per named layer of the gradient of Σ weights·logits, by autograd."""
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
