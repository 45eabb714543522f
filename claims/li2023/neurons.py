"""The spiking neuron of the release, and the ordinary one that stands in its place.

    m_t = λ m_{t-1} + x_t        charge; the input is not scaled
    s_t = 1 where m_t ≥ 1        fire
    m_t = m_t (1 - s_t)          hard reset, through which gradients flow

The derivative of the spike at u = m - 1 is 3 (1 - tanh²(3u)) / (2 tanh 9) where |u| < 3, else 0.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

Kind = Literal["spiking", "relu"]

SHARPNESS = 3.0
REACH = 3.0
"""Distance from the threshold beyond which the surrogate derivative is 0."""


def surrogate(distance: Tensor) -> Tensor:
    """Derivative of the spike, by how far the membrane is above the threshold; any shape."""
    slope = torch.tanh(SHARPNESS * distance).square_().neg_().add_(1)
    slope.mul_(SHARPNESS / (2 * math.tanh(SHARPNESS * REACH)))
    return slope.mul_(distance.abs().lt_(REACH))


class _Fire(torch.autograd.Function):
    """Currents (T, B, …) to spikes, with the gradients written out; as a graph they take longer.

    With v_t = m_t (1 - s_t), from the last timestep to the first,

        ∂L/∂m_t = σ'(m_t - 1) (∂L/∂s_t - m_t ∂L/∂v_t) + (1 - s_t) ∂L/∂v_t
        ∂L/∂x_t = ∂L/∂m_t,    ∂L/∂v_{t-1} = λ ∂L/∂m_t.
    """

    @staticmethod
    def forward(ctx: Any, currents: Tensor, leak: float, threshold: float) -> Tensor:
        precise = torch.promote_types(currents.dtype, torch.float32)
        membranes, spikes = torch.empty_like(currents, dtype=precise), torch.empty_like(currents)
        left = torch.zeros_like(membranes[0])
        for current, membrane, fired in zip(currents, membranes, spikes, strict=True):
            torch.add(current, left, alpha=leak, out=membrane)
            torch.ge(membrane, threshold, out=fired)
            left = torch.addcmul(membrane, membrane, fired.to(precise), value=-1)
        ctx.save_for_backward(membranes, spikes)
        ctx.leak, ctx.threshold = leak, threshold
        return spikes

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *by_spikes: Tensor) -> Any:
        membranes, spikes = ctx.saved_tensors
        slopes = surrogate(membranes - ctx.threshold)
        gradients = slopes * by_spikes[0]
        # What is left of a membrane depends on it by 1 - s_t - m_t σ'.
        passed = (
            torch.addcmul(spikes.to(slopes.dtype), membranes, slopes).neg_().add_(1).mul_(ctx.leak)
        )
        for t in reversed(range(len(membranes) - 1)):
            gradients[t].addcmul_(gradients[t + 1], passed[t])
        return gradients.to(spikes.dtype), None, None


def fire(currents: Tensor, leak: float, threshold: float) -> Tensor:
    """Integrate currents (T, B, …) from rest, and give the spikes (T, B, …)."""
    spikes: Tensor = _Fire.apply(currents, leak, threshold)
    return spikes


class Neurons(nn.Module):
    """A layer of spiking neurons, at rest where a sequence begins.

    Args:
        leak: Share λ of the membrane that is left after a timestep, in [0, 1].

    Attributes:
        threshold: From which a neuron fires.
    """

    def __init__(self, leak: float) -> None:
        super().__init__()
        self.leak = leak
        self.threshold = 1.0

    def forward(self, currents: Tensor) -> Tensor:
        """Map currents (T, B, …) to spikes (T, B, …)."""
        return fire(currents, self.leak, self.threshold)


def neurons(kind: Kind, leak: float) -> nn.Module:
    """Make a layer of neurons; ordinary ones see every timestep by itself."""
    return Neurons(leak) if kind == "spiking" else nn.ReLU()
