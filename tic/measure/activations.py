"""What the layers of a network give out, by layer and timestep, whatever the network is made of.

A layer is a submodule, named as `named_modules` names it. Its output may be (T, B, …) at once,
(T·B, …) with either outermost, or (B, …) in one call per timestep; one that runs once per image, as
the stem of a network with direct encoding does, has one timestep for all. Timesteps in other axes,
as in (B, T, …), are features.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from tic.errors import TicError
from tic.measure.axes import Asked, Axes, ask, tensor_of
from tic.models import SpikingNetwork
from tic.models.capabilities import Timed
from tic.models.logits import calling
from tic.models.modes import evaluation_mode, require_module
from tic.text import quoted

See = Callable[[str, int, Tensor], None]
"""Is given a layer's name, its first timestep in this call, and its output (T', B, …)."""

_PROBED = 3
"""Images that a network which does not tell its timesteps is asked with."""
_SHOWN = 8


def activations(
    network: nn.Module, inputs: Tensor, layers: Sequence[str] | None = None
) -> dict[str, Tensor]:
    """Record what layers give out on a batch.

    Args:
        network: Any; measured in evaluation mode, without gradients, and left as it was found.
        inputs: Shape (B, …).
        layers: Names; without them all submodules within which no other one runs, and that give out
            something for every image.

    Returns:
        By layer, in the order of the first call: activations (T, B, …), or (1, B, …) of a layer
        that runs once for all timesteps.

    Raises:
        TicError: As `Watch`.
    """
    parts: dict[str, list[Tensor]] = {}

    def keep(name: str, _first: int, values: Tensor) -> None:
        parts.setdefault(name, []).append(values.clone())

    Watch(network, layers).over(inputs, keep)
    return {name: torch.cat(calls) for name, calls in parts.items()}


class Watch:
    """Runs a network on batches and shows what its layers give out, while it runs.

    Which axes of an output hold time and images is asked of the network once, by a few images. Of
    `SpikingNetwork` it is known: time is outermost.

    Args:
        network: Any; run in evaluation mode, without gradients, and left as it was found.
        layers: See `activations`.

    Raises:
        TicError: It is no module, or a layer does not exist, or is named twice.
    """

    def __init__(self, network: nn.Module, layers: Sequence[str] | None = None) -> None:
        require_module(network)
        self.network, self.named = network, layers is not None
        self.names = _require_layers(network, layers)
        self._asked: Asked | None = None

    @torch.no_grad()
    def over(self, inputs: Tensor, see: See) -> int:
        """Run the network on a batch.

        What is shown may be changed in place by the layer that follows: look at it, or copy it.

        Args:
            inputs: Shape (B, …).
            see: Is shown every output.

        Returns:
            Number of timesteps T.

        Raises:
            TicError: A layer is not run, gives out something else than a tensor with an entry for
                every image at 1 or T timesteps, or is run neither once nor once per timestep; or
                there are as many images as timesteps, whose axes cannot be told apart.
        """
        with evaluation_mode(self.network):
            timesteps = _timesteps(self.network, inputs)
            if timesteps == len(inputs) > 1:
                raise TicError(
                    f"a batch must not have as many images as there are timesteps, whose axes "
                    f"could not be told apart, got {timesteps} of both; take another batch size"
                )
            asked = self._ask(inputs, timesteps)
            watched = _Watched(timesteps, len(inputs), self.named, see, asked)
            with watched.hooked(self.network, self.names), calling(inputs):
                self.network(inputs.clone())  # a layer that works in place may change them
        watched.require_whole(self.names)
        return timesteps

    def _ask(self, inputs: Tensor, timesteps: int) -> Asked | None:
        if isinstance(self.network, SpikingNetwork):
            return None
        if self._asked is None or not self._asked.serves(len(inputs), timesteps):
            self._asked = ask(self.network, inputs, self.names, timesteps)
        return self._asked


def device_of(network: nn.Module) -> torch.device:
    """Where a network lies; the CPU where it has neither parameters nor buffers.

    Raises:
        TicError: It is no module.
    """
    require_module(network)
    tensors = [*network.parameters(), *network.buffers()]
    return tensors[0].device if tensors else torch.device("cpu")


def _require_layers(network: nn.Module, layers: Sequence[str] | None) -> list[str]:
    known = dict(network.named_modules())
    if layers is None:
        return [name for name in known if name]
    for name in layers:
        if name not in known or not name:
            shown = ", ".join(list(known)[1 : _SHOWN + 1])
            raise TicError(
                f"{type(network).__name__} has no layer {quoted(name)}; named_modules() lists "
                f"them, such as {shown or 'none'}"
            )
    if not layers or len(set(layers)) != len(layers):
        raise TicError(f"layers must be different names, at least one, got {quoted(list(layers))}")
    return list(layers)


def _timesteps(network: nn.Module, inputs: Tensor) -> int:
    """How many timesteps a network runs for: as it tells, or as its output (T, B, K) has."""
    if isinstance(network, Timed) and isinstance(network.timesteps, int):
        return network.timesteps
    some = inputs[:_PROBED].clone()  # a layer that works in place may change them
    with calling(some):
        output: Any = network(some)
    timed = isinstance(output, Tensor) and output.dim() == 3 and output.shape[1] == len(some)
    return len(output) if timed else 1


class _Watched:
    """One forward pass whose layers are looked at."""

    def __init__(
        self, timesteps: int, batch: int, named: bool, see: See, asked: Asked | None
    ) -> None:
        self.timesteps, self.batch, self.named, self.see = timesteps, batch, named, see
        self.asked = asked
        self.steps: Counter[str] = Counter()
        self.containers: set[str] = set()

    @contextmanager
    def hooked(self, network: nn.Module, names: Sequence[str]) -> Iterator[None]:
        with ExitStack() as stack:
            for name in names:
                handle = network.get_submodule(name).register_forward_hook(self._hook(name))
                stack.callback(handle.remove)
            yield

    def _hook(self, name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            if not self.named:
                container = name in self.containers
                parts = name.split(".")[:-1]
                self.containers.update(".".join(parts[: k + 1]) for k in range(len(parts)))
                if container:
                    return
            values = self._by_time(name, output)
            if values is None:
                return
            self.see(name, self.steps[name], values)
            self.steps[name] += len(values)

        return hook

    def _by_time(self, name: str, output: Any) -> Tensor | None:
        """Bring an output into the shape (T', B, …); None where it may be passed over.

        That is one which holds no images, of a layer that nobody named.
        """
        values = tensor_of(output)
        laid_out = None if values is None else self._laid_out(name, values)
        if laid_out is None and (self.named or not self._holds_none(name, values)):
            raise TicError(
                f"layer {name} must give out a tensor with an entry for each of the {self.batch} "
                f"images at 1 or {self.timesteps} timesteps, of a floating-point type, got "
                f"{_described(output)}; name other "
                "layers, and where the network runs for another number of timesteps, set its "
                "attribute timesteps to it"
            )
        return laid_out

    def _laid_out(self, name: str, values: Tensor) -> Tensor | None:
        if self.asked is not None:
            return self.asked.lay_out(name, values, self.batch)
        axes = Axes.of(values.shape, self.batch, self.timesteps)
        return None if axes is None else axes.lay_out(values, self.batch)

    def _holds_none(self, name: str, values: Tensor | None) -> bool:
        return values is None or self.asked is None or self.asked.is_fixed(name, values)

    def require_whole(self, names: Sequence[str]) -> None:
        for name in names:
            count = self.steps[name]
            if self.named and not count:
                raise TicError(f"layer {name} is not run; name another layer")
            if count not in (0, 1, self.timesteps):
                raise TicError(
                    f"layer {name} must run once, or once at every timestep, got {count} times "
                    f"at {self.timesteps} timesteps; name layers that are used at one place"
                )


def _described(output: Any) -> str:
    if not isinstance(output, Tensor):
        return type(output).__name__
    shape = str(tuple(output.shape))
    return shape if output.is_floating_point() else f"{shape} of {output.dtype}"
