"""Random crops and flips of whole batches, drawn and applied on the images' own device."""

from dataclasses import dataclass
from typing import Self

import torch
import torch.nn.functional as F  # noqa: N812  (torch's own name for it)
from torch import Tensor

from tic.data.spec import DataSpec


@dataclass(frozen=True, eq=False)
class Augmentation:
    """One crop and one flip for each of B images.

    Attributes:
        rows: `(B,)` int64, the crop's first row in the padded image, in [0, 2 * padding].
        columns: `(B,)` int64, its first column, likewise.
        mirrored: `(B,)` bool, whether left and right are swapped after the crop.
        padding: pixels of black on each side of the padded image.
    """

    rows: Tensor
    columns: Tensor
    mirrored: Tensor
    padding: int

    @classmethod
    def draw(
        cls, spec: DataSpec, count: int, generator: torch.Generator, device: torch.device
    ) -> Self:
        """Draw for `count` images what the data set allows: crops, and flips if `spec.flip`."""

        def integers(choices: int) -> Tensor:
            return torch.randint(choices, (count,), generator=generator, device=device)

        rows, columns = (integers(2 * spec.crop_padding + 1) for _ in range(2))
        mirrored = integers(2) if spec.flip else torch.zeros_like(rows)
        return cls(rows, columns, mirrored.bool(), spec.crop_padding)

    def part(self, start: int, stop: int) -> Self:
        """Return what was drawn for the images `start` to `stop`."""
        chosen = slice(start, stop)
        return type(self)(
            self.rows[chosen], self.columns[chosen], self.mirrored[chosen], self.padding
        )

    def apply(self, images: Tensor) -> Tensor:
        """Crop, then flip, each of `(B, C, H, W)` images; the shape and dtype stay."""
        count, channels, height, width = images.shape
        rows = self.rows[:, None] + torch.arange(height, device=images.device)
        columns = self.columns[:, None] + torch.arange(width, device=images.device)
        columns = torch.where(self.mirrored[:, None], columns.flip(1), columns)
        padded = F.pad(images, (self.padding,) * 4)
        image = torch.arange(count, device=images.device)[:, None, None, None]
        channel = torch.arange(channels, device=images.device)[None, :, None, None]
        return padded[image, channel, rows[:, None, :, None], columns[:, None, None, :]]
