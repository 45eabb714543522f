"""What all peers share: the blocks of a layout, and an optional library that may be missing."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from importlib import import_module
from typing import Any, NamedTuple

from torch import nn

from benchmarks.harness import NotMeasuredError
from tic.models.convolution import convolution
from tic.models.resnet import ResNetLayout


class Widths(NamedTuple):
    """Channels in and out of a basic block, and its stride."""

    inputs: int
    outputs: int
    stride: int


def block_widths(layout: ResNetLayout) -> Iterator[Widths]:
    """Give the basic blocks of a layout in order."""
    inputs = layout.stem
    for outputs, depth, stride in zip(layout.widths, layout.depths, layout.strides, strict=True):
        for position in range(depth):
            yield Widths(inputs, outputs, stride if position == 0 else 1)
            inputs = outputs


def shortcut(widths: Widths) -> nn.Module:
    """Build what a block adds to its second convolution."""
    if widths.stride == 1 and widths.inputs == widths.outputs:
        return nn.Identity()
    return convolution(widths.inputs, widths.outputs, 1, widths.stride)


def optional(library: str) -> Any:
    """Import a peer's library.

    Raises:
        NotMeasuredError: It is not installed, or does not import beside this torch.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Norse compiles itself with torch.jit on import
            return import_module(library)
    except Exception as error:
        name = library.partition(".")[0]
        why = "is not installed" if isinstance(error, ModuleNotFoundError) else "does not import"
        raise NotMeasuredError(f"{name} {why}; see pip install '.[dev]'") from error
