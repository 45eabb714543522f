"""CKA by hand with ckatorch: features of every layer are kept, and each pair is compared alone."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.peers.topology import optional

Networks = tuple[nn.Module, nn.Module]


def ckatorch_core() -> Any:
    """Import ckatorch's functions.

    Raises:
        NotMeasuredError: It is not installed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # raised in what it imports for its plots
        return optional("ckatorch.core")


def features(network: nn.Module, images: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
    """Record the features (N, features) of layers, timesteps side by side, in one forward pass."""
    kept: dict[str, Tensor] = {}
    with _shown(network, layers, len(images), kept.__setitem__), torch.no_grad():
        network.eval()(images)
    return kept


def pairwise(networks: Networks, images: Tensor, layers: Sequence[str], rows: int) -> Tensor:
    """Debiased linear CKA of the first layers of the one with all of the other, (rows, layers)."""
    core = ckatorch_core()
    one, other = (features(network, images, layers) for network in networks)
    table = [
        [core.cka_base(one[row], other[column], unbiased=True) for column in layers]
        for row in layers[:rows]
    ]
    return torch.tensor(table, dtype=torch.float64)


def gram_matrices(networks: Networks, images: Tensor, layers: Sequence[str]) -> list[Tensor]:
    """The floor: a forward pass of each network, and float64 Gram matrices of the layers."""
    grams: list[Tensor] = []

    def multiply(_name: str, values: Tensor) -> None:
        wide = values.double()
        grams.append(wide @ wide.mT)

    for network in networks:
        with _shown(network, layers, len(images), multiply), torch.no_grad():
            network.eval()(images)
    return grams


@contextmanager
def _shown(
    network: nn.Module, layers: Sequence[str], images: int, see: Callable[[str, Tensor], None]
) -> Iterator[None]:
    def hook(name: str) -> Callable[[nn.Module, Any, Tensor], None]:
        def show(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
            apart = output if output.dim() == 5 else output.unflatten(0, (-1, images))
            see(name, apart.transpose(0, 1).flatten(1))

        return show

    with ExitStack() as stack:
        for name in layers:
            handle = network.get_submodule(name).register_forward_hook(hook(name))
            stack.callback(handle.remove)
        yield
