"""Logits of any network, timestep by timestep, and the read-outs of its prefixes 1..t."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from tic.errors import TicError
from tic.losses import Readout, prefix_logits
from tic.models import SpikingNetwork
from tic.models.logits import calling, logits_of, require_time_outermost


def readouts_of(model: nn.Module, inputs: Tensor) -> list[Tensor]:
    """Ask a model for logits (1, B, K) of every timestep, without later ones in their graphs.

    Raises:
        TicError: It fails, or gives something else than finite logits (T, B, K).
    """
    if not isinstance(model, SpikingNetwork):
        return list(torch.split(_finite(logits_of(model, inputs)), 1))
    with calling(inputs):
        return [_finite(logits) for logits in model.readouts(inputs)]


def mean_logits(model: Callable[[Tensor], Any], inputs: Tensor) -> Tensor:
    """Ask a model for the mean over time of its logits: (B, …) -> (B, K), float32 or float64.

    It is in evaluation mode, and shown a copy, which it may change.

    Raises:
        TicError: It fails, or gives something else than finite logits (T, B, K).
    """
    logits = logits_of(model, inputs.clone())
    require_time_outermost(model, inputs, logits)
    return _finite(logits).mean(0)


def prefixes_of(readouts: list[Tensor], readout: Readout) -> list[Tensor]:
    """Read out (B, K) over 1..t for every t, without later timesteps in their graphs."""
    times = range(1, len(readouts) + 1)
    return [prefix_logits(torch.cat(readouts[:t]), readout)[-1] for t in times]


def require_one_length(lengths: Iterable[int]) -> None:
    """Refuse unlike numbers of timesteps where batches are joined timestep by timestep."""
    if len(unlike := sorted(set(lengths))) > 1:
        raise TicError(
            f"the number of timesteps must be the same for all batches, got {unlike}; pad "
            "sequences to one length"
        )


def _finite(logits: Tensor) -> Tensor:
    """Refuse logits (T, B, K) that are not finite; others are given in at least float32."""
    finite = logits.isfinite()
    if not finite.all():
        samples = finite.all(2).all(0)
        raise TicError(
            f"logits must be finite, got NaN or infinity for {int((~samples).sum())} of "
            f"{len(samples)} samples; look for such numbers in the inputs and the weights"
        )
    return logits.to(torch.promote_types(logits.dtype, torch.float32))
