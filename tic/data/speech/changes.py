"""What may be changed of a data set of speech: what an audit's controls and rivals train on."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from tic.data.dataset import Dataset
from tic.data.facts import Facts, Split
from tic.data.speech.utterances import Utterances
from tic.seeding import generator

Part = Literal["train", "validation", "test"]


class Spoken(NamedTuple):
    """Utterances of one part of a data set.

    Attributes:
        currents: `(N, T, F)` float32.
        labels: `(N,)` int64.
        speakers: `(N,)` int64.
    """

    currents: Tensor
    labels: Tensor
    speakers: Tensor


@dataclass(frozen=True)
class Speech(Dataset):
    """A data set of utterances by speakers.

    Networks are trained on the training split; what they are tested on is a field, so that settings
    can be chosen on speakers who are in neither split.

    Attributes:
        evaluated: What the split "test" holds: the test utterances, or those of training speakers
            who are held out, whom the training split lacks.
        order: Of the time bins: as spoken, or permuted, every utterance by a permutation of its
            own, so that a network cannot use their order.
        frequencies: Of the bands: in order, or permuted once for all utterances. `places` gives
            where each came from.
        labels: Of the training split: those of what was spoken, or of another of its utterances.
        voices: Who speaks: as the data set is split, or all utterances of both splits shuffled and
            dealt anew, so that the voices that are tested were trained on too.
        seed: Of all permutations.
    """

    evaluated: Literal["test", "validation"] = "test"
    order: Literal["as-spoken", "bins-permuted"] = "as-spoken"
    frequencies: Literal["in-order", "permuted"] = "in-order"
    labels: Literal["spoken", "permuted"] = "spoken"
    voices: Literal["split", "mixed"] = "split"
    seed: int = 0

    @property
    def label(self) -> str:
        """See `Kind.label`."""
        return self.facts.name

    @abstractmethod
    def spoken(self, part: Part, root: Path | None = None) -> Spoken:
        """Utterances of a part as they are, without any change; the same every time.

        Raises:
            TicError: As `Dataset.load`.
        """

    def load(self, split: Split, root: Path | None = None, *, download: bool = True) -> Utterances:
        """See `Dataset.load`."""
        return _changed(self, split, root)

    def places(self) -> Tensor:
        """Place in the order of frequencies of every feature, shape (F,) int64."""
        bands = self.facts.shape[-1]
        if self.frequencies == "in-order":
            return torch.arange(bands)
        return torch.randperm(bands, generator=generator(self.seed, "bands of speech"))

    def facts_of(
        self, name: str, shape: tuple[int, int], classes: int, sizes: tuple[int, int]
    ) -> Facts:
        """Facts of its utterances; the name tells what is changed."""
        changes = {
            "evaluated": (self.evaluated == "validation", "validation"),
            "order": (self.order == "bins-permuted", "bins-permuted"),
            "frequencies": (self.frequencies == "permuted", "bands-permuted"),
            "labels": (self.labels == "permuted", "labels-permuted"),
            "voices": (self.voices == "mixed", "voices-mixed"),
            "seed": (self.seed != 0, f"seed-{self.seed}"),
        }
        parts = (text for changed, text in changes.values() if changed)
        train, test = sizes
        return Facts(
            name="-".join([name, *parts]),
            shape=shape,
            num_classes=classes,
            train_size=train,
            test_size=test,
            noun="utterances",
            informative=self.labels == "spoken",
        )


@lru_cache(maxsize=4)
def _changed(dataset: Speech, split: Split, root: Path | None) -> Utterances:
    spoken = _dealt(dataset, split, root)
    currents, labels = spoken.currents, spoken.labels
    if dataset.order == "bins-permuted":
        currents = _bins_permuted(currents, dataset.seed, split)
    if dataset.frequencies == "permuted":
        currents = currents[..., dataset.places()]
    if dataset.labels == "permuted" and split == "train":
        order = torch.randperm(len(labels), generator=generator(dataset.seed, "labels of speech"))
        labels = labels[order]
    return Utterances(dataset.facts, split, currents.contiguous(), labels, spoken.speakers)


def _dealt(dataset: Speech, split: Split, root: Path | None) -> Spoken:
    """A split, as it is or after both were shuffled together."""
    own: Part = "train" if split == "train" else dataset.evaluated
    if dataset.voices == "split":
        return dataset.spoken(own, root)
    train, test = dataset.spoken("train", root), dataset.spoken(dataset.evaluated, root)
    both = [torch.cat(pair) for pair in zip(train, test, strict=True)]
    order = torch.randperm(len(both[0]), generator=generator(dataset.seed, "voices of speech"))
    count = len(train.labels)
    chosen = order[:count] if split == "train" else order[count:]
    return Spoken(*(tensor[chosen] for tensor in both))


def _bins_permuted(currents: Tensor, seed: int, split: Split) -> Tensor:
    """Time bins in an order that is drawn for every utterance."""
    draws = torch.rand(currents.shape[:2], generator=generator(seed, f"{split} bins of speech"))
    order = draws.argsort(1)[..., None].expand_as(currents)
    return currents.gather(1, order)
