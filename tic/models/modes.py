"""Measurements and attacks see a model in evaluation mode and leave it as they found it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from tic.errors import TicError
from tic.models.logits import described


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Put every submodule into evaluation mode, and each back into its own afterwards.

    Recurrent layers of torch run without cuDNN, which has no backward pass of theirs in that mode.

    Raises:
        TicError: It is no module.
    """
    require_module(model)
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


@contextmanager
def differentiable(model: nn.Module) -> Iterator[None]:
    """Evaluation mode in which gradients are taken, whatever mode of torch it is called in.

    What was made in inference mode can have none: see `usable`.
    """
    with torch.inference_mode(False), torch.enable_grad(), evaluation_mode(model):
        yield


def usable(tensor: Tensor) -> Tensor:
    """Return a tensor that autograd may keep: none that was made in inference mode."""
    return tensor.clone() if tensor.is_inference() else tensor.detach()


def require_module(model: object) -> None:
    """Refuse a model that has neither modes nor layers.

    Raises:
        TicError: It is no module.
    """
    if not isinstance(model, nn.Module):
        raise TicError(
            f"the model must be a torch.nn.Module, whose layers are measured, got "
            f"{described(model)}; wrap it in one"
        )
