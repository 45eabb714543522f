"""Synaptic operations of a network on its inputs, and an estimate of the energy that they take.

A spike is added to every neuron that it reaches: an accumulate. A value that is not 0 or 1 is
multiplied by each weight first: a multiply-accumulate. Zeros reach nobody, nor does anything
through a weight that is 0. What is counted is what convolutions and linear layers do, with the
edges as they are: a spike in a corner reaches fewer neurons, and one whose delay outlasts the
recording none. Biases, normalisation, neurons and memory are not counted; other layers with
weights, such as attention and transposed convolutions, are not either, and are named.

The energy of an operation in 32-bit floating point at 45 nm is that of Horowitz (ISSCC 2014): 0.9
pJ an addition, and 3.7 pJ a multiplication beside it. Moving data takes more than that, and is left
out: the numbers compare networks, and say nothing of a machine.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import ParametrizationList

from tic.errors import TicError
from tic.measure.activations import device_of
from tic.measure.batches import Loader, labelled_batches
from tic.models.delays import DelayedLinear
from tic.models.logits import calling
from tic.models.modes import evaluation_mode

ACCUMULATE = 0.9
"""Picojoules of an addition in 32-bit floating point at 45 nm (Horowitz 2014)."""
MULTIPLY_ACCUMULATE = 4.6
"""Picojoules of a multiplication and an addition likewise."""

Connecting = nn.Linear | DelayedLinear | nn.Conv1d | nn.Conv2d | nn.Conv3d
"""Layers whose operations are counted."""

_WITHOUT_SYNAPSES = nn.LayerNorm | nn.RMSNorm | nn.Embedding | ParametrizationList
"""Layers whose weights of several axes connect no neurons."""
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Operations:
    """What one sample takes on average.

    Attributes:
        accumulates: By layer: additions that spikes bring about.
        multiply_accumulates: By layer: multiply-accumulates that other values bring about.
        uncounted: Layers of another kind that ran and have weights: what they do is in no number.
    """

    accumulates: Mapping[str, float]
    multiply_accumulates: Mapping[str, float]
    uncounted: tuple[str, ...] = ()

    @property
    def synaptic_operations(self) -> float:
        """Additions that spikes bring about, in all layers."""
        return sum(self.accumulates.values())

    @property
    def energy(self) -> float:
        """Picojoules; see this module."""
        return ACCUMULATE * self.synaptic_operations + MULTIPLY_ACCUMULATE * sum(
            self.multiply_accumulates.values()
        )


@torch.no_grad()
def operations(network: nn.Module, loader: Loader) -> Operations:
    """Count what the convolutions and linear layers of a network do, per sample.

    Each value of a layer's inputs counts for itself, a 1 as accumulates and any other but 0 as
    multiply-accumulates, so that no sample changes what another one takes. The log names layers
    with weights that are not counted.

    Args:
        network: Any; measured in evaluation mode, and left as it was found.
        loader: Batches of inputs (B, …) and labels (B,).

    Raises:
        TicError: The loader gives no samples or something else than batches (inputs, labels), or
            the network has no such layers.
    """
    counter = _Counter()
    samples = 0
    with evaluation_mode(network), counter.hooked(network):
        for batch in labelled_batches(loader, device_of(network)):
            with calling(batch.inputs):
                network(batch.inputs.clone())  # a layer that works in place may change them
            samples += len(batch)
    if not counter.sums:
        raise TicError(
            f"{type(network).__name__} runs no convolution and no linear layer of torch, whose "
            "operations could be counted"
        )
    if counter.uncounted:
        kinds = (f"{name} ({kind})" for name, kind in counter.uncounted.items())
        _LOG.warning("operations of these layers are not counted: %s", ", ".join(kinds))
    added, multiplied = (
        {name: both[kind] / samples for name, both in counter.sums.items()} for kind in (0, 1)
    )
    return Operations(added, multiplied, tuple(counter.uncounted))


@dataclass
class _Counter:
    """What layers did while a network ran.

    Attributes:
        sums: By layer: how many connections spikes reached, and how many other values did.
        uncounted: By layer with weights that is not counted: its kind.
    """

    sums: dict[str, list[float]] = field(default_factory=dict)
    uncounted: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def hooked(self, network: nn.Module) -> Iterator[None]:
        with ExitStack() as stack:
            for name, layer in network.named_modules():
                if isinstance(layer, Connecting):
                    handle = layer.register_forward_hook(self._count(name), with_kwargs=True)
                elif _has_synapses(layer):
                    handle = layer.register_forward_hook(self._name(name))
                else:
                    continue
                stack.callback(handle.remove)
            yield

    def _count(self, name: str) -> Callable[..., None]:
        def count(layer: Any, arguments: Any, named: dict[str, Any], _output: Any) -> None:
            values: Tensor = next(iter((*arguments, *named.values())))
            both = self.sums.setdefault(name, [0.0, 0.0])
            both[0] += reached(layer, values == 1)
            both[1] += reached(layer, (values != 0) & (values != 1))

        return count

    def _name(self, name: str) -> Callable[..., None]:
        def note(layer: nn.Module, _arguments: Any, _output: Any) -> None:
            self.uncounted[name] = type(layer).__name__

        return note


def _has_synapses(layer: nn.Module) -> bool:
    """Whether a layer seems to connect neurons: it has parameters of its own with several axes."""
    own = layer.parameters(recurse=False)
    return not isinstance(layer, _WITHOUT_SYNAPSES) and any(each.dim() > 1 for each in own)


def reached(layer: Connecting, values: Tensor) -> float:
    """How many times a value that is not 0 reaches a neuron, through a weight that is not 0.

    Args:
        layer: Linear, with delays or without, or a convolution.
        values: Its input.
    """
    carried, live = values != 0, (layer.weight != 0).detach()
    if isinstance(layer, nn.Linear):
        by_input = carried.reshape(-1, layer.in_features).sum(0)
        return float((by_input.double() * live.sum(0)).sum())
    if isinstance(layer, DelayedLinear):
        return _reached_in_time(layer.whole_delays(), live, carried)
    # A convolution of how often each input carried something with how many neurons hear it.
    place = live.dim() - 2
    by_input = carried.reshape(-1, *carried.shape[-place - 1 :]).sum(0)
    heard = live.view(layer.groups, -1, *live.shape[1:]).sum(1)
    kernel: Any = layer
    counts: Tensor = kernel._conv_forward(by_input[None].double(), heard.double(), None)
    return float(counts.sum())


def _reached_in_time(delays: Tensor, live: Tensor, carried: Tensor) -> float:
    """Of inputs (T, B, I), those that arrive before the recording ends, over synapses (O, I)."""
    by_time = carried.sum(1).double()
    steps = range(min(len(by_time), int(delays.max()) + 1))
    arrived = (
        (((delays == k) & live).sum(0) * by_time[: len(by_time) - k].sum(0)).sum() for k in steps
    )
    return float(torch.stack([*arrived]).sum())
