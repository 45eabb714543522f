"""Corruptions that look at no network: Gaussian noise and blur (Kim et al. 2023, Table 1)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from tic import seeding
from tic.arrays import real_number
from tic.attacks.attack import Passes, check_count, check_images, per_image
from tic.errors import TicError, as_tic_error


@dataclass(frozen=True, kw_only=True)
class GaussianNoise:
    """Add Gaussian noise whose ℓ2 norm is a share of each image's.

    The sum is not clipped: clipping to the pixel range would change the norm that defines it.

    Attributes:
        share: Norm of the noise over norm of the image; 0.5 in Kim et al. 2023.
        seed: Of the noise, which is the same for every network.
    """

    share: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        with as_tic_error():
            share = real_number(self.share, name="share")
        if not 0 <= share < math.inf:
            raise TicError(f"share must be at least 0 and finite, got {self.share}")

    @property
    def passes(self) -> Passes:
        """No network is asked."""
        return Passes(forwards=0, gradients=0)

    def __call__(self, model: nn.Module, images: Tensor, labels: Tensor, batch: int) -> Tensor:
        """Corrupt images (B, ...); every batch number has noise of its own.

        Raises:
            TicError: The images are no finite floating-point numbers.
        """
        check_images(images)
        draws = seeding.generator(self.seed, f"noise/{batch}")
        noise = torch.randn(images.shape, generator=draws).to(images)
        scale = norms(images) / norms(noise)
        return images + self.share * noise * per_image(scale, images)


@dataclass(frozen=True, kw_only=True)
class Blur:
    """Shrink images and enlarge them again, bilinearly, which destroys small details.

    Attributes:
        factor: Height and width are divided by it; 2 in Kim et al. 2023 (32×32 to 16×16).
    """

    factor: int = 2

    def __post_init__(self) -> None:
        check_count("factor", self.factor)

    @property
    def passes(self) -> Passes:
        """No network is asked."""
        return Passes(forwards=0, gradients=0)

    def __call__(self, model: nn.Module, images: Tensor, labels: Tensor, batch: int) -> Tensor:
        """Blur images (B, ..., H, W).

        Raises:
            TicError: The images are no finite floating-point numbers, or have fewer than 4 axes.
        """
        check_images(images)
        if images.dim() < 4:
            raise TicError(
                f"Blur shrinks height and width, so images must have shape (B, ..., H, W) with at "
                f"least 4 axes, got {tuple(images.shape)}; use GaussianNoise"
            )
        height, width = images.shape[-2:]
        small_size = (max(1, height // self.factor), max(1, width // self.factor))
        flat = images.flatten(1, -3)
        small = interpolate(flat, small_size, mode="bilinear", align_corners=False)
        large = interpolate(small, (height, width), mode="bilinear", align_corners=False)
        return large.view(images.shape)


def norms(images: Tensor) -> Tensor:
    """ℓ2 norms (B,) of images (B, ...)."""
    lengths: Tensor = torch.linalg.vector_norm(images, dim=tuple(range(1, images.dim())))
    return lengths
