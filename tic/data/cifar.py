"""CIFAR-10 and CIFAR-100, read by torchvision.

The published files are pickles. torchvision compares each one's MD5 with the published value before
it opens any, so a file that somebody else made is refused, not executed. It is imported only for
files that are here, or are to be: to look for them takes their names.
"""

import warnings
from abc import abstractmethod
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tic.data.dataset import Dataset
from tic.data.facts import ImageFacts, Split
from tic.data.images import ImageData
from tic.data.locate import Wanted, locate, read_errors_explained

FILES = {
    "cifar10": (
        "cifar-10-batches-py",
        (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta"),
    ),
    "cifar100": ("cifar-100-python", ("train", "test", "meta")),
}
"""Folder of each data set and what lies in it, as published."""


# The release of Kim et al. 2023 normalises with these; its std is the mean of the images' own
# standard deviations, so the normalised training set has a spread of about 1.2, not 1.
_CIFAR10 = ImageFacts(
    name="cifar10",
    shape=(3, 32, 32),
    num_classes=10,
    train_size=50_000,
    test_size=10_000,
    levels=255,
    mean=(0.4913, 0.4821, 0.4465),
    std=(0.2023, 0.1994, 0.2010),
    flip=True,
    crop_padding=4,
)
_CIFAR100 = replace(
    _CIFAR10,
    name="cifar100",
    num_classes=100,
    mean=(0.5071, 0.4867, 0.4408),
    std=(0.2675, 0.2565, 0.2761),
)


class _CIFAR(Dataset):
    """Either; `root` of `load` holds `cifar-10-batches-py` or `cifar-100-python`."""

    @property
    @abstractmethod
    def facts(self) -> ImageFacts:
        """See `Dataset.facts`."""

    def load(self, split: Split, root: Path | None = None, *, download: bool = True) -> ImageData:
        """See `Dataset.load`."""
        return _read(self.facts, split, locate(_wanted(self.name), root, download=download))


@dataclass(frozen=True)
class CIFAR10(_CIFAR):
    """CIFAR-10 (Krizhevsky 2009)."""

    @property
    def facts(self) -> ImageFacts:
        """See `Dataset.facts`."""
        return _CIFAR10


@dataclass(frozen=True)
class CIFAR100(_CIFAR):
    """CIFAR-100 with its 100 fine labels (Krizhevsky 2009)."""

    @property
    def facts(self) -> ImageFacts:
        """See `Dataset.facts`."""
        return _CIFAR100


def _dataset(name: str) -> Any:
    from torchvision import datasets

    return {"cifar10": datasets.CIFAR10, "cifar100": datasets.CIFAR100}[name]


def _wanted(name: str) -> Wanted:
    base, files = FILES[name]
    return Wanted(
        name=name,
        needs=f"{base}/ with {', '.join(files)}",
        holds=lambda folder: all((folder / base / file).is_file() for file in files),
        fetch=lambda folder: _dataset(name)(folder, download=True),
    )


@lru_cache(maxsize=4)
def _read(facts: ImageFacts, split: Split, folder: Path) -> ImageData:
    with read_errors_explained(facts.name, folder), warnings.catch_warnings():
        # NumPy 2.4.0 to 2.4.4 warns of how the early NumPy that pickled the batches names uint8.
        warnings.simplefilter("ignore", np.exceptions.VisibleDeprecationWarning)
        source = _dataset(facts.name)(folder, train=split == "train")
    images = torch.from_numpy(source.data).permute(0, 3, 1, 2).contiguous()
    labels = torch.tensor(source.targets, dtype=torch.int64)
    return ImageData(facts, split, images, labels)
