"""A delay per synapse: against the library that has such layers, no delays, and its floor."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import conv1d, pad

from benchmarks.harness import Call, Options, Row, Sample, Target, at_most, compare, more_than
from benchmarks.peers.dilated import Dilated
from tic.losses import mean_loss
from tic.models import DelayedLinear
from tic.neurons import LIF, fresh_membranes

STEPS = 3
"""Steps of one timed call."""

Layers = Callable[[DelayedLinear], nn.Module]


@dataclass(frozen=True)
class Sizes:
    """Of a network with one hidden layer, and of a batch of recordings.

    Attributes:
        widths: Inputs, hidden neurons and classes.
        timesteps: Number of timesteps T.
        largest: Largest delay, in timesteps.
        batch: Recordings B.
    """

    widths: tuple[int, int, int] = (20, 64, 20)
    timesteps: int = 40
    largest: int = 12
    batch: int = 64

    def __str__(self) -> str:
        widths = "–".join(map(str, self.widths))
        return f"{widths}, delays to {self.largest}, {self.batch}×{self.timesteps} timesteps"

    def layers(self) -> tuple[DelayedLinear, DelayedLinear]:
        """Our layers, with weights and delays that are the same every time."""
        torch.manual_seed(0)
        inputs, hidden, classes = self.widths
        first, second = (
            DelayedLinear(*shape, largest_delay=self.largest)
            for shape in ((inputs, hidden), (hidden, classes))
        )
        return first, second


class Network(nn.Module):
    """Recordings (B, T, F) to logits (T, B, K), with one layer of LIF neurons."""

    def __init__(self, first: nn.Module, second: nn.Module) -> None:
        super().__init__()
        self.first, self.neurons, self.second = first, LIF(), second

    def forward(self, recordings: Tensor) -> Tensor:
        with fresh_membranes(self):
            logits: Tensor = self.second(self.neurons(self.first(recordings.transpose(0, 1))))
        return logits


def ours(layer: DelayedLinear) -> nn.Module:
    return layer


def without_delays(layer: DelayedLinear) -> nn.Module:
    return nn.Linear(layer.inputs, layer.outputs, bias=False)


SIZES = Sizes()
DENSE = (
    "A kernel has as many taps as there are delays, and each is multiplied with all inputs, though "
    "most of it is nearly 0."
)
SAME_PRODUCTS = (
    "Products with the kernel are the same in both, and neurons too; what can be gained is to make "
    "the kernel and to lay out inputs in fewer passes over memory."
)
MAKING = "The kernel is made of weights, delays and a width in every step, and differentiated."


def rows() -> Iterator[Row]:
    """All rows of delays."""
    step, layer = (
        f"training step with learned delays, {SIZES}",
        f"layer with learned delays, {SIZES}",
    )
    dcls, none, floor = more_than(1), at_most(5), at_most(1.2)
    yield Row(
        "delays/dcls",
        step,
        "dcls, Dcls1d with Gaussian kernels",
        dcls,
        SAME_PRODUCTS,
        partial(_against, SIZES, Dilated, dcls),
    )
    yield Row(
        "delays/without",
        step,
        "the same network without delays",
        none,
        DENSE,
        partial(_against, SIZES, without_delays, none),
    )
    yield Row(
        "delays/floor",
        layer,
        "floor: conv1d with a kernel that is there, forward and backward",
        floor,
        MAKING,
        partial(_floor, SIZES, floor),
    )


def _against(sizes: Sizes, layers: Layers, target: Target, options: Options) -> Sample:
    mine, theirs = (steps(network(sizes, made), sizes) for made in (ours, layers))
    return compare(target, mine, theirs, options)


def network(sizes: Sizes, layers: Layers) -> Network:
    """Make the network of ours or of a peer."""
    first, second = map(layers, sizes.layers())
    return Network(first, second)


def steps(network: nn.Module, sizes: Sizes) -> Call:
    """Make a call that takes training steps: forward, loss, backward, Adam."""
    torch.manual_seed(1)
    recordings = 10 * torch.rand(sizes.batch, sizes.timesteps, sizes.widths[0])
    labels = torch.randint(sizes.widths[2], (sizes.batch,))
    optimiser = torch.optim.Adam(network.train().parameters(), lr=1e-3)

    def call() -> None:
        for _ in range(STEPS):
            optimiser.zero_grad()
            mean_loss(network(recordings), labels).backward()  # type: ignore[no-untyped-call]
            optimiser.step()

    return call


def _floor(sizes: Sizes, target: Target, options: Options) -> Sample:
    layer = sizes.layers()[1]
    torch.manual_seed(1)
    inputs = torch.rand(sizes.timesteps, sizes.batch, layer.inputs, requires_grad=True)
    # As a convolution lays them out, so that nothing is counted that it need not do.
    laid_out = inputs.detach().permute(1, 2, 0).contiguous().requires_grad_()
    kernel = layer.dense_kernel().detach().flip(2).contiguous().requires_grad_()

    def mine() -> None:
        _differentiated(layer(inputs), [inputs, layer.weight, layer.delay])

    def theirs() -> None:
        _differentiated(conv1d(pad(laid_out, (sizes.largest, 0)), kernel), [laid_out, kernel])

    return compare(target, mine, theirs, options)


def _differentiated(outputs: Tensor, at: Sequence[Tensor]) -> None:
    torch.autograd.grad(outputs, at, torch.ones_like(outputs))
