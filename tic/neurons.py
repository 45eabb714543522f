"""Leaky integrate-and-fire neurons (Kim et al. 2023, Eq. 1).

    U_t = (1 - 1/τ) U_{t-1} + (1/τ) I_t        charge, decay on the input
    S_t = 1 if U_t >= threshold else 0          fire
    U_t = 0 where S_t = 1                       hard reset, detached from the graph

The derivative of the spike is that of the arctangent surrogate, 1 / (1 + (πx)²) at
x = U_t - threshold, in training and evaluation mode alike: an attack on a network in evaluation
mode needs it. SpikingJelly's `activation_based` lost it there in 0.0.0.0.14; its `clock_driven`,
which the release of Kim et al. imports, kept it in 0.0.0.0.12 and 0.0.0.0.14. On a GPU the update
is SpikingJelly's functional core with its fused kernels, which take τ above 1 alone; on a CPU,
where that core records a graph of single operations, and for other τ forward and backward are
written out here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import torch
from spikingjelly.activation_based import functional, surrogate
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from tic.arrays import real_number
from tic.errors import TicError, as_tic_error


def lif(
    currents: Tensor, membrane: Tensor, tau: float, threshold: float, spike: nn.Module
) -> tuple[Tensor, Tensor]:
    """Integrate input currents over time.

    Args:
        currents: Input currents I_t, shape (T, B, ...).
        membrane: Membrane potential before the first step, shape (B, ...), in at least single
            precision.
        tau: Time constant in timesteps. Below 1 the leak 1 - 1/τ is negative, which Eq. 1 allows.
        threshold: Membrane potential from which the neuron fires.
        spike: Heaviside step with a surrogate derivative.

    Returns:
        Spikes of shape (T, B, ...), in the currents' precision, and the membrane potential after
        the last step, (B, ...), in the membrane's.
    """
    if type(spike) is surrogate.ATan and (currents.device.type == "cpu" or tau <= 1):
        fired: tuple[Tensor, Tensor] = _LIF.apply(currents, membrane, tau, threshold, spike.alpha)
        return fired
    if tau <= 1:
        return _stepwise(currents, membrane, tau, threshold, spike)
    spikes, membrane, _ = functional.lif_multi_step(
        currents, membrane, tau, True, threshold, 0.0, spike, True, False
    )
    return cast(Tensor, spikes), membrane


class _LIF(torch.autograd.Function):
    """The update of `lif` with the arctangent surrogate of a given α, in few passes over memory.

    With x = U_t - threshold and σ'(x) = (α/2) / (1 + (παx/2)²),

        ∂L/∂U_t = σ'(x) ∂L/∂S_t + (1 - S_t) (1 - 1/τ) ∂L/∂U_{t+1},    ∂L/∂I_t = (1/τ) ∂L/∂U_t.
    """

    @staticmethod
    @torch.no_grad()  # torch.export traces the body as if it stood where it is called
    def forward(
        ctx: Any, currents: Tensor, membrane: Tensor, tau: float, threshold: float, alpha: float
    ) -> tuple[Tensor, Tensor]:
        """See `lif`."""
        spikes = torch.empty_like(currents)
        potentials = torch.empty_like(currents, dtype=membrane.dtype)
        for current, fired, potential in zip(currents, spikes, potentials, strict=True):
            torch.lerp(membrane, current.to(membrane.dtype), 1 / tau, out=potential)
            torch.ge(potential, threshold, out=fired)
            membrane = torch.addcmul(potential, potential, fired.to(membrane.dtype), value=-1)
        ctx.save_for_backward(potentials, spikes)
        ctx.set_materialize_grads(False)
        ctx.tau, ctx.threshold, ctx.alpha = tau, threshold, alpha
        return spikes, membrane

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, by_spikes: Tensor | None, by_membrane: Tensor | None) -> Any:
        """Give the gradients at the currents and at the first membrane."""
        potentials, spikes = ctx.saved_tensors
        # All timesteps at once where they do not wait for each other: small layers are bound by
        # calls. No other buffer of T is made: on a CPU, fresh memory costs more than what is
        # computed in it.
        if by_spikes is None:
            gradients = torch.zeros_like(potentials)
        else:
            gradients = (potentials - ctx.threshold).square_()
            gradients.mul_(ctx.alpha * math.pi**2 / 2).add_(2 / ctx.alpha)  # 1/σ'
            gradients.reciprocal_().mul_(by_spikes.to(potentials.dtype))
        later, left = by_membrane, 1.0
        for t in reversed(range(len(gradients))):
            if later is not None:
                gradients[t].add_(later, alpha=left)
                gradients[t].addcmul_(later, spikes[t].to(later.dtype), value=-left)
            later, left = gradients[t], 1 - 1 / ctx.tau
        by_first = gradients[0] * left if ctx.needs_input_grad[1] else None
        return gradients.mul_(1 / ctx.tau).to(spikes.dtype), by_first, None, None, None


def _stepwise(
    currents: Tensor, membrane: Tensor, tau: float, threshold: float, spike: nn.Module
) -> tuple[Tensor, Tensor]:
    """See `lif`; for any surrogate, as a graph of single operations."""
    spikes = []
    for current in currents:
        potential = torch.lerp(membrane, current.to(membrane.dtype), 1 / tau)
        fired = spike(potential - threshold)
        membrane = potential * (1 - fired.detach())
        spikes.append(fired.to(currents.dtype))
    return torch.stack(spikes), membrane


class LIF(nn.Module):
    """A layer of LIF neurons.

    A call goes on from the membrane that the last one left. A network lets them start from rest by
    calling them inside `fresh_membranes`, which forgets membranes again; copies start from rest.

    Args:
        tau: Time constant in timesteps, above 0.
        threshold: Firing threshold.

    Raises:
        TicError: The time constant is not positive and finite.
    """

    membrane: Tensor | None

    def __init__(self, tau: float = 2.0, threshold: float = 1.0) -> None:
        super().__init__()
        with as_tic_error():
            self.tau = real_number(tau, name="the time constant tau")
        if not 0 < self.tau < math.inf:
            raise TicError(f"the time constant tau must be above 0 and finite, got {self.tau:g}")
        self.threshold = threshold
        self.spike = surrogate.ATan()  # alpha = 2 gives 1 / (1 + (πx)²)
        self.membrane = None

    def forward(self, currents: Tensor) -> Tensor:
        """Map input currents (T, B, ...) to spikes (T, B, ...), going on from the last membrane."""
        membrane = _at_rest(currents[0]) if self.membrane is None else self.membrane
        spikes, self.membrane = lif(currents, membrane, self.tau, self.threshold, self.spike)
        return spikes

    def __getstate__(self) -> dict[str, Any]:
        """Leave the membrane out of copies, which start from rest."""
        return {**self.__dict__, "membrane": None}

    def extra_repr(self) -> str:
        """Show the parameters of Eq. 1."""
        return f"tau={self.tau}, threshold={self.threshold}"


def _at_rest(current: Tensor) -> Tensor:
    """Membranes of 0; half precision would lose the currents that are small beside them."""
    return torch.zeros_like(current, dtype=torch.promote_types(current.dtype, torch.float32))


@contextmanager
def fresh_membranes(network: nn.Module) -> Iterator[None]:
    """Let every LIF layer of the network start from rest, and forget its state afterwards."""
    layers = [module for module in network.modules() if isinstance(module, LIF)]

    def rest() -> None:
        for layer in layers:
            layer.membrane = None

    rest()
    try:
        yield
    finally:
        rest()
