"""snnTorch: `Leaky` neurons with hidden state, reset before every sequence, in a loop over time."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.peers.topology import Widths, block_widths, optional, shortcut
from tic.models.convolution import convolution
from tic.models.resnet import ResNetLayout


def _leaky() -> Any:
    surrogate = optional("snntorch.surrogate")
    return optional("snntorch").Leaky(
        beta=0.5, spike_grad=surrogate.atan(), init_hidden=True, reset_mechanism="zero"
    )


class _Block(nn.Module):
    def __init__(self, widths: Widths) -> None:
        super().__init__()
        self.conv1, self.lif1 = (
            convolution(widths.inputs, widths.outputs, 3, widths.stride),
            _leaky(),
        )
        self.conv2 = convolution(widths.outputs, widths.outputs, 3, 1)
        self.shortcut, self.lif2 = shortcut(widths), _leaky()

    def forward(self, spikes: Tensor) -> Tensor:
        hidden = self.conv2(self.lif1(self.conv1(spikes)))
        output: Tensor = self.lif2(hidden + self.shortcut(spikes))
        return output


class SnnTorch(nn.Module):
    """The same layers with snnTorch's neurons: no 1/τ on the input, a spike resets a step later.

    Raises:
        NotMeasuredError: snnTorch is not installed.
    """

    def __init__(
        self, layout: ResNetLayout, in_channels: int, num_classes: int, timesteps: int
    ) -> None:
        super().__init__()
        self.timesteps = timesteps
        self.reset = optional("snntorch.utils").reset
        self.stem, self.lif = convolution(in_channels, layout.stem, 3, 1), _leaky()
        self.blocks = nn.Sequential(*map(_Block, block_widths(layout)))
        self.classifier = nn.Linear(layout.widths[-1], num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Map (B, C, H, W) to logits (T, B, K)."""
        self.reset(self)
        current = self.stem(images)
        steps = [self.blocks(self.lif(current)).mean((-2, -1)) for _ in range(self.timesteps)]
        return torch.stack([self.classifier(features) for features in steps])
