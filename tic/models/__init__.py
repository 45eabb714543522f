"""Spiking networks by name: (B, C, H, W) pixel values in [0, 1] to logits (T, B, K)."""

from __future__ import annotations

from collections.abc import Sequence

from tic.arrays import finite_array, whole_number
from tic.errors import TicError, as_tic_error, require_known
from tic.models.adapters import Adapted
from tic.models.architecture import ARCHITECTURES, LAYOUTS, Architecture, Spiking
from tic.models.delays import DelayedLinear
from tic.models.network import SpikingNetwork, over_time
from tic.models.plain import SpikingPlainNet
from tic.models.resnet import SpikingResNet

__all__ = [
    "ARCHITECTURES",
    "Adapted",
    "Architecture",
    "DelayedLinear",
    "Spiking",
    "SpikingNetwork",
    "SpikingPlainNet",
    "SpikingResNet",
    "build",
    "over_time",
]

_MOST_CHANNELS = 10_000


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
        name: One of `ARCHITECTURES`.
        in_channels: Image channels C.
        num_classes: Classes K.
        timesteps: Number of timesteps T.
        tau: Time constant of all neurons, in timesteps.
        mean: Channel means of the pixel values; 0 without it.
        std: Channel standard deviations of the pixel values; 1 without it.

    Raises:
        TicError: The name is unknown, or a parameter is out of range.
    """
    require_known("architecture", name, ARCHITECTURES)
    with as_tic_error():
        in_channels = whole_number(in_channels, name="in_channels", least=1, most=_MOST_CHANNELS)
        num_classes = whole_number(num_classes, name="num_classes", least=1, most=_MOST_CHANNELS)
        given = (0.0,) * in_channels if mean is None else mean
        mean = finite_array(given, name="mean", axes="C").tolist()
    if len(mean) != in_channels:
        raise TicError(
            f"mean must have one value for each of {in_channels} image channels, got {len(mean)}; "
            "give std likewise"
        )
    return LAYOUTS[name](
        in_channels=in_channels,
        num_classes=num_classes,
        timesteps=timesteps,
        tau=tau,
        mean=mean,
        std=(1.0,) * in_channels if std is None else std,
    )
