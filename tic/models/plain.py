"""Spiking networks without shortcuts: AlexNet and VGG-16 for small images.

The layouts are those of Krizhevsky et al. (2012) and Simonyan & Zisserman (2015, configuration D)
with 3×3 convolutions, batch normalisation, over time and batch together unless the network runs
stepwise, and average pooling, which maps spikes to a rate where maximum pooling would map them to 1
almost everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor, nn

from tic.models.convolution import convolution
from tic.models.network import SpikingNetwork, over_time
from tic.neurons import LIF


@dataclass(frozen=True)
class PlainLayout:
    """Widths of a network without shortcuts.

    Attributes:
        widths: Channels after each 3×3 convolution; the first is the stem.
        pools: Convolutions, counted from 1, whose spikes are averaged over 2×2 pixels.
        side: Height and width to which the last spikes are averaged; 1 is global pooling.
        hidden: Neurons of each fully connected layer before the classifier.
    """

    widths: tuple[int, ...]
    pools: tuple[int, ...]
    side: int = 1
    hidden: tuple[int, ...] = ()


ALEXNET = PlainLayout((64, 192, 384, 256, 256), pools=(1, 2, 5), side=2, hidden=(4096, 4096))
VGG16 = PlainLayout(
    (64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512), pools=(2, 4, 7, 10)
)
TINY_ALEXNET = PlainLayout((16, 16, 32, 32, 32), pools=(1, 2, 5), side=2, hidden=(64, 64))
TINY_VGG16 = PlainLayout((16, 16, 32, 32, 32, 32, 32), pools=(2, 4))


class ConvolutionBlock(nn.Module):
    """A 3×3 convolution with LIF neurons and pooling: (T, B, C, H, W) to (T, B, C', H', W')."""

    def __init__(self, inputs: int, outputs: int, pool: nn.Module, tau: float) -> None:
        super().__init__()
        self.conv = convolution(inputs, outputs, 3, 1)
        self.lif = LIF(tau)
        self.pool = pool

    def forward(self, spikes: Tensor) -> Tensor:
        """Map the output of the previous block to that of this one."""
        return over_time(self.pool, self.lif(over_time(self.conv, spikes)))


class DenseBlock(nn.Module):
    """A fully connected layer with LIF neurons: (T, B, ...) to (T, B, N)."""

    def __init__(self, inputs: int, outputs: int, tau: float) -> None:
        super().__init__()
        self.dense = nn.Sequential(nn.Linear(inputs, outputs, bias=False), nn.BatchNorm1d(outputs))
        self.lif = LIF(tau)

    def forward(self, spikes: Tensor) -> Tensor:
        """Map the output of the previous block, whatever its shape, to spikes of this one."""
        output: Tensor = self.lif(over_time(self.dense, spikes.flatten(2)))
        return output


class SpikingPlainNet(SpikingNetwork):
    """A spiking chain of convolutions (see `SpikingNetwork` for time, input and state).

    Args:
        layout: Widths, pooling and fully connected layers.
        in_channels: Image channels C.
        num_classes: Classes K.
        timesteps: Number of timesteps T.
        tau: Time constant of all neurons, in timesteps.
        mean: Channel means of the pixel values.
        std: Channel standard deviations of the pixel values.
    """

    def __init__(
        self,
        layout: PlainLayout,
        *,
        in_channels: int,
        num_classes: int,
        timesteps: int,
        tau: float,
        mean: Sequence[float],
        std: Sequence[float],
    ) -> None:
        super().__init__(timesteps, mean, std)
        self.stem = convolution(in_channels, layout.widths[0], 3, 1)
        self.lif = LIF(tau)
        self.pool = _pool(layout, 1)
        self.blocks = nn.Sequential(*_convolutions(layout, tau), *_hidden(layout, tau))
        self.classifier = nn.Linear(_features(layout)[-1], num_classes)

    def encode(self, images: Tensor) -> Tensor:
        """Apply the stem once: its input is the same at every timestep."""
        currents: Tensor = self.stem(images)
        return currents

    def advance(self, currents: Tensor) -> Tensor:
        """Map stem currents (T, B, C, H, W) to logits (T, B, K)."""
        features = self.blocks(over_time(self.pool, self.lif(currents)))
        return over_time(self.classifier, features.flatten(2))


def _pool(layout: PlainLayout, position: int) -> nn.Module:
    """What follows the spikes of a convolution, counted from 1."""
    # ceil_mode keeps the odd edge of 28×28 images and never shrinks a map of one pixel to nothing
    steps: list[nn.Module] = [nn.AvgPool2d(2, ceil_mode=True)] if position in layout.pools else []
    if position == len(layout.widths):
        steps.append(nn.AdaptiveAvgPool2d(layout.side))
    return nn.Sequential(*steps)


def _convolutions(layout: PlainLayout, tau: float) -> list[ConvolutionBlock]:
    return [
        ConvolutionBlock(inputs, outputs, _pool(layout, position), tau)
        for position, (inputs, outputs) in enumerate(pairwise(layout.widths), start=2)
    ]


def _features(layout: PlainLayout) -> tuple[int, ...]:
    """Lengths of the vectors from the last pooling to the classifier's input."""
    return (layout.widths[-1] * layout.side**2, *layout.hidden)


def _hidden(layout: PlainLayout, tau: float) -> list[DenseBlock]:
    return [DenseBlock(*sizes, tau) for sizes in pairwise(_features(layout))]
