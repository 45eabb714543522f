"""What corruptions and attacks have in common: their form, their cost and their rules."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from tic.arrays import real_number, whole_number
from tic.errors import TicError, as_tic_error

_ROUNDING = 1e-6
"""How far pixel values may leave [0, 1], as interpolation carries them."""


class Passes(NamedTuple):
    """Cost of an attack per image, at most.

    Attributes:
        forwards: Forward passes without a gradient.
        gradients: Forward passes with the backward pass after them.
    """

    forwards: int
    gradients: int


class Corruption(Protocol):
    """Maps images in [0, 1], the batch axis first, to corrupted ones of the same shape.

    They are (B, C, H, W) as a rule; (B, F), (B, T, F) and (B, T, C, H, W) are images too.
    """

    def __call__(self, model: nn.Module, images: Tensor, labels: Tensor, batch: int) -> Tensor:
        """Corrupt one batch; `batch` is its number, from which random corruptions draw."""


class Attack(Corruption, Protocol):
    """A corruption that looks for an error of the network within an ℓ∞ ball, and in [0, 1]."""

    @property
    def epsilon(self) -> float:
        """Largest change of a pixel."""

    @property
    def passes(self) -> Passes:
        """Cost per image, at most."""


def within_ball(images: Tensor, moved: Tensor, epsilon: float) -> Tensor:
    """Project moved images onto the ℓ∞ ball around the images and onto [0, 1]."""
    return moved.clamp(images - epsilon, images + epsilon).clamp(0, 1)


def check_share(name: str, value: float) -> None:
    """Refuse what is no difference of pixel values in [0, 1]."""
    with as_tic_error():
        number = real_number(value, name=name)
    if not 0 <= number <= 1:
        raise TicError(f"{name} is in pixel values and must be in [0, 1], got {value}")


def check_count(name: str, value: int) -> None:
    """Refuse what is no whole number, and fewer than one."""
    with as_tic_error():
        whole_number(value, name=name, least=1)


def check_images(images: Tensor) -> None:
    """Refuse what is no batch of images, whatever the range of its pixel values.

    Raises:
        TicError: No tensor of finite floating-point numbers (B, ...) with B at least 1.
    """
    if not isinstance(images, Tensor) or not images.is_floating_point():
        raise TicError(
            f"images must be a floating-point tensor, got {_kind(images)}; divide whole numbers "
            "from 0 to 255 by 255"
        )
    if images.dim() < 2 or images.numel() == 0:
        raise TicError(
            f"images must have shape (B, ...) with at least one image and pixel, got "
            f"{tuple(images.shape)}; leave empty batches out"
        )
    if not images.isfinite().all():
        raise TicError("images must be finite, got NaN or infinite pixel values; mend the data")


def check_attacked(images: Tensor, labels: Tensor) -> None:
    """Refuse images and labels that an attack would misread.

    ε is in pixel values, and what an attack moves is clamped to [0, 1]: images of another range
    would be moved by far more than ε.

    Raises:
        TicError: As `check_images`; pixel values outside [0, 1]; labels that are no classes.
    """
    check_images(images)
    low, high = (value.item() for value in images.aminmax())
    if low < -_ROUNDING or high > 1 + _ROUNDING:
        raise TicError(
            f"images must be pixel values in [0, 1], where ε counts and results are clamped, got "
            f"{low:.4g} to {high:.4g}; divide values up to 255 by 255, and let the network "
            "normalise: wrap it in a layer that does"
        )
    check_labels(images, labels)


def check_labels(images: Tensor, labels: Tensor) -> None:
    """Refuse labels that are not one class per image.

    Raises:
        TicError: No int64 tensor (B,).
    """
    if not isinstance(labels, Tensor) or labels.dtype is not torch.int64:
        raise TicError(f"labels must be a tensor of int64, got {_kind(labels)}; convert by .long()")
    if labels.shape != images.shape[:1]:
        raise TicError(
            f"labels must have shape (B,) with B={len(images)}, the number of images, got "
            f"{tuple(labels.shape)}; give one class per image"
        )


def per_image(values: Tensor, images: Tensor) -> Tensor:
    """Shape one value per image (B,) so that it meets every pixel of images (B, ...)."""
    return values.view(-1, *[1] * (images.dim() - 1))


def _kind(value: Any) -> str:
    return str(value.dtype) if isinstance(value, Tensor) else type(value).__name__
