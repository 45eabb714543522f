"""Squared norms of per-sample weight gradients, layer by layer.

A layer that maps its inputs linearly in its weights has, for sample b, the weight gradient
W_b = Σ_p g_bp a_bpᵀ over all positions p in time and space, with a the inputs and g the gradients
at the outputs. Its squared norm follows from W_b directly or from the Gram matrices of a and g,
‖W_b‖² = Σ_pq (a_bp·a_bq)(g_bp·g_bq), whichever costs less.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge, get_gradient_edge
from torch.nn import functional

from tic.errors import TicError

CHUNK_ELEMENTS = 2**25
"""Elements of unfolded inputs held at a time (128 MiB in float32)."""


def squared_norms(inputs: Tensor, gradients: Tensor) -> Tensor:
    """Squared Frobenius norm of Σ_p g_p a_pᵀ for every sample.

    Args:
        inputs: a, shape (B, P, D).
        gradients: g, shape (B, P, O).

    Returns:
        Shape (B,).
    """
    positions, width, outputs = *inputs.shape[1:], gradients.shape[2]
    if positions * (width + outputs) < width * outputs:
        gram = inputs @ inputs.mT
        return gram.mul_(gradients @ gradients.mT).sum((1, 2))
    return (gradients.mT @ inputs).square_().sum((1, 2))


def time_batch(values: Tensor, batch: int, trailing: int) -> Tensor:
    """Bring a layer's input or output into the order (time, batch, *trailing).

    Accepts (B, …), (T·B, …) with time outermost, (T, B, …) and, for layers applied along
    positions, which then count as time, (B, P, …), (T·B, P, …) and (T, B, P, …).

    Raises:
        TicError: The leading axes do not hold a multiple of the batch.
    """
    lead, rest = values.shape[:-trailing], values.shape[-trailing:]
    times_outermost = len(lead) > 1 and lead[1] == batch
    folded = values.flatten(0, 1) if times_outermost else values
    if len(folded) % batch:
        raise TicError(
            f"leading axes {tuple(lead)} hold no multiple of the {batch} samples of the batch"
        )
    positions = folded.reshape(len(folded) // batch, batch, -1, *rest)
    return positions.movedim(2, 1).flatten(0, 1)


class LayerRule(ABC):
    """How one kind of layer turns inputs and output gradients into per-sample squared norms."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module

    def trailing(self, values: Tensor) -> int:
        """Axes of one sample at one position in time, in an input or output of the layer."""
        return 1

    @abstractmethod
    def norms(self, inputs: Tensor, gradients: Tensor) -> Tensor:
        """Squared norms (B,) from inputs and output gradients of shape (T, B, …)."""

    def trains(self, name: str) -> bool:
        """Whether the layer owns a parameter of this name that requires a gradient."""
        parameter = dict(self.module.named_parameters(recurse=False)).get(name)
        return parameter is not None and parameter.requires_grad


class LinearRule(LayerRule):
    """Weights and bias of `nn.Linear`."""

    def norms(self, inputs: Tensor, gradients: Tensor) -> Tensor:
        """See `LayerRule.norms`."""
        result = gradients.new_zeros(gradients.shape[1])
        if self.trains("weight"):
            result += squared_norms(inputs.movedim(0, 1), gradients.movedim(0, 1))
        if self.trains("bias"):
            result += gradients.sum(0).square().sum(1)
        return result


class ConvolutionRule(LayerRule):
    """Weights and bias of `nn.Conv2d` with zero padding, any stride, dilation and groups."""

    def trailing(self, values: Tensor) -> int:
        """See `LayerRule.trailing`."""
        return 3

    def norms(self, inputs: Tensor, gradients: Tensor) -> Tensor:
        """See `LayerRule.norms`."""
        per_sample = inputs[:, :1].numel() * self._taps() + gradients[:, :1].numel()
        size = max(1, CHUNK_ELEMENTS // per_sample)
        pairs = zip(torch.split(inputs, size, 1), torch.split(gradients, size, 1), strict=True)
        return torch.cat([self._chunk_norms(a, g) for a, g in pairs])

    def _taps(self) -> int:
        kernel = self.module.kernel_size
        assert isinstance(kernel, tuple)
        return int(kernel[0] * kernel[1])

    def _chunk_norms(self, inputs: Tensor, gradients: Tensor) -> Tensor:
        groups = int(self.module.groups)  # type: ignore[arg-type]
        result = gradients.new_zeros(gradients.shape[1])
        if self.trains("weight"):
            patches = self._positions(self._unfold(inputs), groups)
            slopes = self._positions(gradients.flatten(3), groups)
            result += squared_norms(patches, slopes).view(-1, groups).sum(1)
        if self.trains("bias"):
            result += gradients.sum((0, 3, 4)).square().sum(1)
        return result

    def _unfold(self, inputs: Tensor) -> Tensor:
        module = self.module
        assert isinstance(module, nn.Conv2d)
        assert not isinstance(module.padding, str)
        patches = functional.unfold(
            inputs.flatten(0, 1),
            module.kernel_size,
            module.dilation,
            module.padding,
            module.stride,
        )
        return patches.view(*inputs.shape[:2], *patches.shape[1:])

    @staticmethod
    def _positions(values: Tensor, groups: int) -> Tensor:
        """(T, B, G·F, L) -> (B·G, T·L, F)."""
        times, batch, features, places = values.shape
        grouped = values.reshape(times, batch, groups, features // groups, places)
        return grouped.permute(1, 2, 0, 4, 3).flatten(2, 3).flatten(0, 1)


class BatchNormRule(LayerRule):
    """Scale and shift of batch normalisation with fixed statistics."""

    def trailing(self, values: Tensor) -> int:
        """See `LayerRule.trailing`."""
        if isinstance(self.module, nn.BatchNorm2d):
            return 3
        # torch's own layer takes (B, C, L); one that folds time takes (T, B, C) and (T, B, C, L).
        return max(1, values.dim() - (1 if type(self.module) is nn.BatchNorm1d else 2))

    def norms(self, inputs: Tensor, gradients: Tensor) -> Tensor:
        """See `LayerRule.norms`."""
        module = self.module
        assert isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)
        assert module.running_mean is not None
        assert module.running_var is not None
        shape = (-1,) + (1,) * (inputs.dim() - 3)
        scale = (module.running_var + module.eps).rsqrt().view(shape)
        normalised = (inputs - module.running_mean.view(shape)) * scale
        result = gradients.new_zeros(gradients.shape[1])
        if self.trains("weight"):
            result += self._sum(gradients * normalised)
        if self.trains("bias"):
            result += self._sum(gradients)
        return result

    def _sum(self, values: Tensor) -> Tensor:
        space = tuple(range(3, values.dim()))
        return values.sum((0, *space)).square().sum(1)


def rule_for(module: nn.Module) -> LayerRule | None:
    """Find the rule for a module, or None when its gradients must come from autograd.

    Raises:
        TicError: The module mixes the samples of a batch.
    """
    if {name for name, _ in module.named_parameters(recurse=False)} - {"weight", "bias"}:
        return None
    if isinstance(module, nn.Linear):
        return LinearRule(module)
    if isinstance(module, nn.Conv2d):
        plain = module.padding_mode == "zeros" and not isinstance(module.padding, str)
        return ConvolutionRule(module) if plain else None
    if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
        if module.running_mean is None:
            raise TicError("BatchNorm without running statistics mixes the samples of a batch")
        return BatchNormRule(module)
    return None


@dataclass
class Capture:
    """What passed through one layer during a forward: one item per call."""

    rule: LayerRule
    inputs: list[Tensor] = field(default_factory=list)
    edges: list[GradientEdge] = field(default_factory=list)

    def norms(self, gradients: Sequence[Tensor | None], batch: int) -> Tensor | None:
        """Per-sample squared norms (B,), or None when no gradient reached the layer."""
        reached = [
            (self._time_batch(a, batch), self._time_batch(g, batch))
            for a, g in zip(self.inputs, gradients, strict=True)
            if g is not None
        ]
        if not reached:
            return None
        return self.rule.norms(
            torch.cat([a for a, _ in reached]), torch.cat([g for _, g in reached])
        )

    def _time_batch(self, values: Tensor, batch: int) -> Tensor:
        return time_batch(values, batch, self.rule.trailing(values))


@contextmanager
def capture(rules: dict[str, LayerRule]) -> Iterator[dict[str, Capture]]:
    """Record inputs and output edges of the layers for as long as the context is open."""
    captures = {name: Capture(rule) for name, rule in rules.items()}
    handles = [
        each.rule.module.register_forward_hook(_recorder(each)) for each in captures.values()
    ]
    try:
        yield captures
    finally:
        for handle in handles:
            handle.remove()


def _recorder(target: Capture) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
    def record(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if not output.requires_grad:  # computed under no_grad: nothing reaches the weights
            return
        target.inputs.append(inputs[0].detach())
        # The edge, not the tensor: what is done to the output in place later does not matter.
        target.edges.append(get_gradient_edge(output))

    return record
