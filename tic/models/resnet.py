"""Spiking residual networks: ResNet-19 (Kim et al. 2023) and ResNet-34 (He et al. 2016).

Every convolution is followed by batch normalisation, over time and batch together unless the
network runs stepwise; the shortcut is added to the current before the second LIF layer of a block.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from tic.models.convolution import convolution
from tic.models.network import SpikingNetwork, over_time
from tic.neurons import LIF


@dataclass(frozen=True)
class ResNetLayout:
    """Widths of a residual network.

    Attributes:
        stem: Channels after the first 3×3 convolution.
        widths: Channels of each stage.
        depths: Basic blocks of each stage.
        strides: Stride of each stage's first block; 2 halves height and width.
    """

    stem: int
    widths: tuple[int, ...]
    depths: tuple[int, ...]
    strides: tuple[int, ...]


RESNET19 = ResNetLayout(stem=128, widths=(256, 512, 512), depths=(3, 3, 2), strides=(2, 2, 2))
TINY = ResNetLayout(stem=16, widths=(16, 32, 32), depths=(1, 1, 1), strides=(2, 2, 2))
RESNET34 = ResNetLayout(
    stem=64, widths=(64, 128, 256, 512), depths=(3, 4, 6, 3), strides=(1, 2, 2, 2)
)
TINY_RESNET34 = ResNetLayout(
    stem=16, widths=(16, 16, 32, 32), depths=(1, 2, 2, 1), strides=(1, 2, 2, 2)
)


class BasicBlock(nn.Module):
    """Two 3×3 convolutions with LIF neurons and a shortcut; (T, B, C, H, W) in and out."""

    def __init__(self, inputs: int, outputs: int, stride: int, tau: float) -> None:
        super().__init__()
        self.conv1 = convolution(inputs, outputs, 3, stride)
        self.lif1 = LIF(tau)
        self.conv2 = convolution(outputs, outputs, 3, 1)
        changes_shape = stride != 1 or inputs != outputs
        self.shortcut = convolution(inputs, outputs, 1, stride) if changes_shape else nn.Identity()
        self.lif2 = LIF(tau)

    def forward(self, spikes: Tensor) -> Tensor:
        """Map spikes of the previous block to spikes of this one."""
        hidden = self.lif1(over_time(self.conv1, spikes))
        current = over_time(self.conv2, hidden) + over_time(self.shortcut, spikes)
        output: Tensor = self.lif2(current)
        return output


class SpikingResNet(SpikingNetwork):
    """A spiking ResNet for small images (see `SpikingNetwork` for time, input and state).

    Args:
        layout: Widths, depths and strides.
        in_channels: Image channels C.
        num_classes: Classes K.
        timesteps: Number of timesteps T.
        tau: Time constant of all neurons, in timesteps.
        mean: Channel means of the pixel values.
        std: Channel standard deviations of the pixel values.
    """

    def __init__(
        self,
        layout: ResNetLayout,
        *,
        in_channels: int,
        num_classes: int,
        timesteps: int,
        tau: float,
        mean: Sequence[float],
        std: Sequence[float],
    ) -> None:
        super().__init__(timesteps, mean, std)
        self.stem = convolution(in_channels, layout.stem, 3, 1)
        self.lif = LIF(tau)
        self.blocks = nn.Sequential(*_blocks(layout, tau))
        self.classifier = nn.Linear(layout.widths[-1], num_classes)

    def encode(self, images: Tensor) -> Tensor:
        """Apply the stem once: its input is the same at every timestep."""
        currents: Tensor = self.stem(images)
        return currents

    def advance(self, currents: Tensor) -> Tensor:
        """Map stem currents (T, B, C, H, W) to logits (T, B, K)."""
        spikes = self.blocks(self.lif(currents))
        return over_time(self.classifier, spikes.mean((-2, -1)))


def _blocks(layout: ResNetLayout, tau: float) -> list[BasicBlock]:
    blocks, inputs = [], layout.stem
    stages = zip(layout.widths, layout.depths, layout.strides, strict=True)
    for outputs, depth, stride in stages:
        for position in range(depth):
            blocks.append(BasicBlock(inputs, outputs, stride if position == 0 else 1, tau))
            inputs = outputs
    return blocks
