"""What narrows the kernels of learned delays while a network is trained, and holds delays in range.

The schedule is that of Hammouamri et al. 2024: σ falls exponentially over a first share of the
epochs and stays, so that delays that began with a view of the whole kernel end near one timestep.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from tic.errors import TicError
from tic.fitting import Fit, Rule
from tic.models.delays import DelayedLinear


@dataclass(frozen=True)
class DelaySchedule(Rule):
    """Narrows σ of every `DelayedLinear` before an epoch, and clamps its delays after every step.

    In epoch e of E, counted from 0, with n = int(share · E),

        σ = floor + first · (last / first)^(e / n) for e < n, and floor + last from then on.

    Attributes:
        first: What σ begins with, above the floor, in timesteps.
        last: What it ends with, above the floor, in timesteps.
        share: Of the epochs in which it falls, in [0, 1].
        floor: Added to both, in timesteps; the library that first had these kernels adds 0.27.

    Raises:
        TicError: A number is out of its range, or the network has no such layer.
    """

    first: float
    last: float = 0.5
    share: float = 0.25
    floor: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.last <= self.first:
            raise TicError(
                f"last must be above 0 and at most first, got {self.last:g} and {self.first:g}: "
                "kernels become narrower"
            )
        if not 0 <= self.share <= 1:
            raise TicError(f"share must be in [0, 1], got {self.share:g}")
        if not self.floor >= 0:
            raise TicError(f"floor must be at least 0, got {self.floor:g}")

    def width(self, epoch: int, epochs: int) -> float:
        """σ during the epoch that follows `epoch` finished ones, in timesteps."""
        falling = int(self.share * epochs)
        if epoch >= falling:
            return self.floor + self.last
        return self.floor + self.first * math.pow(self.last / self.first, epoch / falling)

    def before_epoch(self, fit: Fit) -> None:
        """Set σ."""
        for layer in _layers(fit):
            layer.width.fill_(self.width(fit.epoch, fit.epochs))

    @torch.no_grad()
    def after_step(self, fit: Fit) -> None:
        """Clamp delays to [0, largest_delay]."""
        for layer in _layers(fit):
            if layer.learned:
                layer.delay.clamp_(0, layer.largest_delay)


def _layers(fit: Fit) -> list[DelayedLinear]:
    layers = [layer for layer in fit.network.modules() if isinstance(layer, DelayedLinear)]
    if not layers:
        raise TicError(
            "a DelaySchedule needs a network with layers of DelayedLinear, got "
            f"{type(fit.network).__name__} without any; leave the rule out"
        )
    return layers
