"""`ImageData`: one split of a data set in memory, and the batches that training takes from it."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import torch
from torch import Tensor

from tic.data.augment import Augmentation
from tic.data.spec import SPLITS, DataSpec
from tic.data.subset import balanced_order
from tic.errors import TicError


@dataclass(frozen=True, eq=False)
class ImageData:
    """One split of a data set. Shared between callers: nobody writes into its tensors.

    Attributes:
        spec: the facts of the data set.
        split: "train" or "test".
        images: `(N, C, H, W)` uint8, raw values in [0, spec.levels].
        labels: `(N,)` int64 in [0, K).

    Raises:
        TicError: the tensors do not fit the spec.
    """

    spec: DataSpec
    split: str
    images: Tensor
    labels: Tensor

    def __post_init__(self) -> None:
        spec, images, labels = self.spec, self.images, self.labels
        shape = (len(labels), spec.channels, spec.height, spec.width)
        self._require(self.split in SPLITS, "split 'train' or 'test'", repr(self.split))
        self._require(labels.dtype == torch.int64 and labels.ndim == 1, "labels (N,) int64", labels)
        self._require(images.dtype == torch.uint8, "uint8 images", images)
        self._require(len(labels) > 0, "at least one image", images)
        self._require(tuple(images.shape) == shape, f"images {shape}", images)
        self._require(int(images.max()) <= spec.levels, f"raw values <= {spec.levels}", images)
        low, high, last = int(labels.min()), int(labels.max()), spec.num_classes - 1
        self._require(low >= 0 and high <= last, f"labels from 0 to {last}", labels)

    def _require(self, holds: bool, rule: str, got: Tensor | str) -> None:
        if holds:
            return
        if isinstance(got, Tensor):
            limits = f" in [{got.min()}, {got.max()}]" if got.numel() else ""
            got = f"{got.dtype} {tuple(got.shape)}{limits}"
        raise TicError(f"{self.spec.name} needs {rule}, got {got}")

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def name(self) -> str:
        """The data set's name, as on the command line."""
        return self.spec.name

    @property
    def num_classes(self) -> int:
        """K."""
        return self.spec.num_classes

    @property
    def channels(self) -> int:
        """C."""
        return self.spec.channels

    @property
    def height(self) -> int:
        """H in pixels."""
        return self.spec.height

    @property
    def width(self) -> int:
        """W in pixels."""
        return self.spec.width

    @property
    def device(self) -> torch.device:
        """Where the tensors live."""
        return self.images.device

    def normalisation(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return (mean, std) per channel, for the model: batches stay in pixel space."""
        return self.spec.mean, self.spec.std

    @cached_property
    def digest(self) -> str:
        """Sha256 (hex) of all that training can see: pixels, labels and how they are presented.

        It depends neither on the device nor on how a subset was asked for.
        """
        spec = self.spec
        presented = [spec.num_classes, spec.levels, *spec.mean, *spec.std]
        presented += [spec.flip, spec.crop_padding]
        facts = [self.name, self.split, list(self.images.shape), presented]
        digest = hashlib.sha256(json.dumps(facts).encode())
        digest.update(self.images.cpu().contiguous().numpy().data)
        digest.update(self.labels.cpu().numpy().astype("<i8").data)
        return digest.hexdigest()

    @cached_property
    def _copies(self) -> dict[torch.device, "ImageData"]:
        return {}

    def to(self, device: torch.device | str) -> "ImageData":
        """Return the same data on `device`; asked again, the same copy."""
        device = torch.device(device)
        if device == self.device:
            return self
        if device not in self._copies:
            images, labels = self.images.to(device), self.labels.to(device)
            self._copies[device] = replace(self, images=images, labels=labels)
        return self._copies[device]

    def take(self, size: int) -> Self:
        """Return the first `size` images of `balanced_order`, in the order of the file.

        A smaller subset is part of every larger one, and the whole split is its own largest.

        Raises:
            TicError: `size` is smaller than K or larger than the split.
        """
        if not self.num_classes <= size <= len(self):
            raise TicError(
                f"size must lie between {self.num_classes} (one image per class) and {len(self)}"
                f" (all of {self.name} {self.split}), got {size}"
            )
        chosen = torch.from_numpy(balanced_order(self.labels.cpu().numpy())[:size])
        chosen = chosen.sort().values.to(self.device)
        return replace(self, images=self.images[chosen], labels=self.labels[chosen])

    def batches(self, batch_size: int) -> "Batches":
        """Return the images in order, as they are; see `Batches`."""
        return Batches(self, batch_size)

    def shuffled_batches(
        self, batch_size: int, generator: torch.Generator, *, augment: bool = True
    ) -> "ShuffledBatches":
        """Return the images in a new order each epoch, augmented; see `ShuffledBatches`."""
        return ShuffledBatches(self, batch_size, generator, augment)

    def pixels(self, raw: Tensor) -> Tensor:
        """Turn raw uint8 values into float32 in [0, 1]."""
        # A divisor on the device: with a Python number CUDA multiplies by the reciprocal
        # instead, and its pixels would differ from the CPU's in the last bit.
        white = torch.tensor(self.spec.levels, dtype=torch.float32, device=raw.device)
        return raw.to(torch.float32) / white[None]


@dataclass(frozen=True)
class Batches:
    """An iterable, as often as wanted, of (images, labels) in order.

    Images are `(B, C, H, W)` float32 in [0, 1], labels `(B,)` int64. The last batch may be smaller.

    Raises:
        TicError: `batch_size` is below 1.
    """

    data: ImageData
    batch_size: int

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise TicError(f"batch_size must be at least 1, got {self.batch_size}")

    def __len__(self) -> int:
        return -(-len(self.data) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        data = self.data
        for start in range(0, len(data), self.batch_size):
            part = slice(start, start + self.batch_size)
            yield data.pixels(data.images[part]), data.labels[part]


@dataclass(frozen=True)
class ShuffledBatches(Batches):
    """An iterable of (images, labels) that draws a new order and new augmentations each time.

    All of an epoch is drawn when the epoch begins: the order first, then the crops and flips by
    place in that order. So the images do not depend on `batch_size`, nor on what else draws from
    the generator during the epoch, nor does the order depend on `augment`.

    Raises:
        TicError: `batch_size` is below 1, or the generator and the data are on two devices.
    """

    generator: torch.Generator
    augment: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        device = self.data.device
        if self.generator.device.type != device.type:
            raise TicError(
                f"the generator must be on the data's device {device}, got"
                f" {self.generator.device}; make it with torch.Generator({str(device)!r})"
            )

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        data, count = self.data, len(self.data)
        order = torch.randperm(count, generator=self.generator, device=data.device)
        drawn = self._draw() if self.augment else None
        for start in range(0, count, self.batch_size):
            chosen = order[start : start + self.batch_size]
            raw = data.images[chosen]
            if drawn is not None:
                raw = drawn.part(start, start + self.batch_size).apply(raw)
            yield data.pixels(raw), data.labels[chosen]

    def _draw(self) -> Augmentation:
        data = self.data
        return Augmentation.draw(data.spec, len(data), self.generator, data.device)
