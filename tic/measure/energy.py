"""Synaptic operations of a network on its inputs, and an estimate of the energy that they take.

A spike is added to every neuron that it reaches: an accumulate. A value that is not 0 or 1 is
multiplied by each weight first: a multiply-accumulate. Zeros reach nobody. What is counted is what
convolutions and linear layers do, with the edges as they are: a spike in a corner reaches fewer
neurons, and one whose delay outlasts the recording none. Biases, normalisation, neurons and memory
are not counted.

The energy of an operation in 32-bit floating point at 45 nm is that of Horowitz (ISSCC 2014): 0.9
pJ an addition, and 3.7 pJ a multiplication beside it. Moving data takes more than that, and is left
out: the numbers compare networks, and say nothing of a machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from tic.errors import TicError
from tic.models.delays import DelayedLinear
from tic.models.logits import calling
from tic.models.modes import evaluation_mode

ACCUMULATE = 0.9
"""Picojoules of an addition in 32-bit floating point at 45 nm (Horowitz 2014)."""
MULTIPLY_ACCUMULATE = 4.6
"""Picojoules of a multiplication and an addition likewise."""


@dataclass(frozen=True)
class Operations:
    """What one sample takes on average.

    Attributes:
        accumulates: By layer: additions that spikes bring about.
        multiplications: By layer: multiply-accumulates that other values bring about.
    """

    accumulates: Mapping[str, float]
    multiplications: Mapping[str, float]

    @property
    def synaptic(self) -> float:
        """Additions that spikes bring about, in all layers."""
        return sum(self.accumulates.values())

    @property
    def energy(self) -> float:
        """Picojoules; see this module."""
        return ACCUMULATE * self.synaptic + MULTIPLY_ACCUMULATE * sum(self.multiplications.values())


@torch.no_grad()
def operations(network: nn.Module, loader: Iterable[tuple[Tensor, Tensor]]) -> Operations:
    """Count what the convolutions and linear layers of a network do, per sample.

    Each value of a layer's inputs counts for itself, a 1 as accumulates and any other but 0 as
    multiply-accumulates, so that no sample changes what another one takes.

    Args:
        network: Any; measured in evaluation mode, and left as it was found.
        loader: Batches of inputs (B, …) and labels (B,).

    Raises:
        TicError: The loader is empty, or the network has no such layers.
    """
    sums: dict[str, list[float]] = {}
    samples = 0
    with evaluation_mode(network), _counted(network, sums):
        for inputs, _ in loader:
            with calling(inputs):
                network(inputs)
            samples += len(inputs)
    if not samples:
        raise TicError("operations are counted on batches of inputs, got none; pass some")
    if not sums:
        raise TicError(
            f"{type(network).__name__} runs no convolution and no linear layer of torch, whose "
            "operations could be counted"
        )
    added, multiplied = ({name: both[k] / samples for name, both in sums.items()} for k in (0, 1))
    return Operations(added, multiplied)


@contextmanager
def _counted(network: nn.Module, sums: dict[str, list[float]]) -> Iterator[None]:
    def hook(name: str) -> Any:
        def count(layer: Any, inputs: tuple[Tensor, ...], _output: Tensor) -> None:
            both = sums.setdefault(name, [0.0, 0.0])
            values = inputs[0]
            both[0] += reached(layer, values == 1)
            both[1] += reached(layer, (values != 0) & (values != 1))

        return count

    with ExitStack() as stack:
        for name, layer in network.named_modules():
            if isinstance(layer, nn.Linear | DelayedLinear | nn.Conv1d | nn.Conv2d | nn.Conv3d):
                stack.callback(layer.register_forward_hook(hook(name)).remove)
        yield


def reached(
    layer: nn.Linear | DelayedLinear | nn.Conv1d | nn.Conv2d | nn.Conv3d, values: Tensor
) -> float:
    """How many times a value that is not 0 reaches a neuron: connections that carry something.

    Args:
        layer: Linear, with delays or without, or a convolution.
        values: Its input.
    """
    carried = (values != 0).to(torch.float32)
    if isinstance(layer, nn.Linear):
        return float(carried.double().sum()) * layer.out_features
    if isinstance(layer, DelayedLinear):
        return _reached_in_time(layer.whole_delays(), carried)
    # The same convolution with ones for weights says how many carrying inputs each neuron has.
    place = layer.weight.dim() - 2
    *batch, channels = carried.shape[: carried.dim() - place]
    apart = (*batch, layer.groups, channels // layer.groups, *carried.shape[-place:])
    summed = carried.view(apart).sum(-place - 1)
    ones = torch.ones(layer.groups, 1, *layer.weight.shape[2:]).to(summed)
    kernel: Any = layer
    counts: Tensor = kernel._conv_forward(summed, ones, None)
    return float(counts.double().sum()) * (layer.out_channels // layer.groups)


def _reached_in_time(delays: Tensor, carried: Tensor) -> float:
    """Of inputs (T, B, I), those that arrive before the recording ends, over synapses (O, I)."""
    by_time = carried.double().sum(1)
    steps = range(min(len(by_time), int(delays.max()) + 1))
    arrived = (((delays == k).sum(0) * by_time[: len(by_time) - k].sum(0)).sum() for k in steps)
    return float(torch.stack([*arrived]).sum())
