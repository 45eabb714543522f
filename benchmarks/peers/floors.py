"""Floors: the same convolutions with nothing spiking, and gradients with nothing per sample."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from benchmarks.peers.topology import Widths, block_widths, shortcut
from tic.models.convolution import convolution
from tic.models.network import SpikingNetwork
from tic.models.resnet import ResNetLayout


class _Block(nn.Module):
    def __init__(self, widths: Widths) -> None:
        super().__init__()
        self.conv1 = convolution(widths.inputs, widths.outputs, 3, widths.stride)
        self.conv2 = convolution(widths.outputs, widths.outputs, 3, 1)
        self.shortcut = shortcut(widths)
        self.relu = nn.ReLU()

    def forward(self, values: Tensor) -> Tensor:
        hidden = self.conv2(self.relu(self.conv1(values)))
        output: Tensor = self.relu(hidden + self.shortcut(values))
        return output


class Rectified(nn.Module):
    """The same network with ReLU, run on every image T times, the stem included."""

    def __init__(
        self, layout: ResNetLayout, in_channels: int, num_classes: int, timesteps: int
    ) -> None:
        super().__init__()
        self.timesteps = timesteps
        self.stem, self.relu = convolution(in_channels, layout.stem, 3, 1), nn.ReLU()
        self.blocks = nn.Sequential(*map(_Block, block_widths(layout)))
        self.classifier = nn.Linear(layout.widths[-1], num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Map (B, C, H, W) to logits (T, B, K) by a batch of T·B."""
        values = self.blocks(self.relu(self.stem(images.repeat(self.timesteps, 1, 1, 1))))
        logits: Tensor = self.classifier(values.mean((-2, -1)))
        return logits.view(self.timesteps, len(images), -1)


def truncated_backwards(model: SpikingNetwork, images: Tensor, labels: Tensor) -> None:
    """One forward and, for every t, one backward of the batch through the timesteps 1..t."""
    model.eval()
    model.stepwise = True
    readouts = model.readouts(images)
    for t in range(1, len(readouts) + 1):
        loss = cross_entropy(torch.cat(readouts[:t]).mean(0), labels)
        torch.autograd.grad(loss, list(model.parameters()), retain_graph=True)
