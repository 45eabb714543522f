"""Convolutions of small images, by whichever way is fast on a CPU.

oneDNN's backward pass takes several times what its forward pass does where images are small or
strides are above 1; that of a matrix product takes twice as long as its forward pass.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

_LARGEST_MATRIX = 2**18
"""Numbers in it, 1 MB: of 128 to 128 channels on 2×2 pixels."""


class Convolution(nn.Conv2d):
    """A convolution that computes with the channels of its input innermost.

    On one CPU thread, `tiny` trains 1.4 to 1.7 times as fast that way. The weights stay as torch
    lays them out, so that its tools, pruning among them, can flatten them. The output has the
    channels innermost, too: where batch normalisation is given an input of one layout and a
    gradient of another, its backward pass is wrong for a batch of one (torch 2.15).

    On a CPU, one of 1×1 pixels with a stride takes the pixels that it sees and multiplies them by
    its weights; so it also avoids oneDNN's backward pass, which for fewer than 8 channels writes
    past its memory (torch 2.15, on processors without AVX-512). One of very small images is
    multiplied by its weights written out as a matrix.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Map images (B, C, H, W) to (B, C', H', W')."""
        images = _channels_innermost(input)
        if images.device.type != "cpu" or not self._is_plain:
            return super().forward(images)
        if self.kernel_size == (1, 1) and max(self.stride) > 1 and self.padding == (0, 0):
            return self._of_seen_pixels(images)
        if self._is_small(images):
            return self._as_matrix(images)
        return super().forward(images)

    @property
    def _is_plain(self) -> bool:
        """Whether it is nothing but a weighted sum of the pixels around."""
        return (
            self.groups == 1
            and self.dilation == (1, 1)
            and self.padding_mode == "zeros"
            and self.bias is None
            and isinstance(self.padding, tuple)
        )

    @property
    def _zeros(self) -> tuple[int, int]:
        """Rows and columns of zeros at either end."""
        assert isinstance(self.padding, tuple)
        vertical, horizontal = self.padding
        return vertical, horizontal

    def _is_small(self, images: Tensor) -> bool:
        """Whether the matrix has hardly more to multiply than the convolution."""
        height, width = images.shape[2:]
        pixels, window = height * width, self.kernel_size[0] * self.kernel_size[1]
        # The matrix also multiplies pixels that no window joins. Backwards, strides cost more.
        most = 2 * window if max(self.stride) > 1 else window
        size = self.in_channels * self.out_channels * pixels**2
        fits = (
            self.kernel_size[0] <= height + 2 * self._zeros[0]
            and self.kernel_size[1] <= width + 2 * self._zeros[1]
        )
        return fits and window > 1 and 0 < pixels <= most and size <= _LARGEST_MATRIX

    def _of_seen_pixels(self, images: Tensor) -> Tensor:
        vertical, horizontal = self.stride
        seen = images.permute(0, 2, 3, 1)[:, ::vertical, ::horizontal]
        return functional.linear(seen, self.weight.flatten(1)).permute(0, 3, 1, 2)

    def _as_matrix(self, images: Tensor) -> Tensor:
        batch, channels, height, width = images.shape
        joins = _joins(
            (height, self.kernel_size[0], self.stride[0], self._zeros[0]),
            (width, self.kernel_size[1], self.stride[1], self._zeros[1]),
        )
        # (C' · C, taps) by (taps, H' · W' · H · W), then ordered as pixels with channels innermost.
        matrix = self.weight.flatten(2).flatten(0, 1) @ joins.to(self.weight.dtype).flatten(1)
        matrix = matrix.view(self.out_channels, channels, -1, height * width).permute(2, 0, 3, 1)
        rows = images.permute(0, 2, 3, 1).reshape(batch, height * width * channels)
        output = functional.linear(rows, matrix.reshape(-1, rows.shape[1]))
        return output.view(batch, *joins.shape[1:3], self.out_channels).permute(0, 3, 1, 2)


Axis = tuple[int, int, int, int]
"""Pixels along an axis of an image, those of a kernel, its stride, and the zeros at either end."""


def _joins(vertical: Axis, horizontal: Axis) -> Tensor:
    """Wrap what is kept without torch, whose tensors belong to the mode they were made in."""
    return torch.from_numpy(_kept_joins(vertical, horizontal))


# As torch.compiler.assume_constant_result does, which would load the compiler in every process.
vars(_joins)["_dynamo_marked_constant"] = True


@lru_cache(maxsize=256)
def _kept_joins(vertical: Axis, horizontal: Axis) -> NDArray[np.float32]:
    """Which pixel a tap of a kernel joins to which one of the output.

    Returns:
        1 where it does and 0 elsewhere, shape (taps, H', W', H · W).
    """
    rows, columns = _joins_along(*vertical), _joins_along(*horizontal)
    joins: NDArray[np.float32] = np.einsum("aiy,bjx->abijyx", rows, columns)
    return np.ascontiguousarray(
        joins.reshape(-1, rows.shape[1], columns.shape[1], vertical[0] * horizontal[0])
    )


def _joins_along(length: int, kernel: int, stride: int, padding: int) -> NDArray[np.float32]:
    """The same along one axis, shape (kernel, output, input)."""
    places = (length + 2 * padding - kernel) // stride + 1
    seen = np.arange(kernel)[:, None] + stride * np.arange(places) - padding
    joined: NDArray[np.float32] = (seen[..., None] == np.arange(length)).astype(np.float32)
    return joined


def _channels_innermost(images: Tensor) -> Tensor:
    """Lay out images (B, C, H, W) so, also where one channel or pixel would leave it undecided."""
    _, channels, height, width = images.shape
    row = width * channels
    if images.stride() == (height * row, 1, row, channels):
        return images
    # Tensor.to has a memory format for that, which torch.func.vmap does not know.
    innermost = images.permute(0, 2, 3, 1).clone(memory_format=torch.contiguous_format)
    return innermost.permute(0, 3, 1, 2)


def convolution(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Sequential:
    """Build a convolution without bias and the batch normalisation after it."""
    return nn.Sequential(
        Convolution(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
    )
