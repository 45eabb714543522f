"""Logits of any network, timestep by timestep, and the read-outs of its prefixes 1..t."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from tic.errors import TicError
from tic.losses import Readout, prefix_logits
from tic.measure.batches import described
from tic.memory import is_lack_of_memory
from tic.models import SpikingNetwork


def readouts_of(model: nn.Module, inputs: Tensor) -> list[Tensor]:
    """Ask a model for logits (1, B, K) of every timestep, without later ones in their graphs.

    Raises:
        TicError: It fails, or gives something else than finite logits (T, B, K).
    """
    if not isinstance(model, SpikingNetwork):
        return list(torch.split(_logits(model, inputs), 1))
    with _calling(inputs):
        return [_finite(each) for each in model.readouts(inputs)]


def prefixes_of(readouts: list[Tensor], readout: Readout) -> list[Tensor]:
    """Read out (B, K) over 1..t for every t, without later timesteps in their graphs."""
    times = range(1, len(readouts) + 1)
    return [prefix_logits(torch.cat(readouts[:t]), readout)[-1] for t in times]


def _logits(model: nn.Module, inputs: Tensor) -> Tensor:
    """Logits (T, B, K) of a model, in at least single precision.

    Raises:
        TicError: It gives something else.
    """
    with _calling(inputs):
        logits: Any = model(inputs)
    if not isinstance(logits, Tensor):
        raise TicError(
            f"the model must return one tensor of logits (T, B, K), got {described(logits)}; wrap "
            f"it in a module whose forward returns the one that is read out, such as the spikes of "
            f"(spikes, membranes)"
        )
    batch, shape = len(inputs), tuple(logits.shape)
    if logits.dim() != 3 or shape[1] != batch:
        hint = ""
        if logits.dim() == 3 and shape[0] == batch:
            hint = "; that looks like (B, T, K): return logits.transpose(0, 1)"
        elif shape[:1] == (batch,) and logits.dim() == 2:
            hint = "; that looks like (B, K), of a network without time: return logits.unsqueeze(0)"
        raise TicError(
            f"the model must return logits (T, B, K) with B={batch}, got shape {shape}{hint}"
        )
    if not logits.is_floating_point():
        raise TicError(f"logits must be real numbers, got {logits.dtype}")
    return _finite(logits)


@contextmanager
def _calling(inputs: Tensor) -> Iterator[None]:
    """Say what a model was called with when it fails; where in it stands in the error's cause."""
    try:
        yield
    except TicError:
        raise
    except (RuntimeError, ValueError, IndexError) as error:
        if is_lack_of_memory(error):
            raise
        raise TicError(
            f"the model fails on inputs of shape {tuple(inputs.shape)} ({inputs.dtype}): {error}; "
            f"if it keeps state between calls, let its forward begin by resetting it"
        ) from error


def _finite(logits: Tensor) -> Tensor:
    if not logits.isfinite().all():
        raise TicError(
            "logits must be finite, got NaN or infinity; look for such numbers in the inputs and "
            "the weights"
        )
    return logits.to(torch.promote_types(logits.dtype, torch.float32))
