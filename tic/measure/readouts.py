"""Logits of any network, timestep by timestep, and the read-outs of its prefixes 1..t."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tic.errors import TicError
from tic.losses import Readout, prefix_logits
from tic.models import SpikingNetwork
from tic.models.logits import calling, logits_of


def readouts_of(model: nn.Module, inputs: Tensor) -> list[Tensor]:
    """Ask a model for logits (1, B, K) of every timestep, without later ones in their graphs.

    Raises:
        TicError: It fails, or gives something else than finite logits (T, B, K).
    """
    if not isinstance(model, SpikingNetwork):
        return list(torch.split(_finite(logits_of(model, inputs)), 1))
    with calling(inputs):
        return [_finite(logits) for logits in model.readouts(inputs)]


def prefixes_of(readouts: list[Tensor], readout: Readout) -> list[Tensor]:
    """Read out (B, K) over 1..t for every t, without later timesteps in their graphs."""
    times = range(1, len(readouts) + 1)
    return [prefix_logits(torch.cat(readouts[:t]), readout)[-1] for t in times]


def _finite(logits: Tensor) -> Tensor:
    if not logits.isfinite().all():
        raise TicError(
            "logits must be finite, got NaN or infinity; look for such numbers in the inputs and "
            "the weights"
        )
    return logits.to(torch.promote_types(logits.dtype, torch.float32))
