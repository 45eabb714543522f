"""What corruptions and attacks have in common: their form, their cost and their rules."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from torch import Tensor, nn

from tic.errors import TicError


class Passes(NamedTuple):
    """Cost of an attack per image, at most.

    Attributes:
        forwards: Forward passes without a gradient.
        gradients: Forward passes with the backward pass after them.
    """

    forwards: int
    gradients: int


class Corruption(Protocol):
    """Maps images (B, C, H, W) in [0, 1] to corrupted ones of the same shape."""

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
    if not 0 <= value <= 1:
        raise TicError(f"{name} is in pixel values and must be in [0, 1], got {value}")


def check_count(name: str, value: int) -> None:
    """Refuse fewer than one."""
    if value < 1:
        raise TicError(f"{name} must be at least 1, got {value}")
