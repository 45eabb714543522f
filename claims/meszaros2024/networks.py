"""The release's network: one hidden layer, feed-forward, with a delay in every synapse.

Currents (B, T, F) go through delayed synapses, batch normalisation (BN) over time and batch
together, hidden neurons, dropout with one mask for all timesteps, delayed synapses again and a
leaky read-out, of which the softmax is given at every timestep.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout

from claims.meszaros2024.neurons import LIF, Readout
from tic.audit import Architecture, Facts, TicError
from tic.models import DelayedLinear
from tic.models.network import over_time

Delays = Literal["none", "fixed", "blurred", "learned"]


class DelayedNetwork(nn.Module):
    """Maps currents (B, T, F) to softmaxes (T, B, K), one per timestep.

    Synapses are `inner`, from the input to the hidden neurons, and `outer`, from these to the
    read-out.

    Args:
        design: Its architecture.
        facts: Shape of the recordings and number of classes.
    """

    def __init__(self, design: Delayed, facts: Facts) -> None:
        super().__init__()
        self.shape, self.share = facts.shape, design.dropout
        self.inner = synapses(facts.shape[1], design.hidden, design)
        self.norm = nn.BatchNorm1d(design.hidden)
        self.neuron = LIF(design.tau, trained=design.trained_tau)
        self.outer = synapses(design.hidden, facts.num_classes, design)
        self.readout = Readout(design.tau, trained=design.trained_tau)

    def forward(self, recordings: Tensor) -> Tensor:
        """Classify recordings; see the class."""
        if tuple(recordings.shape[1:]) != self.shape:
            raise TicError(
                f"recordings must be (B, T, F) with T and F = {self.shape}, got shape "
                f"{tuple(recordings.shape)}"
            )
        currents = over_time(self.norm, self.inner(recordings.transpose(0, 1)))
        spikes = self.neuron(currents)
        if self.training and self.share:
            spikes = spikes * dropout(torch.ones_like(spikes[0]), self.share)
        potentials = self.readout(self.outer(spikes))
        softmaxes: Tensor = potentials.softmax(2)
        return softmaxes


def synapses(inputs: int, outputs: int, design: Delayed) -> DelayedLinear:
    """Make a layer: weights drawn uniformly after Kaiming for ReLU, delays as the release does.

    It draws a position uniformly on one timestep more than there are delays, and clamps it, so that
    more synapses begin with the largest delay than with any other.
    """
    largest = 0 if design.delays == "none" else design.largest_delay
    layer = DelayedLinear(
        inputs,
        outputs,
        largest_delay=largest,
        kernel="gaussian" if design.delays in ("blurred", "learned") else "tap",
        learned=design.delays == "learned",
    )
    nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
    if largest:
        with torch.no_grad():
            layer.delay.uniform_(0, largest + 1).clamp_(max=largest)
    return layer


@dataclass(frozen=True)
class Delayed(Architecture):
    """A network with delays; as it is by default, the release's.

    Attributes:
        delays: `learned`; drawn and `fixed`; fixed and `blurred` while it is trained, as learned
            ones are; or `none`.
        hidden: Neurons.
        largest_delay: In timesteps.
        tau: Of hidden neurons and read-out, in timesteps.
        trained_tau: Whether τ is learned, one for the hidden neurons and one for the read-out.
        dropout: Share of the hidden neurons whose spikes are dropped.

    Raises:
        TicError: A field is out of its range.
    """

    delays: Delays = "learned"
    hidden: int = 256
    largest_delay: int = 24
    tau: float = 10.05
    trained_tau: bool = False
    dropout: float = 0.4

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("hidden", "largest_delay"):
            if getattr(self, name) < 1:
                raise TicError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not self.tau > 1:
            raise TicError(f"tau must be above 1 timestep, got {self.tau:g}")
        if not 0 <= self.dropout < 1:
            raise TicError(f"dropout must be in [0, 1), got {self.dropout:g}")

    @property
    def label(self) -> str:
        """See `Kind.label`."""
        tau = "-trained-tau" if self.trained_tau else ""
        return f"{self.delays}-h{self.hidden}-tau{self.tau:g}{tau}"

    def build(self, facts: Facts, timesteps: int) -> DelayedNetwork:
        """See `Architecture.build`.

        Raises:
            TicError: The data set is none of features over time, or not of so many timesteps.
        """
        if len(facts.shape) != 2 or facts.shape[0] != timesteps:
            raise TicError(
                f"{self.name} needs recordings (T, F) with T={timesteps}, got {facts.name}, whose "
                f"{facts.noun} have the shape {facts.shape}"
            )
        return DelayedNetwork(self, facts)

    def operations(self, facts: Facts, timesteps: int) -> int:
        """Count the convolutions with dense kernels, a multiplication and an addition as two."""
        taps = 1 if self.delays == "none" else self.largest_delay + 1
        inner, outer = facts.shape[1] * self.hidden, self.hidden * facts.num_classes
        # Backward goes to weights and inputs, but not to the recordings.
        return 2 * timesteps * taps * (2 * inner + 3 * outer)
