"""Gram matrices of what the layers of a network give out, gathered while it runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn

from tic.errors import TicError
from tic.measure.activations import Watch

Time = Literal["joined", "mean", "apart"]
"""How timesteps become features: side by side, as their mean, or each for itself."""

_CHUNK = 2**22
"""Activations that are made float64 at a time (32 MiB)."""


@dataclass(frozen=True)
class Gram:
    """A block of a layer's Gram matrix.

    Attributes:
        block: Inner products (b, b'), float64, of activations less the same vector for all images.
        squares: Sum of all squared activations, nothing taken off; a scalar.
        features: Activations per image.
        rounding: Relative size of a unit in the last place of what the layer gives out.
    """

    block: Tensor
    squares: Tensor
    features: int
    rounding: float

    def __add__(self, other: Gram) -> Gram:
        """Lay the features of both side by side."""
        return Gram(
            self.block + other.block,
            self.squares + other.squares,
            self.features + other.features,
            max(self.rounding, other.rounding),
        )


@dataclass
class Grams:
    """Gram matrices of a network's layers, block by block of the same images.

    Attributes:
        network: Any.
        layers: Names of submodules; see `tic.measure.activations.activations`.
        time: How timesteps become features.
        shifts: Mean activations over the first images, which are taken off all: CKA does not see
            it, and fewer digits are lost.
        timesteps: Of the network, known after the first block.
    """

    network: nn.Module
    layers: Sequence[str] | None
    time: Time
    shifts: dict[tuple[str, int], Tensor] = field(default_factory=dict)
    timesteps: int = 0

    def __post_init__(self) -> None:
        self._watch = Watch(self.network, self.layers)

    def block(self, inputs: Tensor, others: Tensor | None) -> dict[str, Gram]:
        """Inner products of images with others, or with each other where there are none.

        Args:
            inputs: Shape (b, …).
            others: Shape (b', …).

        Returns:
            By layer, or by layer and timestep such as `blocks.0[t=1]`.

        Raises:
            TicError: Activations are not finite, or as `tic.measure.activations.Watch`.
        """
        seen: dict[tuple[str, int], Gram] = {}
        sums: dict[str, Tensor] = {}
        rounding: dict[str, float] = {}

        def see(name: str, first: int, values: Tensor) -> None:
            _require_finite(name, values)
            rounding[name] = torch.finfo(values.dtype).eps
            if self.time == "mean":
                # Half precision would overflow, or lose what the last timesteps add.
                wide = torch.promote_types(values.dtype, torch.float32)
                sums[name] = values.sum(0, dtype=wide) + sums.get(name, 0)
                return
            for step, features in enumerate(values, start=first):
                gram = self._gram((name, step), features, len(inputs), rounding[name])
                key = (name, step if self.time == "apart" else 0)
                seen[key] = seen[key] + gram if key in seen else gram

        images = inputs if others is None else torch.cat([inputs, others])
        self.timesteps = self._watch.over(images, see)
        for name, total in sums.items():
            # As many times the mean as there are timesteps.
            seen[name, 0] = self._gram((name, 0), total, len(inputs), rounding[name])
        return _apart(seen, self.timesteps) if self.time == "apart" else _by_layer(seen)

    def _gram(
        self, place: tuple[str, int], activations: Tensor, count: int, rounding: float
    ) -> Gram:
        """Inner products of the first `count` images with the others, if there are others."""
        features = activations.flatten(1)
        columns = max(1, _CHUNK // len(features))
        chunks = torch.split(features, columns, dim=1)
        if place not in self.shifts:
            self.shifts[place] = torch.cat([chunk.double().mean(0) for chunk in chunks])
        height, width = count, len(features) - count or count
        block = self.shifts[place].new_zeros(height, width)
        squares = block.new_zeros(())
        for chunk, shift in zip(chunks, torch.split(self.shifts[place], columns), strict=True):
            wide = chunk.double()
            squares += wide.square().sum()
            wide = wide - shift
            block.addmm_(wide[:height], wide[-width:].mT)
        return Gram(block, squares, features.shape[1], rounding)


def _require_finite(name: str, values: Tensor) -> None:
    if not values.isfinite().all():
        raise TicError(
            f"activations must be finite, got NaN or infinity in layer {name}; leave the layer "
            "out, or see what the network makes of these inputs"
        )


def _by_layer(seen: dict[tuple[str, int], Gram]) -> dict[str, Gram]:
    return {name: gram for (name, _), gram in seen.items()}


def _apart(seen: dict[tuple[str, int], Gram], timesteps: int) -> dict[str, Gram]:
    """Name layers by their timestep; one that runs once for all timesteps is the same at each."""
    names = dict.fromkeys(name for name, _ in seen)
    return {
        f"{name}[t={step + 1}]": seen.get((name, step), seen[name, 0])
        for name in names
        for step in range(timesteps)
    }
