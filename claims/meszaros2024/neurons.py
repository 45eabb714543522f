"""The release's neurons and its read-out, each one timestep late.

Hidden neurons, with θ = 1 and λ = 1 - 1/τ, from V_0 = 0 on:

    S_t = 1 where V_{t-1} > θ, else 0           fire, at the potential of the timestep before
    V_t = (λ V_{t-1} + I_{t-1}) (1 - S_t)       leak, charge and reset

The input is not scaled by 1/τ. The reset is detached from the graph and drops the input of its own
timestep too. The derivative of a spike is the arctangent's, σ'(x) = (α/2) / (1 + (παx/2)²) at
x = V_{t-1} - θ with α = 5. The read-out leaks likewise and never fires.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from tic.audit import TicError

THRESHOLD = 1.0
ALPHA = 5.0
"""Of the surrogate."""


class _Fire(torch.autograd.Function):
    """Currents (T, B, N) and λ to spikes, with the gradients written out; a graph takes longer.

    With A_t = ∂L/∂V_t, from the last timestep, where it is 0, to the first,

        A_{t-1} = σ'(V_{t-1} - θ) ∂L/∂S_t + λ (1 - S_t) A_t
        ∂L/∂I_{t-1} = (1 - S_t) A_t,    ∂L/∂λ = Σ_t V_{t-1} (1 - S_t) A_t.
    """

    @staticmethod
    def forward(ctx: Any, currents: Tensor, leak: Tensor) -> Tensor:
        potentials, silent = torch.zeros_like(currents), torch.ones_like(currents)
        steps = zip(currents, potentials, potentials[1:], silent[1:], strict=False)
        for current, before, potential, left in steps:
            torch.le(before, THRESHOLD, out=left)
            torch.addcmul(current, before, leak, out=potential).mul_(left)
        ctx.save_for_backward(potentials, silent, leak)
        return 1 - silent

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, by_spikes: Tensor) -> Any:
        potentials, silent, leak = ctx.saved_tensors
        slopes = (potentials[:-1] - THRESHOLD).mul_(math.pi * ALPHA / 2).square_().add_(1)
        slopes = slopes.reciprocal_().mul_(ALPHA / 2).mul_(by_spikes[1:])
        passed = torch.zeros_like(potentials)  # (1 - S_t) A_t, at the place of t - 1
        later = zip(passed, passed[1:], slopes[1:], silent[1:], strict=False)
        for earlier, after, slope, left in reversed(tuple(later)):
            torch.addcmul(slope, after, leak, out=earlier).mul_(left)
        by_leak = (potentials * passed).sum() if ctx.needs_input_grad[1] else None
        return passed, by_leak


class _Leaky(nn.Module):
    """What leaks with a time constant.

    Args:
        tau: τ in timesteps, above 1.
        trained: Whether it is a parameter, of which λ = σ(a) is made.

    Raises:
        TicError: τ is not above 1.
    """

    def __init__(self, tau: float, *, trained: bool = False) -> None:
        super().__init__()
        if not 1 < tau < math.inf:
            raise TicError(f"tau must be above 1 timestep and finite, got {tau:g}")
        leak = 1 - 1 / tau
        if trained:
            self.logit = nn.Parameter(torch.tensor(math.log(leak / (1 - leak))))
        else:
            self.register_buffer("kept", torch.tensor(leak), persistent=False)

    @property
    def leak(self) -> Tensor:
        """λ, a scalar."""
        trained = getattr(self, "logit", None)
        return self.get_buffer("kept") if trained is None else trained.sigmoid()


class LIF(_Leaky):
    """A layer of hidden neurons, at rest where a sequence begins; see this file's docstring."""

    def forward(self, currents: Tensor) -> Tensor:
        """Map currents (T, B, N) to spikes (T, B, N)."""
        spikes: Tensor = _Fire.apply(currents, self.leak.to(currents.dtype))
        return spikes


class Readout(_Leaky):
    """V_t = λ V_{t-1} + I_{t-1}, V_0 = 0: one potential per class."""

    def forward(self, currents: Tensor) -> Tensor:
        """Map currents (T, B, K) to potentials (T, B, K)."""
        steps = torch.arange(len(currents), device=currents.device)
        lags = steps[:, None] - 1 - steps
        leak = self.leak.to(currents.dtype)
        kernel = torch.where(lags >= 0, leak ** lags.clamp_min(0), leak.new_zeros(()))
        potentials: Tensor = torch.einsum("ts,sbk->tbk", kernel, currents)
        return potentials
