"""Running an attack of torchattacks so that it leaves no trace."""

from __future__ import annotations

from typing import Any, Literal, cast

import torch
from torch import Tensor, nn

from tic.attacks.attack import within_ball
from tic.errors import TicError
from tic.models.modes import differentiable, usable


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
        settings: Further arguments of the attack, its ε among them.

    Raises:
        TicError: torchattacks is not installed.
    """
    # torchattacks seeds the generators of the CPU and of every GPU, wherever the images are.
    gpus_are_used = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    devices = range(torch.cuda.device_count()) if gpus_are_used else ()
    # torchattacks makes half precision single, which the network could not take.
    is_half = images.element_size() < torch.float32.itemsize
    seen = usable(images).float() if is_half else usable(images)
    network = SinglePrecision(readout, images.dtype) if is_half else readout
    with (
        differentiable(readout),
        torch.set_grad_enabled(attack != "Square"),
        torch.random.fork_rng(devices=devices),
    ):
        shaped = _Shaped(network, images.shape[1:])
        crafting = getattr(library(), attack)(shaped, norm="Linf", seed=seed, **settings)
        moved = cast(Tensor, crafting(_with_four_axes(seen), usable(labels)))
    moved = moved.detach().view(images.shape)
    return within_ball(images, moved.to(images.dtype), settings["eps"]) if is_half else moved


def _with_four_axes(images: Tensor) -> Tensor:
    """View images (B, ...) as the (B, C, H, W) that these attacks ask for."""
    height, width = (1, *images.shape[1:])[-2:]
    return images.contiguous().view(len(images), -1, height, width)


class SinglePrecision(nn.Module):
    """Lets float32 images into a network of another precision, and float32 logits out."""

    def __init__(self, model: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.model = model
        self.dtype = dtype

    def forward(self, images: Tensor) -> Tensor:
        """Map float32 images to float32 logits (B, K)."""
        logits: Tensor = self.model(images.to(self.dtype))
        return logits.to(images.dtype)


class _Shaped(nn.Module):
    """Gives a read-out its images in their own shape back."""

    def __init__(self, readout: nn.Module, shape: torch.Size) -> None:
        super().__init__()
        self.readout = readout
        self.shape = shape

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.readout(images.reshape(len(images), *self.shape))
        return logits
