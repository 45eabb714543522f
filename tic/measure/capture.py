"""Recording what layers take in and give out while a network runs, for their per-sample rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge, get_gradient_edge

from tic.measure.per_sample import LayerRule, Prepared, time_batch, time_is_outermost

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


@dataclass
class Capture:
    """What passed through one layer during a forward: one item per call.

    The forward is over V copies of B samples, copy after copy.
    """

    rule: LayerRule
    allowance: Allowance
    inputs: list[Tensor] = field(default_factory=list)
    edges: list[GradientEdge] = field(default_factory=list)
    kept: list[tuple[slice, Prepared]] = field(default_factory=list)

    def inner(
        self, gradients: Sequence[Tensor | None], batch: int, directions: int = 1
    ) -> Tensor | None:
        """Inner products (B, V, V) per sample, or None when no gradient reached the layer."""
        reached = [call for call, gradient in enumerate(gradients) if gradient is not None]
        if not reached:
            return None
        slopes = [
            _copies(self._time_batch(each, directions * batch), directions)
            for each in gradients
            if each is not None
        ]
        parts = (
            self.kept
            if self._keeps(batch, directions) and reached == list(range(len(reached)))
            else self._prepare(self._inputs_of(reached, batch, directions))
        )
        return torch.cat(
            [prepared.inner([each[:, :, part] for each in slopes]) for part, prepared in parts]
        )

    def time_outermost(self, batch: int) -> list[bool]:
        """Whether the second axis of each input is taken for the batch."""
        leading = [each.shape[: -self.rule.trailing(each)] for each in self.inputs]
        return [time_is_outermost(lead, batch) for lead in leading]

    def _keeps(self, batch: int, directions: int) -> bool:
        """Whether all inputs are prepared, for any number of first calls, as far as allowed."""
        if not self.kept:
            inputs = self._inputs_of(range(len(self.inputs)), batch, directions)
            wanted = batch * self.rule.held(inputs) * inputs[0].element_size()
            if self.allowance.grant(wanted):
                self.kept = list(self._prepare(inputs))
        return bool(self.kept)

    def _inputs_of(self, calls: Iterable[int], batch: int, directions: int) -> list[Tensor]:
        """Inputs (T', B, …) of the first copy; the others are its equals."""
        every = (self._time_batch(self.inputs[call], directions * batch) for call in calls)
        return [each[:, :batch] for each in every]

    def _prepare(self, inputs: Sequence[Tensor]) -> Iterator[tuple[slice, Prepared]]:
        size = max(1, CHUNK_ELEMENTS // max(1, self.rule.held(inputs)))
        for start in range(0, inputs[0].shape[1], size):
            part = slice(start, start + size)
            yield part, self.rule.prepare([each[:, part] for each in inputs])

    def _time_batch(self, values: Tensor, batch: int) -> Tensor:
        return time_batch(values, batch, self.rule.trailing(values))


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


def _copies(values: Tensor, directions: int) -> Tensor:
    """(T, V·B, …) -> (T, V, B, …)."""
    return values.view(len(values), directions, -1, *values.shape[2:])
