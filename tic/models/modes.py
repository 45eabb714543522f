"""Measurements and attacks see a model in evaluation mode and leave it as they found it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Put every submodule into evaluation mode, and each back into its own afterwards.

    Recurrent layers of torch run without cuDNN, which has no backward pass of theirs in that mode.
    """
    modes = {module: module.training for module in model.modules()}
    cudnn = torch.backends.cudnn
    before = cudnn.enabled
    if any(isinstance(module, nn.RNNBase) for module in modes):
        cudnn.enabled = False
    model.eval()
    try:
        yield
    finally:
        cudnn.enabled = before
        for module, mode in modes.items():
            module.training = mode
