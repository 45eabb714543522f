"""`Samples`: one split of a data set in memory, and the batches that are taken from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import torch
from torch import Tensor

from tic.data.augment import Augmentation, Drawn, DrawnWithTargets, require_shares
from tic.data.facts import SPLITS, Facts, Split
from tic.data.subset import balanced_order
from tic.errors import TicError

_LABELS = "labels (N,) int64 (soft ones come of an Augmentation that gives targets)"


@dataclass(frozen=True, eq=False)
class Samples:
    """One split of a data set. Shared between callers: nobody writes into its tensors.

    Attributes:
        facts: what is known of the data set.
        split: "train" or "test".
        inputs: `(N, …)`, the batch axis first and the shape of the facts after it. Sequences of
            other lengths are padded; see `padded`.
        labels: `(N,)` int64 in [0, K).

    Raises:
        TicError: the tensors do not fit the facts.
    """

    facts: Facts
    split: Split
    inputs: Tensor
    labels: Tensor

    def __post_init__(self) -> None:
        facts, inputs, labels = self.facts, self.inputs, self.labels
        for values in (inputs, labels):
            way_out = "tensors (torch.stack or tic.data.padded make one of many)"
            self._require(isinstance(values, Tensor), way_out, type(values).__name__)
        self._require(self.split in SPLITS, "split 'train' or 'test'", repr(self.split))
        self._require(labels.dtype == torch.int64 and labels.ndim == 1, _LABELS, labels)
        self._require(len(labels) > 0, f"at least one of its {facts.noun}", inputs)
        shape = (len(labels), *facts.shape)
        self._require(tuple(inputs.shape) == shape, f"{facts.noun} {shape}", inputs)
        self._require_values()
        low, high, last = int(labels.min()), int(labels.max()), facts.num_classes - 1
        self._require(low >= 0 and high <= last, f"labels from 0 to {last}", labels)

    def _require_values(self) -> None:
        """Refuse inputs that a network cannot be given."""
        inputs, noun = self.inputs, self.facts.noun
        self._require(inputs.is_floating_point(), f"floating-point {noun}", inputs)
        self._require(bool(inputs.isfinite().all()), f"finite {noun}", inputs)

    def _require(self, holds: bool, rule: str, got: Tensor | str) -> None:
        if holds:
            return
        if isinstance(got, Tensor):
            limits = f" in [{got.min()}, {got.max()}]" if got.numel() else ""
            got = f"{got.dtype} {tuple(got.shape)}{limits}"
        raise TicError(f"{self.name} needs {rule}, got {got}")

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def name(self) -> str:
        """The data set's name, as on the command line."""
        return self.facts.name

    @property
    def num_classes(self) -> int:
        """K."""
        return self.facts.num_classes

    @property
    def device(self) -> torch.device:
        """Where the tensors live."""
        return self.inputs.device

    @cached_property
    def digest(self) -> str:
        """Sha256 (hex) of all that training can see: inputs, labels and how they are presented.

        It depends neither on the device nor on how a subset was asked for.
        """
        facts = [self.name, self.split, list(self.inputs.shape), self._presentation()]
        digest = hashlib.sha256(json.dumps(facts).encode())
        digest.update(self.inputs.cpu().contiguous().flatten().view(torch.uint8).numpy().data)
        digest.update(self.labels.cpu().numpy().astype("<i8").data)
        return digest.hexdigest()

    def _presentation(self) -> list[object]:
        """What else a network or a training learns of the samples."""
        return [self.num_classes, str(self.inputs.dtype)]

    @cached_property
    def _copies(self) -> dict[torch.device, Self]:
        return {}

    def to(self, device: torch.device | str) -> Self:
        """Return the same data on `device`; asked again, the same copy."""
        device = torch.device(device)
        if device == self.device:
            return self
        if device not in self._copies:
            self._copies[device] = self._changed(lambda tensor: tensor.to(device))
        return self._copies[device]

    def take(self, size: int) -> Self:
        """Return the first `size` samples of `balanced_order`, in the order of the file.

        A smaller subset is part of every larger one, and the whole split is its own largest.

        Raises:
            TicError: `size` is smaller than K or larger than the split.
        """
        if not self.num_classes <= size <= len(self):
            noun = self.facts.noun.removesuffix("s")
            raise TicError(
                f"size must lie between {self.num_classes} (one {noun} per class) and {len(self)}"
                f" (all of {self.name} {self.split}), got {size}"
            )
        chosen = torch.from_numpy(balanced_order(self.labels.cpu().numpy())[:size])
        chosen = chosen.sort().values.to(self.device)
        return self._changed(lambda tensor: tensor[chosen])

    def _changed(self, change: Callable[[Tensor], Tensor]) -> Self:
        """The same data with every tensor of it changed; a subclass with more of them says how."""
        return replace(self, inputs=change(self.inputs), labels=change(self.labels))

    def presented(self, raw: Tensor) -> Tensor:
        """Turn inputs as they are kept into what a network is shown."""
        return raw

    def batches(self, batch_size: int) -> Batches:
        """Return the samples in order, as they are; see `Batches`."""
        return Batches(self, batch_size)

    def shuffled_batches(
        self,
        batch_size: int,
        generator: torch.Generator,
        *,
        augmentation: Augmentation | None = None,
    ) -> ShuffledBatches:
        """Return the samples in a new order each epoch, augmented; see `ShuffledBatches`."""
        return ShuffledBatches(self, batch_size, generator, augmentation)


def padded(sequences: list[Tensor], length: int) -> Tensor:
    """Join sequences of several lengths to inputs of one, with a mask as their last feature.

    Args:
        sequences: N tensors `(T', F)`, none longer than `length`.
        length: T.

    Returns:
        `(N, T, F + 1)` in the sequences' type: padded by zeros, the last feature 1 where there is
        data and 0 where there is none.

    Raises:
        TicError: there is none, one is too long, or they have several numbers of features.
    """
    if not sequences or any(sequence.dim() != 2 for sequence in sequences):
        raise TicError("sequences must be tensors (T, F), at least one; pass one tensor per sample")
    features = {sequence.shape[1] for sequence in sequences}
    longest = max(len(sequence) for sequence in sequences)
    if len(features) > 1 or longest > length:
        raise TicError(
            f"sequences must have one number of features and at most {length} timesteps, got "
            f"{sorted(features)} features and up to {longest} timesteps; cut them or raise length"
        )
    joined = sequences[0].new_zeros(len(sequences), length, features.pop() + 1)
    for row, sequence in zip(joined, sequences, strict=True):
        row[: len(sequence), :-1] = sequence
        row[: len(sequence), -1] = 1
    return joined


@dataclass(frozen=True)
class Batches:
    """An iterable, as often as wanted, of (inputs, labels) in order.

    Inputs are `(B, …)`, as a network is shown them; labels `(B,)` int64. The last batch may be
    smaller.

    Raises:
        TicError: `batch_size` is below 1.
    """

    data: Samples
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
            yield data.presented(data.inputs[part]), data.labels[part]


@dataclass(frozen=True)
class ShuffledBatches(Batches):
    """An iterable of (inputs, labels) that draws a new order and new augmentations each time.

    Labels are `(B,)` int64, or `(B, K)` where the augmentation gives targets; see
    `tic.data.augment.DrawnWithTargets`.

    All of an epoch is drawn when the epoch begins: the order first, then the augmentations by place
    in that order. So the inputs do not depend on `batch_size`, nor on what else draws from the
    generator during the epoch, nor does the order depend on the augmentation.

    Raises:
        TicError: `batch_size` is below 1, or the generator and the data are on two devices; when
            iterated, the augmentation gives something else than it must.
    """

    generator: torch.Generator
    augmentation: Augmentation | None = None

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
        augmentation = self.augmentation
        drawn = None if augmentation is None else augmentation.draw(data, self.generator)
        for start in range(0, count, self.batch_size):
            chosen = order[start : start + self.batch_size]
            raw, labels = data.inputs[chosen], data.labels[chosen]
            if augmentation is not None:
                raw, labels = _augmented(drawn, augmentation.name, data, raw, labels, start)
            yield data.presented(raw), labels


def _augmented(
    drawn: object, name: str, data: Samples, raw: Tensor, labels: Tensor, start: int
) -> tuple[Tensor, Tensor]:
    """Augment a batch; refuse what would train a network on something else than is meant."""
    if not isinstance(drawn, Drawn):
        raise TicError(
            f"draw of {name} must return something with apply(raw, start), got "
            f"{type(drawn).__name__}; see tic.data.augment.Drawn"
        )
    changed: object = drawn.apply(raw, start)
    if not isinstance(changed, Tensor) or changed.shape != raw.shape:
        got = tuple(changed.shape) if isinstance(changed, Tensor) else type(changed).__name__
        raise TicError(
            f"{name} must give {data.facts.noun} of the shape that it is given, "
            f"{tuple(raw.shape)}, got {got}; change nothing but the values"
        )
    if changed.is_floating_point() and not changed.isfinite().all():
        raise TicError(f"{name} must give finite {data.facts.noun}, got NaN or infinity; mend it")
    if isinstance(drawn, DrawnWithTargets):
        labels = drawn.targets(labels, start, data.num_classes)
        require_shares(labels, (len(raw), data.num_classes), f"targets of {name}")
    return changed, labels
