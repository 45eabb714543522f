"""Running an attack of torchattacks so that it leaves no trace."""

from __future__ import annotations

from typing import Any, Literal, cast

import torch
from torch import Tensor, nn

from tic.errors import TicError
from tic.models.modes import evaluation_mode


def library() -> Any:
    """Import torchattacks, which brings all of scipy.stats along: only when an attack is run.

    Raises:
        TicError: It is not installed.
    """
    try:
        import torchattacks
    except ImportError:
        raise TicError(
            "attacks are those of torchattacks, which is not installed; run pip install "
            "'tic-audit[attacks]', or pip install --no-deps torchattacks, which leaves requests "
            "as new as it is"
        ) from None
    return torchattacks


def craft(
    attack: Literal["APGD", "APGDT", "FAB", "Square"],
    readout: nn.Module,
    images: Tensor,
    labels: Tensor,
    seed: int,
    settings: dict[str, Any],
) -> Tensor:
    """Attack images in evaluation mode and in ℓ∞; modes and the global generator stay as they are.

    Args:
        attack: Name of a class of torchattacks that takes a norm and a seed.
        readout: Maps images (B, ...) to logits (B, K).
        images: Pixel values in [0, 1], shape (B, ...).
        labels: Classes, shape (B,).
        seed: Of all that the attack draws.
        settings: Further arguments of the attack.

    Raises:
        TicError: torchattacks is not installed.
    """
    # torchattacks seeds the generators of the CPU and of every GPU, wherever the images are.
    gpus_are_used = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    devices = range(torch.cuda.device_count()) if gpus_are_used else ()
    with evaluation_mode(readout), torch.random.fork_rng(devices=devices):
        shaped = _Shaped(readout, images.shape[1:])
        crafting = getattr(library(), attack)(shaped, norm="Linf", seed=seed, **settings)
        moved = crafting(_with_four_axes(images), labels)
    return cast(Tensor, moved).detach().view(images.shape)


def _with_four_axes(images: Tensor) -> Tensor:
    """View images (B, ...) as the (B, C, H, W) that these attacks ask for."""
    height, width = (1, *images.shape[1:])[-2:]
    return images.reshape(len(images), -1, height, width)


class _Shaped(nn.Module):
    """Gives a read-out its images in their own shape back."""

    def __init__(self, readout: nn.Module, shape: torch.Size) -> None:
        super().__init__()
        self.readout = readout
        self.shape = shape

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.readout(images.view(len(images), *self.shape))
        return logits
