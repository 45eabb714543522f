"""Spiking networks by name: (B, C, H, W) pixel values in [0, 1] to logits (T, B, K)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from tic.arrays import finite_array, whole_number
from tic.errors import TicError, as_tic_error, require_known
from tic.models.network import SpikingNetwork, over_time
from tic.models.plain import ALEXNET, TINY_ALEXNET, TINY_VGG16, VGG16, SpikingPlainNet
from tic.models.resnet import RESNET19, RESNET34, TINY, TINY_RESNET34, SpikingResNet

__all__ = [
    "ARCHITECTURES",
    "SpikingNetwork",
    "SpikingPlainNet",
    "SpikingResNet",
    "build",
    "over_time",
]

_NETWORKS: dict[str, Callable[..., SpikingNetwork]] = {
    "alexnet": partial(SpikingPlainNet, ALEXNET),
    "resnet19": partial(SpikingResNet, RESNET19),
    "resnet34": partial(SpikingResNet, RESNET34),
    "tiny": partial(SpikingResNet, TINY),
    "tiny-alexnet": partial(SpikingPlainNet, TINY_ALEXNET),
    "tiny-resnet34": partial(SpikingResNet, TINY_RESNET34),
    "tiny-vgg16": partial(SpikingPlainNet, TINY_VGG16),
    "vgg16": partial(SpikingPlainNet, VGG16),
}

_MOST_CHANNELS = 10_000

ARCHITECTURES: tuple[str, ...] = tuple(_NETWORKS)
"""Names that `build` knows, in alphabetical order."""


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

    Each has a tiny sibling of the same kind:

        resnet19  26,108,042 parameters (the paper's release)   tiny           39,642
        alexnet   23,281,610                                    tiny-alexnet   38,938
        vgg16     14,724,042                                    tiny-vgg16     44,634
        resnet34  21,282,122                                    tiny-resnet34  67,546

    at 10 classes, with 3 image channels for the large and 1 for the tiny ones.

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
    return _NETWORKS[name](
        in_channels=in_channels,
        num_classes=num_classes,
        timesteps=timesteps,
        tau=tau,
        mean=mean,
        std=(1.0,) * in_channels if std is None else std,
    )
