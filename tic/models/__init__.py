"""Spiking networks by name: (B, C, H, W) pixel values in [0, 1] to logits (T, B, K)."""

from __future__ import annotations

from collections.abc import Sequence

from tic.errors import TicError
from tic.models.network import SpikingNetwork, over_time
from tic.models.resnet import RESNET19, TINY, ResNetLayout, SpikingResNet

__all__ = ["SpikingNetwork", "SpikingResNet", "build", "over_time"]

_LAYOUTS: dict[str, ResNetLayout] = {"resnet19": RESNET19, "tiny": TINY}


def build(
    name: str,
    *,
    in_channels: int,
    num_classes: int,
    timesteps: int,
    tau: float = 2.0,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> SpikingNetwork:
    """Build a spiking network with fresh weights, drawn from torch's global generator.

    Args:
        name: `tiny` (39,642 parameters at 1 channel and 10 classes) or `resnet19` (26,108,042 at
            3 channels and 10 classes, the paper's release).
        in_channels: Image channels C.
        num_classes: Classes K.
        timesteps: Number of timesteps T.
        tau: Time constant of all neurons, in timesteps.
        mean: Channel means of the pixel values; 0 without it.
        std: Channel standard deviations of the pixel values; 1 without it.

    Raises:
        TicError: The name is unknown, or a parameter is out of range.
    """
    if name not in _LAYOUTS:
        raise TicError(f"unknown architecture {name!r}; known: {', '.join(sorted(_LAYOUTS))}")
    return SpikingResNet(
        _LAYOUTS[name],
        in_channels=in_channels,
        num_classes=num_classes,
        timesteps=timesteps,
        tau=tau,
        mean=mean or (0.0,) * in_channels,
        std=std or (1.0,) * in_channels,
    )
