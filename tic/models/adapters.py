"""Networks of SpikingJelly, snnTorch and Norse as they are, made to map (B, …) to (T, B, K)."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from tic.arrays import whole_number
from tic.errors import TicError, as_tic_error, require_known
from tic.models.capabilities import SYNAPTIC
from tic.models.libraries import LIBRARIES, has_state, library_of
from tic.models.logits import described

Axes = Literal["B", "TB", "BT"]
"""Leading axes of a tensor: of one timestep, or of a sequence with time or the batch first."""

_AXES = ("B", "TB", "BT")
_STEP_MODES: dict[Any, Axes] = {"s": "B", "m": "TB"}
_TIMED_CLASSES = {"Lift", "SNN", "SNNRecurrent"}
"""Classes of Norse that take whole sequences; its other stateful ones take one timestep."""

_KEPT_BY_OTHERS = {"_buffers", "_memories", "_memories_rv", "_modules", "_parameters"}
"""Attributes of a module that torch and SpikingJelly keep, and look after."""


class Adapted(nn.Module):
    """Maps inputs to logits (T, B, K) with a network of SpikingJelly, snnTorch or Norse.

    A call begins and ends with all neurons at rest, so that nothing is carried to the next one and
    the network can be copied at any time. A sample without a time axis is shown at every timestep.
    What is read out where the network returns a tuple is its `output`: by default the first, which
    is the spikes of snnTorch's (spikes, membranes) and the output of Norse's (output, state).

    Args:
        network: What is adapted. A forward that has an argument `state`, as those of Norse have, is
            given None at the first timestep, and then what it returned last in its tuple.
        timesteps: Number of timesteps T.
        takes: Leading axes of what the network is called with: "B" for (B, …), "TB" for (T, B, …),
            "BT" for (B, T, …). Without it they are asked of the network: of SpikingJelly's step
            mode, of the classes of Norse, and of snnTorch's neurons in an `nn.Sequential`.
        gives: Leading axes of what it returns; without it those that it takes. A network that takes
            "B" and gives "B" is called once per timestep. One that takes "B" and gives "TB" or
            "BT" runs over time by itself.
        sequences: Whether inputs are sequences (B, T, …) instead of static samples (B, …).
        output: Which output is read out where the network returns a tuple.

    Attributes:
        timesteps: Number of timesteps, which may be set.

    Raises:
        TicError: An argument is out of range, the arguments contradict each other, or what the
            network takes is not known.
    """

    def __init__(
        self,
        network: nn.Module,
        timesteps: int,
        *,
        takes: Axes | None = None,
        gives: Axes | None = None,
        sequences: bool = False,
        output: int = 0,
    ) -> None:
        super().__init__()
        with as_tic_error():
            self.timesteps = whole_number(timesteps, name="timesteps", least=1)
            self.output = whole_number(output, name="output", least=0)
        self.takes = _axes_of(network) if takes is None else takes
        self.gives = self.takes if gives is None else gives
        require_known("value of takes", self.takes, _AXES)
        require_known("value of gives", self.gives, _AXES)
        self.sequences = sequences
        self.network = network
        if self.gives == "B" and self.takes != "B":
            raise TicError(
                f"a network that takes sequences must give a read-out of every timestep, got "
                f'takes="{self.takes}" and gives="B"; let it return them before it averages over '
                'time, and say gives="TB" or "BT"'
            )
        if self._runs_by_itself and sequences:
            raise TicError(
                f'a network that takes "B" and gives "{self.gives}" shows itself one static sample '
                'again and again, so it cannot be given sequences; say takes="TB" or "BT" if it '
                "takes them"
            )
        _put_to_rest(network)

    @property
    def _runs_by_itself(self) -> bool:
        return self.takes == "B" and self.gives != "B"

    def forward(self, inputs: Tensor) -> Tensor:
        """Classify samples.

        Args:
            inputs: Shape (B, …), or (B, T, …) where they are sequences.

        Returns:
            Logits of shape (T, B, K), one read-out per timestep.

        Raises:
            TicError: The inputs have another number of timesteps, the network returns something
                else than it is said to give, or a module keeps state that nobody resets.
        """
        with _at_rest(self.network), self._in_precision_of(inputs):
            if self._runs_by_itself:
                logits = self._read_out(self.network(inputs))
            elif self.takes == "B":
                logits = torch.stack(self._steps(self._over_time(inputs)))
            else:
                sequence = self._over_time(inputs)
                shown = sequence if self.takes == "TB" else sequence.transpose(0, 1)
                logits = self._read_out(self.network(shown))
        if self.gives == "BT" and logits.dim() > 1:
            logits = logits.transpose(0, 1)
        wanted = (self.timesteps, len(inputs))
        if logits.dim() != 3 or logits.shape[:2] != wanted:
            raise TicError(
                f"the network {type(self.network).__name__} must give logits (T, B, K) with "
                f"T={wanted[0]} and B={wanted[1]}, got {tuple(logits.shape)} when "
                f'takes="{self.takes}" and gives="{self.gives}" were followed; say what it takes '
                "and gives, and for how many timesteps it was built"
            )
        return logits

    def repeated_weights(self) -> tuple[str, ...]:
        """Names of the convolutions and linear layers that every timestep runs again: all.

        Raises:
            TicError: The network runs over time by itself, so nobody says which.
        """
        if self._runs_by_itself:
            raise TicError(
                f"{type(self.network).__name__} runs over time by itself, so it is not known which "
                "of its layers every timestep runs again; let it take one timestep, or count all "
                "layers"
            )
        layers = self.named_modules()
        return tuple(name for name, layer in layers if isinstance(layer, SYNAPTIC))

    def extra_repr(self) -> str:
        """Show how the network is called."""
        return f"timesteps={self.timesteps}, takes={self.takes}, gives={self.gives}"

    def _over_time(self, inputs: Tensor) -> Tensor:
        """Lay inputs out as (T, B, …)."""
        if not self.sequences:
            # Memory of its own for each timestep, since a layer may work in place.
            return inputs.expand(self.timesteps, *inputs.shape).clone()
        if inputs.dim() < 2 or inputs.shape[1] != self.timesteps:
            raise TicError(
                f"sequences must have shape (B, T, …) with T={self.timesteps}, the network's "
                f"timesteps, got {tuple(inputs.shape)}; set `timesteps` for another length, and "
                "sequences=False for samples without time"
            )
        return inputs.transpose(0, 1)

    def _steps(self, sequence: Tensor) -> list[Tensor]:
        """Call the network once per timestep."""
        if not _takes_state(self.network):
            return [self._read_out(self.network(step)) for step in sequence]
        logits, state = [], None
        for step in sequence:
            returned = self.network(step, state=state)
            if not isinstance(returned, tuple):
                raise TicError(
                    f"the forward of {type(self.network).__name__} takes a state, so it must "
                    f"return a tuple that ends with the next one, got {described(returned)}"
                )
            logits.append(self._read_out(returned))
            state = returned[-1]
        return logits

    def _read_out(self, returned: Any) -> Tensor:
        chosen = returned
        if isinstance(returned, tuple | list) and self.output < len(returned):
            chosen = returned[self.output]
        if not isinstance(chosen, Tensor):
            raise TicError(
                f"the network {type(self.network).__name__} must return logits, or a tuple whose "
                f"output {self.output} they are, got {described(returned)}; say which with output="
            )
        return chosen

    def _in_precision_of(self, inputs: Tensor) -> Any:
        """Let snnTorch's surrogates keep double precision; they make spikes with `Tensor.float`."""
        modules = self.network.modules()
        if inputs.dtype is torch.float64 and any(library_of(m) == "snntorch" for m in modules):
            return _DoubleSpikes()
        return nullcontext()


class _DoubleSpikes(TorchFunctionMode):
    """Makes `Tensor.float` give double precision."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func is Tensor.float:
            return args[0].double()
        return func(*args, **(kwargs or {}))


def _axes_of(network: nn.Module) -> Axes:
    """Ask the outermost modules that know what they take.

    Raises:
        TicError: They do not tell, or not the same.
    """
    # A class of somebody else's may run over time in its forward, whatever it holds, except that
    # in SpikingJelly the step mode says so of networks as of layers.
    as_its_modules = (
        type(network).forward is nn.Sequential.forward or library_of(network) is not None
    )
    axes = {
        layer_axes
        for module, layer_axes in _outermost(network)
        if as_its_modules or library_of(module) == "spikingjelly"
    }
    if len(axes) == 1:
        return axes.pop()
    several = "its modules take both single timesteps and sequences" if len(axes) > 1 else None
    raise TicError(
        f"it is not known what {type(network).__name__} takes: "
        f"{several or 'neither its class nor a step mode of SpikingJelly says so'}; "
        'say takes="B" if it is called once per timestep, takes="TB" or "BT" if with a sequence, '
        'and takes="B", gives="TB" if it runs over time by itself'
    )


def _outermost(module: nn.Module) -> Iterator[tuple[nn.Module, Axes]]:
    """Modules that know what they take, without those inside them."""
    axes = _axes_of_layer(module)
    if axes is not None:
        yield module, axes
        return
    for child in module.children():
        yield from _outermost(child)


def _axes_of_layer(module: nn.Module) -> Axes | None:
    """What a module with neurons takes, where its library says so."""
    library = library_of(module)
    if library == "spikingjelly" and any(map(has_state, module.modules())):
        # Layers without neurons are left out: a linear one does the same in either mode.
        return _STEP_MODES.get(getattr(module, "step_mode", None))
    if library == "snntorch" and has_state(module):
        return "B"
    if library == "norse" and not isinstance(module, nn.Sequential):
        if _TIMED_CLASSES & {base.__name__ for base in type(module).__mro__}:
            return "TB"
        return "B" if _takes_state(module) else None
    return None


def _takes_state(module: nn.Module) -> bool:
    return "state" in inspect.signature(module.forward).parameters


@contextmanager
def _at_rest(network: nn.Module) -> Iterator[None]:
    """Let a call begin and end with neurons at rest.

    Raises:
        TicError: After the call a module of somebody else's holds tensors of it.
    """
    _put_to_rest(network)
    before = dict(_own_tensors(network))
    try:
        yield
    finally:
        _put_to_rest(network)
    for (name, attribute), (tensor, version) in _own_tensors(network):
        kept, kept_version = before.get((name, attribute), (None, 0))
        if kept is not tensor or kept_version != version:
            owner = type(network.get_submodule(name)).__name__
            raise TicError(
                f"{name or 'the network'} ({owner}) keeps state of a call in its attribute "
                f"{attribute!r}, and neither SpikingJelly nor snnTorch nor Norse says how it is "
                "reset; keep it in a local variable of forward, register it as a memory of a "
                "SpikingJelly MemoryModule, or wrap the network by hand in a module whose forward "
                "begins by resetting it"
            )


def _put_to_rest(network: nn.Module) -> None:
    """Reset all that modules of the libraries remember; those of Norse remember nothing."""
    for module in network.modules():
        library = library_of(module)
        known: Any = module
        if library == "spikingjelly" and has_state(module):
            # Values of their own first: `reset` writes into tensors which a graph may still need.
            for name, _ in list(known.named_memories()):
                setattr(module, name, copy.deepcopy(known.get_reset_value(name)))
            known.reset()
        elif library == "snntorch" and has_state(module):
            known.reset_mem()
        if library == "snntorch":
            for name in ("reset", "spk"):  # of the last call, some with its graph
                if isinstance(vars(module).get(name), Tensor):
                    delattr(module, name)


def _own_tensors(network: nn.Module) -> Iterator[tuple[tuple[str, str], tuple[Tensor, int]]]:
    """Tensors that modules of somebody else's hold beside parameters, with their versions.

    Statistics that change while training, as those of a normalisation do, are left out.
    """
    for name, module in network.named_modules():
        if type(module).__module__.partition(".")[0] in ("torch", *LIBRARIES):
            continue
        for attribute, value in vars(module).items():
            if attribute not in _KEPT_BY_OTHERS:
                for path, tensor in _tensors_in(value, attribute):
                    yield (name, path), (tensor, _version(tensor))
        if library_of(module) is None:
            for attribute, buffer in module.named_buffers(recurse=False):
                if not module.training or attribute in module._non_persistent_buffers_set:
                    yield (name, attribute), (buffer, _version(buffer))


def _tensors_in(value: object, path: str) -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, Tensor):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _tensors_in(inner, f"{path}[{key!r}]")
    elif isinstance(value, tuple | list):
        for index, inner in enumerate(value):
            yield from _tensors_in(inner, f"{path}[{index}]")


def _version(tensor: Tensor) -> int:
    """How often a tensor was written to; inference tensors do not count it."""
    return 0 if tensor.is_inference() else tensor._version
