"""Delays of the library of dilated convolutions with learnable spacings, dcls."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from benchmarks.peers.topology import optional
from tic.models import DelayedLinear

ADDED = 0.27
"""What the library adds to the width of a Gaussian."""


class Dilated(nn.Module):
    """A layer of Dcls1d with the weights, delays and width of one of ours.

    Raises:
        NotMeasuredError: dcls is not installed.
    """

    def __init__(self, ours: DelayedLinear) -> None:
        super().__init__()
        self.taps = ours.largest_delay + 1
        self.layer = optional("DCLS.construct.modules").Dcls1d(
            ours.inputs,
            ours.outputs,
            kernel_count=1,
            dilated_kernel_size=self.taps,
            bias=False,
            version="gauss",
        )
        with torch.no_grad():
            self.layer.weight.copy_(ours.weight[..., None])
            # Its kernels run backwards over the past, with positions about the middle.
            self.layer.P.copy_(self.taps // 2 - ours.delay[None, ..., None])
            self.layer.SIG.fill_(ours.width - ADDED)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map inputs (T, B, I) to currents (T, B, O)."""
        currents: Tensor = self.layer(pad(inputs.permute(1, 2, 0), (self.taps - 1, 0)))
        return currents.permute(2, 0, 1)
