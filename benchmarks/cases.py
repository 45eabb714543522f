"""The networks that rows are measured on, with random images of their usual size."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tic import models
from tic.models.network import SpikingNetwork
from tic.models.resnet import RESNET19, TINY, ResNetLayout

CLASSES = 10
_CALIBRATED = 8
"""Images that the statistics of a network's normalisations are of."""


@dataclass(frozen=True)
class Case:
    """A network of the paper, or its small sibling, with T timesteps.

    Attributes:
        name: What `tic.models.build` calls it.
        layout: Its widths, which peers are built from.
        channels: Image channels C.
        side: Height and width of the images.
        timesteps: Number of timesteps T.
    """

    name: str
    layout: ResNetLayout
    channels: int
    side: int
    timesteps: int

    @property
    def key(self) -> str:
        """The part of a row's name that tells the network and T."""
        return f"{self.name}-t{self.timesteps}"

    def says(self, path: str, batch: int) -> str:
        """Name a path with all that its cost depends on."""
        shape = f"{batch}×{self.channels}×{self.side}×{self.side}"
        return f"{path}, {self.name}, T={self.timesteps}, {shape}"

    def build(self) -> SpikingNetwork:
        """Build our network with weights that are the same every time, and neurons that fire.

        Its normalisations have the statistics of a batch, as after training. With those of a new
        network no spike leaves the stem, and what is behind it would be measured on zeros.
        """
        torch.manual_seed(0)
        network = models.build(
            self.name,
            in_channels=self.channels,
            num_classes=CLASSES,
            timesteps=self.timesteps,
        )
        images, _ = self.batch(_CALIBRATED)
        with torch.no_grad(), _only_this_batch(network):
            network.train()(images)
        return network

    def batch(self, size: int, device: torch.device | str = "cpu") -> tuple[Tensor, Tensor]:
        """Draw images (B, C, H, W) in [0, 1] and labels (B,)."""
        torch.manual_seed(1)
        images = torch.rand(size, self.channels, self.side, self.side)
        return images.to(device), torch.randint(CLASSES, (size,)).to(device)


@contextmanager
def _only_this_batch(network: nn.Module) -> Iterator[None]:
    """Let normalisations forget what they saw before."""
    momenta = {
        module: module.momentum
        for module in network.modules()
        if isinstance(module, nn.BatchNorm2d)
    }
    for module in momenta:
        module.momentum = 1.0
    try:
        yield
    finally:
        for module, momentum in momenta.items():
            module.momentum = momentum


def tiny(timesteps: int) -> Case:
    """The network of smoke audits on images of Fashion-MNIST's size."""
    return Case("tiny", TINY, 1, 28, timesteps)


def resnet19(timesteps: int, side: int = 32) -> Case:
    """The paper's network, on images of CIFAR-10's size without another one."""
    return Case("resnet19", RESNET19, 3, side, timesteps)


CASES = (tiny(5), tiny(10), resnet19(5, side=16), resnet19(10, side=16))
"""Every path is measured on each of them. At 16 × 16 the paper's network costs a quarter, without
which the rows would take an hour on a CPU."""
