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

Kind = Literal["spiking", "relu"]

SHARPNESS = 3.0
REACH = 3.0
"""Distance from the threshold beyond which the surrogate derivative is 0."""


class _Spike(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, distance: Tensor) -> Tensor:
        ctx.save_for_backward(distance)
        return (distance >= 0).to(distance.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (distance,) = ctx.saved_tensors
        slope = 1 - torch.tanh(SHARPNESS * distance).square()
        scale = SHARPNESS / (2 * math.tanh(SHARPNESS * REACH))
        gradient: Tensor = gradients[0] * slope * scale * (distance.abs() < REACH)
        return gradient


def spike(distance: Tensor) -> Tensor:
    """1 where the membrane has reached the threshold, with a surrogate derivative.

    Args:
        distance: Of the membrane above the threshold, any shape.
    """
    fired: Tensor = _Spike.apply(distance)
    return fired


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
        membrane, spikes = torch.zeros_like(currents[0]), []
        for current in currents:
            membrane = self.leak * membrane + current
            fired = spike(membrane - self.threshold)
            membrane = membrane * (1 - fired)
            spikes.append(fired)
        return torch.stack(spikes)


def neurons(kind: Kind, leak: float) -> nn.Module:
    """Make a layer of neurons; ordinary ones see every timestep by itself."""
    return Neurons(leak) if kind == "spiking" else nn.ReLU()
