"""SpikingJelly: single-step layers in a loop over time, and its layers with a time axis."""

from __future__ import annotations

import torch
from spikingjelly.activation_based import functional, layer, neuron, surrogate
from torch import Tensor, nn

from benchmarks.peers.topology import Widths, block_widths, shortcut
from tic.models.convolution import convolution
from tic.models.resnet import ResNetLayout


def _neuron(step_mode: str = "s") -> neuron.LIFNode:
    return neuron.LIFNode(
        tau=2.0,
        v_threshold=1.0,
        v_reset=0.0,
        surrogate_function=surrogate.ATan(),
        detach_reset=True,
        step_mode=step_mode,
    )


class _Block(nn.Module):
    def __init__(self, widths: Widths) -> None:
        super().__init__()
        self.conv1 = convolution(widths.inputs, widths.outputs, 3, widths.stride)
        self.lif1 = _neuron()
        self.conv2 = convolution(widths.outputs, widths.outputs, 3, 1)
        self.shortcut = shortcut(widths)
        self.lif2 = _neuron()

    def forward(self, spikes: Tensor) -> Tensor:
        hidden = self.conv2(self.lif1(self.conv1(spikes)))
        output: Tensor = self.lif2(hidden + self.shortcut(spikes))
        return output


class SingleStep(nn.Module):
    """The network as the paper's release writes it: a loop over time, logits in a list.

    In training mode each timestep is normalised by itself; ours takes time and batch together.
    """

    def __init__(
        self, layout: ResNetLayout, in_channels: int, num_classes: int, timesteps: int
    ) -> None:
        super().__init__()
        self.timesteps = timesteps
        self.stem, self.lif = convolution(in_channels, layout.stem, 3, 1), _neuron()
        self.blocks = nn.Sequential(*map(_Block, block_widths(layout)))
        self.classifier = nn.Linear(layout.widths[-1], num_classes)

    def readouts(self, images: Tensor) -> list[Tensor]:
        """Map (B, C, H, W) to T logits (B, K), none of which knows of later timesteps."""
        functional.reset_net(self)
        current = self.stem(images)
        return [self._step(current) for _ in range(self.timesteps)]

    def forward(self, images: Tensor) -> Tensor:
        """Map (B, C, H, W) to logits (T, B, K)."""
        return torch.stack(self.readouts(images))

    def _step(self, current: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.blocks(self.lif(current)).mean((-2, -1)))
        return logits


def _over_time(module: nn.Module) -> nn.Module:
    """Turn the layers of a `Sequential` into SpikingJelly's, which take (T, B, ...)."""
    if isinstance(module, nn.Identity):
        return module
    assert isinstance(module, nn.Sequential)
    convolution, normalisation = module
    assert isinstance(convolution, nn.Conv2d)
    assert isinstance(normalisation, nn.BatchNorm2d)
    kernel, stride, padding = convolution.kernel_size, convolution.stride, convolution.padding
    return nn.Sequential(
        layer.Conv2d(
            convolution.in_channels, convolution.out_channels, kernel, stride, padding,
            bias=False, step_mode="m",
        ),
        layer.BatchNorm2d(convolution.out_channels, step_mode="m"),
    )  # fmt: skip


class _TimedBlock(nn.Module):
    def __init__(self, widths: Widths) -> None:
        super().__init__()
        self.conv1 = _over_time(convolution(widths.inputs, widths.outputs, 3, widths.stride))
        self.lif1 = _neuron("m")
        self.conv2 = _over_time(convolution(widths.outputs, widths.outputs, 3, 1))
        self.shortcut = _over_time(shortcut(widths))
        self.lif2 = _neuron("m")

    def forward(self, spikes: Tensor) -> Tensor:
        hidden = self.conv2(self.lif1(self.conv1(spikes)))
        output: Tensor = self.lif2(hidden + self.shortcut(spikes))
        return output


class MultiStep(nn.Module):
    """The network with SpikingJelly's layers for whole sequences; the stem is run once."""

    def __init__(
        self, layout: ResNetLayout, in_channels: int, num_classes: int, timesteps: int
    ) -> None:
        super().__init__()
        self.timesteps = timesteps
        self.stem, self.lif = convolution(in_channels, layout.stem, 3, 1), _neuron("m")
        self.blocks = nn.Sequential(*map(_TimedBlock, block_widths(layout)))
        self.classifier = layer.Linear(layout.widths[-1], num_classes, step_mode="m")

    def forward(self, images: Tensor) -> Tensor:
        """Map (B, C, H, W) to logits (T, B, K)."""
        functional.reset_net(self)
        current = self.stem(images)
        spikes = self.blocks(self.lif(current.expand(self.timesteps, *current.shape)))
        logits: Tensor = self.classifier(spikes.mean((-2, -1)))
        return logits
