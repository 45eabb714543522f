"""Architectures as kinds: what builds a network for a data set."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Literal

import torch
from torch import Tensor, nn

from tic.arrays import real_number
from tic.data.facts import Facts, ImageFacts
from tic.errors import TicError, as_tic_error, require_known
from tic.kinds import Kind
from tic.models.network import SpikingNetwork
from tic.models.plain import ALEXNET, TINY_ALEXNET, TINY_VGG16, VGG16, SpikingPlainNet
from tic.models.resnet import RESNET19, RESNET34, TINY, TINY_RESNET34, SpikingResNet
from tic.neurons import LIF


class Architecture(Kind, ABC):
    """What builds a network; a subclass is a frozen dataclass.

    A network maps inputs (B, …) to logits (T, B, K), one read-out per timestep; one without time
    has T = 1. It keeps no state between calls: what its neurons remember is reset where a forward
    begins.
    """

    @abstractmethod
    def build(self, facts: Facts, timesteps: int) -> nn.Module:
        """Build a network with fresh weights, drawn from torch's global generator.

        Args:
            facts: Shape of a sample and number of classes K.
            timesteps: Number of timesteps T.
        """

    def is_like(self, other: Architecture) -> bool:
        """Whether it builds the same network, so that what one does says something of the other."""
        return self == other

    def operations(self, facts: Facts, timesteps: int) -> int | None:
        """Floating-point operations of a forward and a backward pass of one sample, for plans.

        None where nobody says; a plan then times a step all the same.
        """
        return None

    def least_batch(self, timesteps: int) -> int:
        """Samples that a batch of a training needs at least."""
        return 1

    def shapes(self, facts: Facts, timesteps: int) -> nn.Module:
        """Build a network that has shapes and names, and where possible no numbers."""
        try:
            with torch.device("meta"):
                return self.build(facts, timesteps)
        except Exception:  # whatever a network that computes while it is built makes of no numbers
            with torch.random.fork_rng(devices=[]):
                return self.build(facts, timesteps)


LAYOUTS: dict[str, Callable[..., SpikingNetwork]] = {
    "alexnet": partial(SpikingPlainNet, ALEXNET),
    "resnet19": partial(SpikingResNet, RESNET19),
    "resnet34": partial(SpikingResNet, RESNET34),
    "tiny": partial(SpikingResNet, TINY),
    "tiny-alexnet": partial(SpikingPlainNet, TINY_ALEXNET),
    "tiny-resnet34": partial(SpikingResNet, TINY_RESNET34),
    "tiny-vgg16": partial(SpikingPlainNet, TINY_VGG16),
    "vgg16": partial(SpikingPlainNet, VGG16),
}
"""What builds the networks of this project, by name."""

ARCHITECTURES: tuple[str, ...] = tuple(LAYOUTS)
"""Names of the spiking networks that tic brings, in alphabetical order."""


@dataclass(frozen=True)
class Spiking(Architecture):
    """One of the spiking networks of `tic.models`, for images.

    Each has a tiny sibling of the same kind:

        resnet19  26,108,042 parameters (Kim et al. 2023)       tiny           39,642
        alexnet   23,281,610                                    tiny-alexnet   38,938
        vgg16     14,724,042                                    tiny-vgg16     44,634
        resnet34  21,282,122                                    tiny-resnet34  67,546

    at 10 classes, with 3 image channels for the large and 1 for the tiny ones.

    Attributes:
        network: One of `ARCHITECTURES`.
        tau: Time constant of all neurons, in timesteps.
        batch_norm: Whether batch normalisation takes its statistics while training over all
            timesteps of a batch together (`joint`), or over each by itself (`stepwise`), which
            updates the running ones T times in a step.

    Raises:
        TicError: The name is unknown, or a field is out of its range.
    """

    network: str
    tau: float = 2.0
    batch_norm: Literal["joint", "stepwise"] = "joint"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_known("architecture", self.network, ARCHITECTURES)
        with as_tic_error():
            tau = real_number(self.tau, name="tau")
        if not 0 < tau < math.inf:
            raise TicError(f"the time constant tau must be above 0 and finite, got {tau:g}")

    @property
    def name(self) -> str:
        """That of the network."""
        return self.network

    @property
    def label(self) -> str:
        """See `Kind.label`."""
        tau = "" if self.tau == Spiking.tau else f"-tau{self.tau:.3g}"
        return self.network + tau + ("" if self.batch_norm == "joint" else f"-{self.batch_norm}")

    def is_like(self, other: Architecture) -> bool:
        """See `Architecture.is_like`: it is the one of that name, whatever its time constant."""
        return isinstance(other, Spiking) and self.network == other.network

    def build(self, facts: Facts, timesteps: int) -> SpikingNetwork:
        """See `Architecture.build`.

        Raises:
            TicError: The data set is not one of images.
        """
        if not isinstance(facts, ImageFacts):
            raise TicError(
                f"{self.network} needs a data set of images (C, H, W), got {facts.name}, whose "
                f"{facts.noun} have the shape {facts.shape}; take an architecture for these"
            )
        network = LAYOUTS[self.network](
            in_channels=facts.channels,
            num_classes=facts.num_classes,
            timesteps=timesteps,
            tau=self.tau,
            mean=facts.mean,
            std=facts.std,
        )
        network.stepwise = self.batch_norm == "stepwise"
        return network

    def priced_as(self) -> Spiking:
        """See `Kind.priced_as`."""
        return self.but(tau=Spiking.tau)

    def least_batch(self, timesteps: int) -> int:
        """Two where batch normalisation sees single values: one has no variance."""
        return 2 if timesteps == 1 or self.batch_norm == "stepwise" else 1

    def operations(self, facts: Facts, timesteps: int) -> int:
        """Count convolutions and matrix products, a multiplication and an addition as two.

        Neurons and normalisation are not counted. What a timestep does not repeat counts once.
        """
        return _operations(self.but(batch_norm="joint"), facts, timesteps)


@lru_cache(maxsize=256)
def _operations(architecture: Spiking, facts: Facts, timesteps: int) -> int:
    """Sum over layers what a forward and a backward pass take, without computing any.

    Shapes come from a batch of no images, with neurons left out: arithmetic on the `meta` device,
    and SpikingJelly's neurons, first import torch's compiler, which takes seconds.
    """
    with torch.device("meta"):
        network = architecture.build(facts, timesteps).eval()
    shapes = {name: tensor.shape for name, tensor in network.state_dict().items()}
    # `to_empty` would import sympy.
    network.load_state_dict(
        {name: torch.empty(shape) for name, shape in shapes.items()}, assign=True
    )
    network.mean, network.std = torch.zeros(()), torch.ones(())
    repeated, total = network.repeated_weights(), 0

    def count(name: str, layer: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        nonlocal total
        places = math.prod(output.shape[-2:] if isinstance(layer, nn.Conv2d) else ())
        forward = 2 * places * layer.weight.numel()
        # Backward once to the weights, and once to the inputs where these are no image.
        passes = 3 if inputs[0].requires_grad else 2
        total += passes * forward * (timesteps if name in repeated else 1)

    for name, layer in network.named_modules():
        if isinstance(layer, LIF):
            layer.forward = _unchanged  # type: ignore[method-assign]
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_hook(partial(count, name))
    network(torch.empty(0, *facts.shape))
    return total


def _unchanged(currents: Tensor) -> Tensor:
    """Stands for a neuron, whose operations are not counted and whose output has this shape."""
    return currents
