"""Attacks that wrap another one and run it in other numbers: float64, or rescaled logits."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor, nn

from tic.arrays import real_number
from tic.attacks.attack import Attack, Passes, check_attacked, within_ball
from tic.errors import TicError, as_tic_error
from tic.models.copying import double_copy
from tic.models.logits import logits_of


@dataclass(frozen=True, kw_only=True)
class Variant:
    """An attack with another one in it, whose ball and cost it has."""

    attack: Attack

    @property
    def epsilon(self) -> float:
        """Largest change of a pixel."""
        return self.attack.epsilon

    @property
    def passes(self) -> Passes:
        """See `Attack.passes`."""
        return self.attack.passes


@dataclass(frozen=True, kw_only=True)
class Factored(Variant):
    """A variant that multiplies something by a factor."""

    factor: float

    def __post_init__(self) -> None:
        with as_tic_error():
            factor = real_number(self.factor, name="factor")
        if not 0 < factor < math.inf:
            raise TicError(f"factor must be above 0 and finite, got {self.factor}")


@dataclass(frozen=True, kw_only=True)
class AsDouble(Variant):
    """Craft in float64 on a copy of the network, where a softmax saturates later.

    Attributes:
        attack: What crafts.
    """

    def __call__(self, model: nn.Module, images: Tensor, labels: Tensor, batch: int) -> Tensor:
        """Attack images (B, C, H, W) in [0, 1]; the result has their precision."""
        check_attacked(images, labels)
        twin = double_copy(model)
        moved = self.attack(twin, images.double(), labels, batch)
        return within_ball(images, moved.to(images.dtype), self.epsilon)


@dataclass(frozen=True, kw_only=True)
class Rescaled(Factored):
    """Craft on logits times a factor, which moves the softmax out of, or into, saturation.

    Attributes:
        attack: What crafts.
        factor: What the logits are multiplied by.
    """

    def __call__(self, model: nn.Module, images: Tensor, labels: Tensor, batch: int) -> Tensor:
        """Attack images (B, C, H, W) in [0, 1]."""
        return self.attack(_Rescaling(model, self.factor), images, labels, batch)


class _Rescaling(nn.Module):
    def __init__(self, model: nn.Module, factor: float) -> None:
        super().__init__()
        self.model = model
        self.factor = factor

    def forward(self, images: Tensor) -> Tensor:
        return self.factor * logits_of(self.model, images)
