"""Copies of networks that may hold state of their last call."""

from __future__ import annotations

import copy
from typing import Any

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode


def double_copy(model: nn.Module) -> nn.Module:
    """Copy a network in float64.

    Networks of SpikingJelly and snnTorch keep the membranes of their last call, and those its
    graph, until they are reset. The copy holds their values without the graph, wherever the network
    keeps them: torch alone refuses to copy such tensors.
    """
    with _WithoutGraphs():
        return copy.deepcopy(model).double()


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
