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


def logits_of(model: Callable[[Tensor], Any], inputs: Tensor) -> Tensor:
    """Ask a model for its logits (T, B, K).

    Raises:
        TicError: It fails on the inputs (B, …), or gives something else.
    """
    with calling(inputs):
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


@contextmanager
def calling(inputs: Tensor) -> Iterator[None]:
    """Say what a model was called with when it fails; where in it stands in the error's cause."""
    try:
        yield
    except TicError:
        raise
    except Exception as error:
        if is_lack_of_memory(error):
            raise
        raise TicError(
            f"the model fails on inputs of shape {tuple(inputs.shape)} ({inputs.dtype}): "
            f"{type(error).__name__}: {error} ({place_of(error)}); if it keeps state "
            f"between calls, let its forward begin by resetting it"
        ) from error


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
