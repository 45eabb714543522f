"""Corruptions that look at no network: Gaussian noise and blur (Kim et al. 2023, Table 1)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from tic import seeding
from tic.attacks.attack import Passes
from tic.errors import TicError


@dataclass(frozen=True, kw_only=True)
class GaussianNoise:
    """Add Gaussian noise whose ℓ2 norm is a share of each image's.

    The sum is not clipped: clipping to the pixel range would change the norm that defines it.

    Attributes:
        share: Norm of the noise over norm of the image; 0.5 in the paper.
        seed: Of the noise, which is the same for every network.
    """

    share: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.share >= 0:
            raise TicError(f"share must be at least 0, got {self.share}")

    @property
    def passes(self) -> Passes:
        """No network is asked."""
        return Passes(forwards=0, gradients=0)

    def __call__(self, model: nn.Module, images: Tensor, labels: Tensor, batch: int) -> Tensor:
        """Corrupt images (B, C, H, W); every batch number has noise of its own."""
        draws = seeding.generator(self.seed, f"noise/{batch}")
        noise = torch.randn(images.shape, generator=draws).to(images)
        scale = _norms(images) / _norms(noise)
        return images + self.share * noise * scale.view(-1, 1, 1, 1)


@dataclass(frozen=True, kw_only=True)
class Blur:
    """Shrink images and enlarge them again, bilinearly, which destroys small details.

    Attributes:
        factor: Height and width are divided by it; 2 in the paper (32×32 to 16×16).
    """

    factor: int = 2

    def __post_init__(self) -> None:
        if self.factor < 1:
            raise TicError(f"factor must be at least 1, got {self.factor}")

    @property
    def passes(self) -> Passes:
        """No network is asked."""
        return Passes(forwards=0, gradients=0)

    def __call__(self, model: nn.Module, images: Tensor, labels: Tensor, batch: int) -> Tensor:
        """Blur images (B, C, H, W)."""
        height, width = images.shape[-2:]
        small_size = (max(1, height // self.factor), max(1, width // self.factor))
        small = interpolate(images, small_size, mode="bilinear", align_corners=False)
        return interpolate(small, (height, width), mode="bilinear", align_corners=False)


def _norms(images: Tensor) -> Tensor:
    norms: Tensor = torch.linalg.vector_norm(images, dim=(1, 2, 3))
    return norms
