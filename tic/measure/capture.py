"""Recording what layers take in and give out while a network runs, for their per-sample rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge, get_gradient_edge

from tic.measure.per_sample import (
    LayerRule,
    Prepared,
    holds_samples,
    time_batch,
    time_is_outermost,
)

CHUNK_ELEMENTS = 2**25
"""Elements of unfolded inputs and weight gradients made at a time (128 MiB in float32)."""


@dataclass
class Allowance:
    """Bytes that prepared inputs may still take."""

    left: float

    def grant(self, wanted: int) -> bool:
        """Take so many bytes, if that many are left."""
        granted = wanted <= self.left
        self.left -= wanted if granted else 0
        return granted


@dataclass(frozen=True)
class Outlet:
    """Where the gradient at a layer's output is read off.

    An operation in place gives a view another place in the graph, and its base none: a base that is
    changed keeps the old one behind the new. So the gradient of a view is that of its base, laid
    out as the view is.
    """

    edge: GradientEdge
    precision: torch.dtype
    view: Geometry
    base: Geometry

    @classmethod
    def of(cls, output: Tensor) -> Outlet:
        """Find where a layer's output lies in the graph, before anything is done to it."""
        base = output._base
        if base is None or not base.requires_grad or base.numel() != output.numel():
            base = output
        return cls(get_gradient_edge(base), output.dtype, Geometry.of(output), Geometry.of(base))

    def read(self, gradient: Tensor) -> Tensor:
        """Lay a gradient at the edge out as the output is."""
        if self.view == self.base:
            return gradient
        if gradient.stride() != self.base.strides:
            laid_out = gradient.new_empty_strided(self.base.shape, self.base.strides)
            gradient = laid_out.copy_(gradient)
        offset = int(gradient.storage_offset()) + self.view.offset - self.base.offset
        return gradient.as_strided(self.view.shape, self.view.strides, offset)


@dataclass(frozen=True)
class Geometry:
    """How a tensor lies in its memory."""

    shape: torch.Size
    strides: tuple[int, ...]
    offset: int

    @classmethod
    def of(cls, tensor: Tensor) -> Geometry:
        """Ask a tensor."""
        return cls(tensor.shape, tensor.stride(), int(tensor.storage_offset()))


AxisOrder = tuple[bool, int] | None
"""Whether the second axis is taken for the batch, and for how many times; None where no axis can
be."""


def _axis_order(leading: torch.Size, size: int) -> AxisOrder:
    outermost = time_is_outermost(leading, size)
    return outermost, leading[0] if outermost else leading[0] // size


@dataclass
class Capture:
    """What passed through one layer during a forward: one item per call.

    The forward is over C copies of B samples, copy after copy.
    """

    rule: LayerRule
    allowance: Allowance
    inputs: list[Tensor] = field(default_factory=list)
    outlets: list[Outlet] = field(default_factory=list)
    kept: list[tuple[slice, Prepared]] = field(default_factory=list)

    def inner(
        self, backwards: Sequence[Sequence[Tensor | None]], batch: int, copies: int = 1
    ) -> Tensor | None:
        """Inner products (B, V, V) per sample, or None when no gradient reached the layer.

        Args:
            backwards: For every backward, the gradient at every outlet. Each brings as many of the
                V directions as there are copies.
            batch: Number of samples B.
            copies: Number of copies C.
        """
        calls = list(zip(*backwards, strict=True))
        reached = [n for n, gradients in enumerate(calls) if any(g is not None for g in gradients)]
        if not reached:
            return None
        slopes = [self._slopes(self.outlets[n], calls[n], batch, copies) for n in reached]
        parts = (
            self.kept
            if self._keeps(batch, copies) and reached == list(range(len(reached)))
            else self._prepare(self._inputs_of(reached, batch, copies))
        )
        return torch.cat(
            [prepared.inner([slope[:, :, part] for slope in slopes]) for part, prepared in parts]
        )

    def _slopes(
        self, outlet: Outlet, gradients: Sequence[Tensor | None], batch: int, copies: int
    ) -> Tensor:
        """Gradients (T', V, B, …) at the output of one call."""
        like = next(gradient for gradient in gradients if gradient is not None)
        every = (torch.zeros_like(like) if gradient is None else gradient for gradient in gradients)
        timed = [
            _precise(self._time_batch(outlet.read(gradient), copies * batch)) for gradient in every
        ]
        apart = [slope.view(len(slope), copies, -1, *slope.shape[2:]) for slope in timed]
        return apart[0] if len(apart) == 1 else torch.cat(apart, 1)

    def axes(self, size: int) -> list[AxisOrder]:
        """How the leading axes of every call's input are read for so many samples in all."""
        leading = (self._leading(taken.shape) for taken in self.inputs)
        return [_axis_order(lead, size) if holds_samples(lead, size) else None for lead in leading]

    def is_readable(self, size: int) -> bool:
        """Whether every call took and gave what its rule expects of so many samples."""
        shapes = [(i.shape, o.view.shape) for i, o in zip(self.inputs, self.outlets, strict=True)]
        return all(
            self._leading(taken) == self._leading(given)
            and holds_samples(self._leading(taken), size)
            and not (self.rule.batch_outermost and self._leading(taken)[0] % size)
            and self.rule.fits(taken, given)
            for taken, given in shapes
        )

    def _leading(self, shape: torch.Size) -> torch.Size:
        return shape[: len(shape) - self.rule.trailing(len(shape))]

    def _keeps(self, batch: int, copies: int) -> bool:
        """Whether all inputs are prepared, for any number of first calls, as far as allowed."""
        if not self.kept:
            inputs = self._inputs_of(range(len(self.inputs)), batch, copies)
            wanted = batch * self.rule.held(inputs) * inputs[0].element_size()
            if self.allowance.grant(wanted):
                self.kept = list(self._prepare(inputs))
        return bool(self.kept)

    def _inputs_of(self, calls: Iterable[int], batch: int, copies: int) -> list[Tensor]:
        """Inputs (T', B, …) of the first copy; the others are its equals."""
        every = (self._time_batch(self.inputs[call], copies * batch) for call in calls)
        return [_precise(values[:, :batch]) for values in every]

    def _prepare(self, inputs: Sequence[Tensor]) -> Iterator[tuple[slice, Prepared]]:
        size = max(1, CHUNK_ELEMENTS // max(1, self.rule.held(inputs)))
        for start in range(0, inputs[0].shape[1], size):
            part = slice(start, start + size)
            yield part, self.rule.prepare([values[:, part] for values in inputs])

    def _time_batch(self, values: Tensor, batch: int) -> Tensor:
        outermost = self.rule.batch_outermost
        trailing = self.rule.trailing(values.dim())
        return time_batch(values, batch, trailing, batch_outermost=outermost)


@contextmanager
def capture(rules: dict[str, LayerRule], allowed_bytes: float = 0) -> Iterator[dict[str, Capture]]:
    """Record inputs and output edges of the layers for as long as the context is open.

    Args:
        rules: By layer name.
        allowed_bytes: What prepared inputs may take, so that they are prepared once.
    """
    allowance = Allowance(allowed_bytes)
    captures = {name: Capture(rule, allowance) for name, rule in rules.items()}
    handles = [
        captured.rule.module.register_forward_hook(_recorder(captured), with_kwargs=True)
        for captured in captures.values()
    ]
    try:
        yield captures
    finally:
        for handle in handles:
            handle.remove()


def _recorder(target: Capture) -> Callable[[nn.Module, tuple[Any, ...], dict[str, Any], Any], None]:
    def record(
        module: nn.Module, arguments: tuple[Any, ...], named: dict[str, Any], output: Any
    ) -> None:
        taken = next(iter((*arguments, *named.values())), None)
        # What no rule can be asked about is left out, and the comparison with autograd finds it.
        if not (isinstance(taken, Tensor) and isinstance(output, Tensor)):
            return
        if not output.requires_grad:  # computed under no_grad: nothing reaches the weights
            return
        target.inputs.append(taken.detach())
        target.outlets.append(Outlet.of(output))

    return record


def _precise(values: Tensor) -> Tensor:
    """In at least single precision: autocast computes in half, whose sums of squares are none."""
    return values.to(torch.promote_types(values.dtype, torch.float32))
