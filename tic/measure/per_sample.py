"""Inner products of per-sample weight gradients, layer by layer.

A layer that maps its inputs linearly in its weights has, for sample b and a direction v at the
logits, the weight gradient W_bv = Σ_p g_bvp a_bpᵀ over all positions p in time and space, with a
the inputs and g the gradients at the outputs. Inner products over the weights follow from W
directly or from the Gram matrix of the inputs, W_bv·W_bw = Σ_pq (a_bp·a_bq)(g_bvp·g_bwq), whichever
costs less. What depends on the inputs alone is made once and serves every gradient.

`V` counts the directions: one for a squared norm, one per class for a tangent kernel.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn


class Prepared(ABC):
    """What a layer's inner products need of its inputs, for any gradients at its outputs."""

    @abstractmethod
    def inner(self, gradients: Sequence[Tensor]) -> Tensor:
        """Inner products of the weight gradients.

        Args:
            gradients: At the outputs of the first calls, one item (T', V, B, …) per call.

        Returns:
            Shape (B, V, V).
        """


class OuterProducts:
    """Inner products over the weights of Σ_p g_vp a_pᵀ, for every sample.

    Args:
        inputs: a of every call of the layer, each (B, P, D).
        outputs: Length O of g.
    """

    def __init__(self, inputs: Sequence[Tensor], outputs: int) -> None:
        positions, width = sum(values.shape[1] for values in inputs), inputs[0].shape[2]
        self._inputs, self._gram = list(inputs), None
        # Calls follow each other in time, so there will be about as many gradients to multiply.
        if positions * (width / len(inputs) + outputs) < width * outputs:
            joined = torch.cat(self._inputs, 1)
            self._inputs, self._gram = [], joined @ joined.mT

    def inner(self, gradients: Sequence[Tensor]) -> Tensor:
        """Multiply the sums over the positions of the first calls.

        Args:
            gradients: g of each of them, (B, P, V, O).

        Returns:
            Shape (B, V, V).
        """
        directions = gradients[0].shape[2]
        slopes = [gradient.flatten(2) for gradient in gradients]
        if self._gram is None:
            first, *later = zip(slopes, self._inputs, strict=False)
            weights = first[0].mT @ first[1]
            for some, inputs in later:
                weights.baddbmm_(some.mT, inputs)
            return gram(weights.view(len(weights), directions, -1))
        joined = torch.cat(slopes, 1)
        positions = joined.shape[1]
        spread = self._gram[:, :positions, :positions] @ joined
        if directions == 1:
            # Sums of rounded products may fall below the 0 that a square cannot pass.
            return spread.mul_(joined).sum((1, 2)).clamp_(min=0).view(-1, 1, 1)
        shape = (*joined.shape[:2], directions, -1)
        left, right = (factor.view(shape).transpose(1, 2).flatten(2) for factor in (joined, spread))
        return left @ right.mT


def gram(vectors: Tensor) -> Tensor:
    """Inner products of vectors: (B, V, N) -> (B, V, V)."""
    if vectors.shape[1] == 1:
        return vectors.square().sum((1, 2)).view(-1, 1, 1)
    return vectors @ vectors.mT


def time_batch(
    values: Tensor, batch: int, trailing: int, *, batch_outermost: bool = False
) -> Tensor:
    """Bring a layer's input or output into the order (time, batch, *trailing).

    Accepts (B, …), (T·B, …) with time outermost, (T, B, …) and, for layers applied along
    positions, which then count as time, (B, P, …), (T·B, P, …) and (T, B, P, …). The leading axes
    must hold samples of the batch, see `holds_samples`.

    Args:
        values: What a layer took or gave.
        batch: Number of samples B.
        trailing: Axes of one sample at one position.
        batch_outermost: The samples lie outermost instead: (B, …), (B·T, …), (B, P, …).
    """
    lead, rest = values.shape[:-trailing], values.shape[-trailing:]
    if batch_outermost:
        return values.reshape(batch, -1, *rest).transpose(0, 1)
    folded = values.flatten(0, 1) if time_is_outermost(lead, batch) else values
    positions = folded.reshape(len(folded) // batch, batch, -1, *rest)
    return positions.movedim(2, 1).flatten(0, 1)


def time_is_outermost(leading: Sequence[int], batch: int) -> bool:
    """Whether leading axes are taken for (time, batch), not for both in one."""
    return len(leading) > 1 and leading[1] == batch


def holds_samples(leading: Sequence[int], batch: int) -> bool:
    """Whether leading axes can hold a batch, at one or more times."""
    if not leading or 0 in leading:
        return False
    return time_is_outermost(leading, batch) or leading[0] % batch == 0


class LayerRule(ABC):
    """How one kind of layer turns inputs and output gradients into inner products per sample.

    Attributes:
        module: The layer.
        batch_outermost: How its leading axes are read, see `time_batch`.
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.batch_outermost = False

    def trailing(self, axes: int) -> int:
        """Axes of one sample at one position in time, in an input or output with so many axes."""
        return 1

    @abstractmethod
    def fits(self, taken: torch.Size, given: torch.Size) -> bool:
        """Whether a call that took and gave tensors of these shapes did what the layer's kind does.

        Their leading axes are not looked at.
        """

    @abstractmethod
    def prepare(self, inputs: Sequence[Tensor]) -> Prepared:
        """Prepare the inputs (T', B, …) of every call."""

    @abstractmethod
    def held(self, inputs: Sequence[Tensor]) -> int:
        """Numbers per sample that preparing these inputs makes, at most."""

    def trains(self, name: str) -> bool:
        """Whether the layer owns a parameter of this name that requires a gradient."""
        parameter = dict(self.module.named_parameters(recurse=False)).get(name)
        return parameter is not None and parameter.requires_grad


class LinearMapRule(LayerRule):
    """Weights and bias of a layer that is linear in its weights, position by position."""

    @property
    @abstractmethod
    def weight_shape(self) -> tuple[int, int]:
        """Length O of the gradients and D of the inputs that meet at a position."""

    @property
    def groups(self) -> int:
        """Parts of the layer that do not share weights."""
        return 1

    @abstractmethod
    def inputs_at_positions(self, inputs: Tensor) -> Tensor:
        """a_p of every sample and group: (T, B, …) -> (B·G, P, D)."""

    @abstractmethod
    def gradients_at_positions(self, gradients: Tensor) -> Tensor:
        """g_p of every sample and group: (T, V, B, …) -> (B·G, P, V, O)."""

    @abstractmethod
    def positions(self, inputs: Tensor) -> int:
        """Number P of positions in an input (T, B, …)."""

    def prepare(self, inputs: Sequence[Tensor]) -> Prepared:
        """See `LayerRule.prepare`."""
        products = None
        if self.trains("weight"):
            outputs, _ = self.weight_shape
            products = OuterProducts(
                [self.inputs_at_positions(values) for values in inputs], outputs
            )
        return _LinearMap(self, products)

    def held(self, inputs: Sequence[Tensor]) -> int:
        """See `LayerRule.held`."""
        outputs, width = self.weight_shape
        positions = sum(self.positions(values) for values in inputs)
        return self.groups * (positions * (width + outputs) + width * outputs)


@dataclass
class _LinearMap(Prepared):
    rule: LinearMapRule
    products: OuterProducts | None

    def inner(self, gradients: Sequence[Tensor]) -> Tensor:
        groups = self.rule.groups
        slopes = [self.rule.gradients_at_positions(gradient) for gradient in gradients]
        rows, directions = slopes[0].shape[0], slopes[0].shape[2]
        result = slopes[0].new_zeros(rows, directions, directions)
        if self.products is not None:
            result += self.products.inner(slopes)
        if self.rule.trains("bias"):
            result += gram(torch.stack([slope.sum(1) for slope in slopes]).sum(0))
        return result.view(rows // groups, groups, directions, directions).sum(1)
