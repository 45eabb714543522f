"""Which axes of a layer's output hold time and images, which a network is asked by a few images.

A shape alone does not tell: (T·B, …) may have time outermost or the batch, and (8, 8, …) may be 8
images, or 8 timesteps of 8. Another number of images tells which axis holds them, and blanking some
tells where in it each lies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from tic.errors import TicError
from tic.models.copying import detached_copy
from tic.models.logits import calling
from tic.seeding import own_random_numbers

_COUNTS = (4, 3, 2, 5)
"""Images to ask with: one of these numbers, the first that no other axis has."""
_ROUNDING = 1e-4
"""Share of a layer's largest activation by which entries of images that stay may differ."""


class Axes(NamedTuple):
    """How a layer's output is read.

    Attributes:
        images: The axis that holds images: 1 of (T', B, …), 0 of (T'·B, …).
        times: Number of timesteps T' in one output.
        batch_outermost: Whether in (T'·B, …) the timesteps of an image follow each other.
    """

    images: int
    times: int
    batch_outermost: bool = False

    @classmethod
    def of(cls, shape: torch.Size, batch: int, timesteps: int) -> Axes | None:
        """Read a shape, time outermost; None where it is not of a batch at 1 or all timesteps."""
        steps = (1, timesteps)
        if len(shape) > 1 and shape[1] == batch and shape[0] in steps:
            return cls(1, shape[0])
        times, left = divmod(shape[0], batch)
        return None if left or times not in steps else cls(0, times)

    def lay_out(self, output: Tensor, batch: int) -> Tensor | None:
        """Bring an output into the shape (T', B, …); None where it cannot be read so."""
        if self.images == 1:
            return output if output.shape[:2] == (self.times, batch) else None
        if len(output) != self.times * batch:
            return None
        if self.batch_outermost:
            return output.reshape(batch, self.times, *output.shape[1:]).transpose(0, 1)
        return output.reshape(self.times, batch, *output.shape[1:])


@dataclass(frozen=True)
class Asked:
    """What layers gave out for a few images.

    Attributes:
        count: Number of images.
        timesteps: Number of timesteps T that was believed.
        shapes: Of the first output, by layer.
        axes: How it is read, by layer; none where it cannot be.
    """

    count: int
    timesteps: int
    shapes: Mapping[str, torch.Size]
    axes: Mapping[str, Axes]

    def lay_out(self, name: str, output: Tensor, batch: int) -> Tensor | None:
        """Bring an output into the shape (T', B, …); None where it cannot be read so."""
        if name not in self.shapes:  # it was not run on these few
            read = Axes.of(output.shape, batch, self.timesteps)
        else:
            read = self.axes.get(name)
        return None if read is None or self.is_fixed(name, output) else read.lay_out(output, batch)

    def is_fixed(self, name: str, output: Tensor) -> bool:
        """Whether an output of another number of images has the same shape: it holds none."""
        return self.shapes.get(name) == output.shape

    def serves(self, batch: int, timesteps: int) -> bool:
        """Whether it tells of so many images and timesteps."""
        return batch != self.count and timesteps == self.timesteps


def ask(network: nn.Module, inputs: Tensor, names: Sequence[str], timesteps: int) -> Asked:
    """Ask copies of a network how the outputs of its layers are read.

    Args:
        network: In evaluation mode.
        inputs: Shape (B, …), of which a few are shown.
        names: Of layers.
        timesteps: Number of timesteps T.

    Raises:
        TicError: It fails on a few images, or in an output (T·B, …) an image changes entries that
            are another's in either order.
    """
    free = [number for number in _COUNTS if number not in (len(inputs), timesteps)]
    count = min(free, key=lambda number: number > len(inputs))  # as few as it is used with, if any
    few = inputs[torch.arange(count) % len(inputs)]
    blank, rows = count // 2, count * timesteps
    before = _first_outputs(network, few, names, rows)
    shapes = {name: output.shape for name, output in before.items()}
    read = {name: Axes.of(shape, count, timesteps) for name, shape in shapes.items()}
    axes = {name: found for name, found in read.items() if found is not None}
    folded = [name for name, found in axes.items() if found.images == 0 and found.times > 1]
    if folded:
        few[:blank] = 0
        after = _first_outputs(network, few, folded, rows)
        orders = {
            name: _batch_is_outermost(name, before[name], after[name], timesteps, blank)
            for name in folded
        }
        # Where no entry changed, as of neurons that do not fire, the network's other layers tell.
        usual = {order for order in orders.values() if order is not None} == {True}
        for name, order in orders.items():
            axes[name] = Axes(0, timesteps, usual if order is None else order)
    return Asked(count, timesteps, shapes, axes)


def _first_outputs(
    network: nn.Module, inputs: Tensor, names: Sequence[str], rows: int
) -> dict[str, Tensor]:
    """What layers give out when they are first called, by name; without numbers if not of rows."""
    seen: dict[str, Tensor] = {}

    def keep(name: str) -> Any:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            values = tensor_of(output)
            if values is not None and name not in seen:
                # Numbers are looked at of what has time and images in one axis, else the shape.
                seen[name] = values.clone() if len(values) == rows else values.to("meta")

        return hook

    # Calls of a copy draw what the network itself is yet to draw, from generators of its own too.
    asked = detached_copy(network)
    with ExitStack() as stack:
        for name in names:
            handle = asked.get_submodule(name).register_forward_hook(keep(name))
            stack.callback(handle.remove)
        with own_random_numbers(0, inputs.device), calling(inputs):
            asked(inputs.clone())  # a layer that works in place may change them
    return seen


def tensor_of(output: Any) -> Tensor | None:
    """Activations in what a layer returned: real numbers with an axis, such as (output, state)."""
    if isinstance(output, tuple | list) and output:
        output = output[0]
    if not isinstance(output, Tensor) or output.dim() < 1 or not output.is_floating_point():
        return None
    return output


def _batch_is_outermost(
    name: str, before: Tensor, after: Tensor, timesteps: int, blank: int
) -> bool | None:
    """Whether the timesteps of an image follow each other in (T·B, …); None where nothing changed.

    Raises:
        TicError: Entries changed that are none of the blank images' in either order.
    """
    gap, size = (after - before).nan_to_num(), before.nan_to_num().abs().max()
    changed = (gap.abs() > _ROUNDING * size).reshape(len(before), -1).any(1)
    first = torch.arange(len(before) // timesteps, device=changed.device) < blank
    by_time = not (changed & ~first.repeat(timesteps)).any()
    by_image = not (changed & ~first.repeat_interleave(timesteps)).any()
    if not by_time and not by_image:
        raise TicError(
            f"layer {name} gives out {tuple(before.shape)}, all timesteps of all images in one "
            "axis, and each image must have entries of its own there, with either time or the "
            "batch outermost, got entries of others that change with an image; let the layer give "
            "out (T, B, …), or name other layers"
        )
    return None if by_time and by_image else by_image
