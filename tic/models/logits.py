"""Asking any network for its logits, and saying what is wrong with what it gives instead."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from tic.errors import TicError
from tic.memory import is_lack_of_memory
from tic.mistakes import place_of
from tic.models.libraries import LIBRARIES, has_state, library_of
from tic.models.modes import evaluation_mode
from tic.seeding import own_random_numbers
from tic.text import shorten

RESET = (
    "let its forward begin by resetting it: functional.reset_net(self) in SpikingJelly, "
    "init_leaky(), init_rsynaptic() or the like of every neuron in snnTorch, state None in Norse"
)
"""Way out of a network that keeps state between calls."""
_IF_STATE = "if it keeps state between calls, let its forward begin by resetting it"
_LONGEST = 300
_ROUNDING = 1e-4
"""Share of the largest logit by which two calls may differ, as on a GPU they may."""


def logits_of(model: Callable[[Tensor], Any], inputs: Tensor) -> Tensor:
    """Ask a model for its logits (T, B, K).

    Raises:
        TicError: It fails on the inputs (B, …), or gives something else.
    """
    with calling(inputs, _way_out(model, inputs)):
        logits = model(inputs)
    if not isinstance(logits, Tensor):
        raise TicError(
            f"the model must return one tensor of logits (T, B, K), got {described(logits)}; wrap "
            f"it in a module whose forward returns the one that is read out, such as the spikes of "
            f"(spikes, membranes)"
        )
    batch, shape = len(inputs), tuple(logits.shape)
    if logits.dim() != 3 or shape[1] != batch:
        raise TicError(
            f"the model must return logits (T, B, K) with B={batch}, got shape {shape}"
            f"{_hint(model, shape, batch)}"
        )
    if not logits.is_floating_point() or logits.layout is not torch.strided:
        raise TicError(
            f"logits must be a dense tensor of real numbers, got {logits.dtype}, {logits.layout}; "
            "convert them where they are returned"
        )
    return logits


def _hint(model: Callable[[Tensor], Any], shape: tuple[int, ...], batch: int) -> str:
    """What may be wrong with a model that gave logits of this shape."""
    modules = model.modules() if isinstance(model, nn.Module) else ()
    if library := next((library_of(module) for module in modules if has_state(module)), None):
        return (
            f"; it has neurons of {LIBRARIES[library]}: measure "
            "tic.models.Adapted(model, timesteps=T), which shows it a sample at every timestep"
        )
    if len(shape) == 3 and shape[0] == batch:
        return "; that looks like (B, T, K): return logits.transpose(0, 1)"
    if len(shape) == 2 and shape[0] == batch:
        return (
            "; that looks like (B, K), of a network without time: return logits.unsqueeze(0), or "
            "wrap one of SpikingJelly, snnTorch or Norse in tic.models.Adapted"
        )
    return ""


def _way_out(model: Callable[[Tensor], Any], inputs: Tensor) -> str:
    """What most likely helps a model that fails on inputs."""
    parameters = model.parameters() if isinstance(model, nn.Module) else ()
    own = {parameter.dtype for parameter in parameters}
    if own and inputs.dtype not in own:
        return (
            f"its parameters are {', '.join(sorted(map(str, own)))}: convert the inputs to that "
            f"where their data set loads them"
        )
    return _IF_STATE


@contextmanager
def calling(inputs: Tensor, way_out: str = _IF_STATE) -> Iterator[None]:
    """Say what a model was called with when it fails; where in it stands in the error's cause."""
    shown = f"{tuple(inputs.shape)} ({inputs.dtype})"
    with failing(f"the model fails on inputs of shape {shown}", way_out):
        yield


@contextmanager
def failing(what: str, way_out: str = _IF_STATE) -> Iterator[None]:
    """Turn what goes wrong in a computation with a model into one sentence.

    A lack of memory passes, which whoever knows what needed it explains.

    Args:
        what: What fails, such as `the backward pass of a training step fails`.
        way_out: What to do about it.

    Raises:
        TicError: It went wrong.
    """
    try:
        yield
    except TicError:
        raise
    except Exception as error:
        if is_lack_of_memory(error):
            raise
        raise TicError(
            f"{what}: {type(error).__name__}: {shorten(str(error), _LONGEST)} ({place_of(error)}); "
            f"{way_out}"
        ) from error


def require_stateless(model: nn.Module, inputs: Tensor) -> None:
    """Refuse a network that gives other logits when it is called again on the same inputs.

    Args:
        model: Is left in the mode in which it was, and torch's random numbers where they were.
        inputs: Shape (B, …).

    Raises:
        TicError: It does, or fails.
    """
    with evaluation_mode(model), torch.no_grad():
        answers = []
        for _ in range(2):
            with own_random_numbers(0, inputs.device):
                answers.append(logits_of(model, inputs))
    first, again = answers
    if first.shape != again.shape or not torch.allclose(
        first, again, rtol=_ROUNDING, atol=_ROUNDING * float(first.abs().max()), equal_nan=True
    ):
        raise TicError(
            f"two calls on the same {len(inputs)} samples give different logits, so "
            f"{type(model).__name__} keeps state between calls, or draws random numbers that are "
            f"not torch's; {RESET}, or wrap it in tic.models.Adapted, which resets it"
        )


def described(value: object) -> str:
    """Name what was given in place of a tensor, with the shapes of the tensors in it."""
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    name = type(value).__name__
    if isinstance(value, dict):
        return f"a {name} with the keys {', '.join(map(repr, value))}"
    if isinstance(value, tuple | list):
        parts = (str(tuple(v.shape)) if isinstance(v, Tensor) else type(v).__name__ for v in value)
        return f"a {name} of {len(value)}: {', '.join(parts)}"
    return f"something of type {name}"
