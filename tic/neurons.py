"""Leaky integrate-and-fire neurons (Kim et al. 2023, Eq. 1).

    U_t = (1 - 1/τ) U_{t-1} + (1/τ) I_t        charge, decay on the input
    S_t = 1 if U_t >= threshold else 0          fire
    U_t = 0 where S_t = 1                       hard reset, detached from the graph

The derivative of the spike is that of the arctangent surrogate, 1 / (1 + (πx)²) at
x = U_t - threshold, in training and evaluation mode alike: an attack on a network in evaluation
mode needs it, and SpikingJelly 0.0.0.0.14 lost it there. The update is SpikingJelly's functional
core, which brings fused kernels on GPU.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import torch
from spikingjelly.activation_based import functional, surrogate
from torch import Tensor, nn

from tic.errors import TicError


def lif(
    currents: Tensor, membrane: Tensor, tau: float, threshold: float, spike: nn.Module
) -> tuple[Tensor, Tensor]:
    """Integrate input currents over time.

    Args:
        currents: Input currents I_t, shape (T, B, ...).
        membrane: Membrane potential before the first step, shape (B, ...).
        tau: Time constant in timesteps. Below 1 the leak 1 - 1/τ is negative, which Eq. 1 allows.
        threshold: Membrane potential from which the neuron fires.
        spike: Heaviside step with a surrogate derivative.

    Returns:
        Spikes of shape (T, B, ...) and the membrane potential after the last step, (B, ...).
    """
    spikes, membrane, _ = functional.lif_multi_step(
        currents, membrane, tau, True, threshold, 0.0, spike, True, False
    )
    return cast(Tensor, spikes), membrane


class LIF(nn.Module):
    """A layer of LIF neurons; its membrane lives only inside `fresh_membranes`.

    Args:
        tau: Time constant in timesteps, above 0.
        threshold: Firing threshold.

    Raises:
        TicError: The time constant is not positive.
    """

    membrane: Tensor | None

    def __init__(self, tau: float = 2.0, threshold: float = 1.0) -> None:
        super().__init__()
        if not tau > 0:
            raise TicError(f"the time constant tau must be above 0, got {tau}")
        self.tau = float(tau)
        self.threshold = threshold
        self.spike = surrogate.ATan()  # alpha = 2 gives the paper's 1 / (1 + (πx)²)
        self.membrane = None

    def forward(self, currents: Tensor) -> Tensor:
        """Map input currents (T, B, ...) to spikes (T, B, ...), going on from the last membrane."""
        membrane = torch.zeros_like(currents[0]) if self.membrane is None else self.membrane
        spikes, self.membrane = lif(currents, membrane, self.tau, self.threshold, self.spike)
        return spikes

    def extra_repr(self) -> str:
        """Show the parameters of Eq. 1."""
        return f"tau={self.tau}, threshold={self.threshold}"


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
