"""Batches of inputs and labels, checked before anything is measured on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from tic.errors import TicError
from tic.models.logits import described
from tic.models.modes import usable

Loader = Iterable[tuple[Tensor, Tensor]]
"""Batches of inputs (B, …), whose first axis is the batch and whose others are free, and labels
(B,)."""

_WRAP = "wrap a data set in torch.utils.data.DataLoader"


@dataclass(frozen=True)
class Batch:
    """Samples that follow each other in a loader.

    Attributes:
        inputs: Shape (B, …).
        labels: Shape (B,), int64.
        first: Number of samples that the loader gave before.
    """

    inputs: Tensor
    labels: Tensor
    first: int = 0

    def __len__(self) -> int:
        return len(self.labels)

    def part(self, start: int, size: int) -> Batch:
        """The samples from `start` on, so many or what is left."""
        some = slice(start, start + size)
        return Batch(self.inputs[some], self.labels[some], self.first + start)


def labelled_batches(loader: Loader, device: torch.device) -> Iterator[Batch]:
    """Check the batches of a loader and bring them to a device; those without samples are passed.

    Raises:
        TicError: The loader gives no samples, or something other than pairs of inputs (B, …) and
            labels (B,) of an integer type.
    """
    given = 0
    for batch in _iterated(loader):
        inputs, labels = _pair(batch)
        if len(labels):
            yield Batch(usable(inputs).to(device), usable(labels).to(device).long(), given)
        given += len(labels)
    if not given:
        raise TicError("the loader must give at least one batch, got none with a sample in it")


def _iterated(loader: Any) -> Iterator[Any]:
    try:
        return iter(loader)
    except TypeError:
        raise TicError(
            f"the loader must give batches (inputs, labels), got {described(loader)}"
        ) from None


def _pair(batch: Any) -> tuple[Tensor, Tensor]:
    if not (
        isinstance(batch, tuple | list)
        and len(batch) == 2
        and all(isinstance(part, Tensor) for part in batch)
    ):
        raise TicError(
            f"a batch must be a pair (inputs, labels) of tensors, got {described(batch)}; {_WRAP}, "
            "and where its samples have more or other parts, give a generator such as "
            "((batch[0], batch[1]) for batch in loader)"
        )
    inputs, labels = batch
    if inputs.layout is not torch.strided or inputs.is_meta:
        raise TicError(
            f"inputs must be dense tensors with numbers in them, got {inputs.layout} on "
            f"{inputs.device}; inputs.to_dense() makes sparse ones so"
        )
    if not inputs.isfinite().all():
        raise TicError("inputs must be finite, got NaN or infinity; mend or leave out such samples")
    if labels.is_floating_point() or labels.is_complex() or labels.dtype is torch.bool:
        way_out = "labels.argmax(1)" if labels.dim() == 2 else "labels.long()"
        raise TicError(
            f"labels must be classes, whole numbers of an integer type, got {labels.dtype}; "
            f"{way_out} makes them so"
        )
    if labels.dim() != 1 or inputs.dim() == 0 or len(labels) != len(inputs):
        ways_out = {0: f"; {_WRAP}", 2: "; labels.squeeze(1) or, of one-hot rows, labels.argmax(1)"}
        raise TicError(
            f"inputs must have shape (B, …) and labels shape (B,), one for each, got "
            f"{tuple(inputs.shape)} and {tuple(labels.shape)}{ways_out.get(labels.dim(), '')}"
        )
    return inputs, labels
