"""Norse: cells that take and return their state, in sequence, lifted over time."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.peers.topology import Widths, block_widths, optional, shortcut
from tic.models.convolution import convolution
from tic.models.resnet import ResNetLayout


def _cell() -> Any:
    norse = optional("norse.torch")
    # With steps of 1 ms, a rate of 500 per second is τ = 2 steps.
    return norse.LIFBoxCell(norse.LIFBoxParameters(tau_mem_inv=torch.as_tensor(500.0)))


class _Block(nn.Module):
    def __init__(self, widths: Widths) -> None:
        super().__init__()
        self.conv1, self.lif1 = (
            convolution(widths.inputs, widths.outputs, 3, widths.stride),
            _cell(),
        )
        self.conv2 = convolution(widths.outputs, widths.outputs, 3, 1)
        self.shortcut, self.lif2 = shortcut(widths), _cell()

    def forward(self, spikes: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        first, second = state or (None, None)
        hidden, first = self.lif1(self.conv1(spikes), first)
        output, second = self.lif2(self.conv2(hidden) + self.shortcut(spikes), second)
        return output, (first, second)


class Norse(nn.Module):
    """The same layers with Norse's boxed LIF cells and its own surrogate, SuperSpike.

    Raises:
        NotMeasuredError: Norse is not installed.
    """

    def __init__(
        self, layout: ResNetLayout, in_channels: int, num_classes: int, timesteps: int
    ) -> None:
        super().__init__()
        norse = optional("norse.torch")
        self.timesteps = timesteps
        self.stem = convolution(in_channels, layout.stem, 3, 1)
        readout = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(layout.widths[-1], num_classes))
        blocks = map(_Block, block_widths(layout))
        self.body = norse.Lift(norse.SequentialState(_cell(), *blocks, *readout))

    def forward(self, images: Tensor) -> Tensor:
        """Map (B, C, H, W) to logits (T, B, K)."""
        current = self.stem(images)
        logits: Tensor
        logits, _ = self.body(current.expand(self.timesteps, *current.shape))
        return logits
