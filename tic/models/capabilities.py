"""What a network may be able to do beside mapping inputs to logits.

A network is asked for it instead of for its class, so that a paper's own networks can do it too.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from torch import nn

from tic.errors import TicError
from tic.models.delays import DelayedLinear

SYNAPTIC: tuple[type[nn.Module], ...] = (nn.modules.conv._ConvNd, nn.Linear, DelayedLinear)
"""Layers of synapses: convolutions, also transposed ones, and linear ones, with delays or not."""


@runtime_checkable
class Timed(Protocol):
    """A network that can be run for any number of timesteps, as set."""

    timesteps: int


@runtime_checkable
class Repeating(Protocol):
    """A network that tells which of its layers every timestep runs again."""

    def repeated_weights(self) -> tuple[str, ...]:
        """Names of these convolutions and linear layers."""


def run_for(network: nn.Module, timesteps: int) -> None:
    """Let a network run for so many timesteps.

    Raises:
        TicError: It cannot.
    """
    timesteps_of(network)
    network.timesteps = timesteps  # type: ignore[assignment]


def timesteps_of(network: nn.Module) -> int:
    """How many timesteps a network runs for.

    Raises:
        TicError: It does not tell.
    """
    if not isinstance(network, Timed):
        raise TicError(
            f"{type(network).__name__} must have an attribute timesteps that says how many it runs "
            "for, so that it can be asked for and set; give it one"
        )
    return network.timesteps
