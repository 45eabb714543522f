"""Corruptions of images: small configured callables whose repr says everything about them."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor, nn

from tic.attacks.gradient import FGSM, PGD
from tic.attacks.noise import Blur, GaussianNoise

__all__ = ["FGSM", "PGD", "Blur", "Corruption", "GaussianNoise"]


class Corruption(Protocol):
    """Maps images (B, C, H, W) in [0, 1] to corrupted ones of the same shape."""

    def __call__(self, model: nn.Module, images: Tensor, labels: Tensor, batch: int) -> Tensor:
        """Corrupt one batch; `batch` is its number, from which random corruptions draw."""
