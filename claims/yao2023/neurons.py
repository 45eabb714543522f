"""The spiking neurons of the release.

The three-layer networks have

    U_t = H_{t-1} + I_t              charge; the input is not scaled
    S_t = 1 where U_t ≥ θ            fire
    H_t = λ U_t (1 - S_t)            leak and hard reset, through which gradients flow

with λ = θ = 0.3, and 2 for the derivative of the spike where |U - θ| < 0.25, else 0. The five-layer
network has SpikingJelly's PLIF: U_t = H_{t-1} + (I_t - H_{t-1}) σ(w), a learned w, θ = 1, hard
reset and the arctangent's derivative.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

Neuron = Literal["lif", "plif"]

LEAK = 0.3
WINDOW = 0.25
"""Distance from the threshold from which on the surrogate derivative is 0."""
HEIGHT = 2.0
TIME_CONSTANT = 2.0
"""With which neurons that learn it begin."""


def _precise(currents: Tensor) -> torch.dtype:
    """Precision of membranes: half precision would lose the currents that are small beside them."""
    return torch.promote_types(currents.dtype, torch.float32)


def membranes(currents: Tensor, threshold: float) -> Tensor:
    """U_t of currents (T, B, …), before the reset; the same shape, in at least single precision."""
    potentials = torch.empty_like(currents, dtype=_precise(currents))
    left = torch.zeros_like(potentials[0])
    for current, potential in zip(currents, potentials, strict=True):
        torch.add(current, left, out=potential)
        # Silent or not as 1 or 0 in left itself: a product with booleans converts them first.
        torch.lt(potential, threshold, out=left)
        left.mul_(potential).mul_(LEAK)
    return potentials


class _Fire(torch.autograd.Function):
    """Currents (T, B, …) to spikes, with the gradients written out; as a graph they take longer.

    From the last timestep to the first,

        ∂L/∂U_t = σ'(U_t - θ) (∂L/∂S_t - λ U_t ∂L/∂H_t) + λ (1 - S_t) ∂L/∂H_t
        ∂L/∂I_t = ∂L/∂H_{t-1} = ∂L/∂U_t.
    """

    @staticmethod
    def forward(ctx: Any, currents: Tensor, threshold: float) -> Tensor:
        potentials = membranes(currents, threshold)
        ctx.save_for_backward(potentials)
        ctx.threshold = threshold
        return torch.ge(potentials, threshold, out=torch.empty_like(currents))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, by_spikes: Tensor) -> Any:
        (potentials,) = ctx.saved_tensors
        slopes = (potentials - ctx.threshold).abs_().lt_(WINDOW).mul_(HEIGHT)
        gradients = slopes * by_spikes
        passed = torch.lt(potentials, ctx.threshold, out=torch.empty_like(potentials))
        passed.addcmul_(potentials, slopes, value=-1).mul_(LEAK)
        for t in reversed(range(len(potentials) - 1)):
            gradients[t].addcmul_(gradients[t + 1], passed[t])
        return gradients.to(by_spikes.dtype), None


class LIF(nn.Module):
    """A layer of leaky neurons, at rest where a sequence begins.

    Attributes:
        threshold: From which a neuron fires.
    """

    def __init__(self, threshold: float) -> None:
        super().__init__()
        self.threshold = threshold

    def forward(self, currents: Tensor) -> Tensor:
        """Map currents (T, B, …) to spikes (T, B, …)."""
        spikes: Tensor = _Fire.apply(currents, self.threshold)
        return spikes

    def potentials(self, currents: Tensor) -> Tensor:
        """Membranes U_t of currents (T, B, …)."""
        return membranes(currents, self.threshold)


class _ArctangentStep(torch.autograd.Function):
    """1 where x ≥ 0; the derivative is 1 / (1 + (πx)²)."""

    @staticmethod
    def forward(ctx: Any, distance: Tensor) -> Tensor:
        ctx.save_for_backward(distance)
        return (distance >= 0).to(distance.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Any:
        (distance,) = ctx.saved_tensors
        return gradient / (1 + (math.pi * distance) ** 2)


class PLIF(nn.Module):
    """A layer of leaky neurons that share a learned time constant.

    Attributes:
        threshold: From which a neuron fires.
        weight: w, from which 1/τ = σ(w).
    """

    def __init__(self, threshold: float) -> None:
        super().__init__()
        self.threshold = threshold
        self.weight = nn.Parameter(torch.tensor(-math.log(TIME_CONSTANT - 1)))

    def forward(self, currents: Tensor) -> Tensor:
        """Map currents (T, B, …) to spikes (T, B, …)."""
        return self._run(currents)[0]

    def potentials(self, currents: Tensor) -> Tensor:
        """Membranes U_t of currents (T, B, …)."""
        return self._run(currents)[1]

    def _run(self, currents: Tensor) -> tuple[Tensor, Tensor]:
        rate = self.weight.sigmoid()
        left = torch.zeros_like(currents[0], dtype=_precise(currents))
        spikes, potentials = [], []
        for current in currents:
            potential = left + (current - left) * rate
            fired: Tensor = _ArctangentStep.apply(potential - self.threshold)
            left = potential * (1 - fired)
            spikes.append(fired.to(currents.dtype))
            potentials.append(potential)
        return torch.stack(spikes), torch.stack(potentials)


def neurons(kind: Neuron, threshold: float) -> LIF | PLIF:
    """Make a layer of neurons."""
    return LIF(threshold) if kind == "lif" else PLIF(threshold)
