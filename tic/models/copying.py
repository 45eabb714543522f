"""Copies of networks that may hold state of their last call."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from tic.models.logits import failing


def double_copy(model: nn.Module) -> nn.Module:
    """Copy a network in float64, as `detached_copy` does."""
    with torch.inference_mode(False):
        return detached_copy(model).double()


def detached_copy(model: nn.Module) -> nn.Module:
    """Copy a network.

    Networks of SpikingJelly and snnTorch keep the membranes of their last call, and those its
    graph, until they are reset. The copy holds their values without the graph, wherever the network
    keeps them: torch alone refuses to copy such tensors.

    Raises:
        TicError: Something in it cannot be copied.
    """
    way_out = "let copy.deepcopy copy it, such as by keeping open files and locks elsewhere"
    failure = failing(f"a copy of {type(model).__name__} fails", way_out)
    # The parameters of a copy that is made in inference mode could have no gradients.
    with failure, torch.inference_mode(False), _WithoutGraphs():
        return copy.deepcopy(model)


class _WithoutGraphs(TorchFunctionMode):
    """Lets `copy.deepcopy` detach what has a graph."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func is not Tensor.__deepcopy__ or args[0].is_leaf:
            return func(*args, **(kwargs or {}))
        tensor, memo = args
        # One tensor that is held in two places stays one.
        return memo.setdefault(id(tensor), tensor.detach().clone())
