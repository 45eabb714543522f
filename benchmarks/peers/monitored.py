"""Firing rates by hand: means of what SpikingJelly's monitor records of the layers of neurons."""

from __future__ import annotations

import torch
from spikingjelly.activation_based.monitor import OutputMonitor
from torch import Tensor, nn

from tic.neurons import LIF


def rates(network: nn.Module, images: Tensor) -> dict[str, Tensor]:
    """Rate of each channel at each timestep, shape (T, C), by layer."""
    with torch.no_grad(), OutputMonitor(network, LIF, _rates) as monitor:
        network.eval()(images)
    return {name: torch.cat(monitor[name]) for name in monitor.monitored_layers}


def _rates(spikes: Tensor) -> Tensor:
    return spikes.mean((1, *range(3, spikes.dim())))
