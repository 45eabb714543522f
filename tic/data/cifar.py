"""CIFAR-10 and CIFAR-100, read by torchvision.

The published files are pickles. torchvision compares each one's MD5 with the published value before
it opens any, so a file that somebody else made is refused, not executed. It is imported only for
files that are here, or are to be: to look for them takes their names.
"""

import warnings
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tic.data.images import ImageData
from tic.data.locate import Wanted, locate, reading
from tic.data.spec import describe

FILES = {
    "cifar10": (
        "cifar-10-batches-py",
        (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta"),
    ),
    "cifar100": ("cifar-100-python", ("train", "test", "meta")),
}
"""Folder of each data set and what lies in it, as published."""


def load(
    name: str, split: str, root: Path | str | None = None, *, download: bool = True
) -> ImageData:
    """Load "cifar10" or "cifar100" (with its 100 fine labels).

    Args:
        name: "cifar10" or "cifar100".
        split: "train" (50,000 images) or "test" (10,000).
        root: the folder that holds `cifar-10-batches-py` or `cifar-100-python`; see `locate`.
        download: whether to download what is on no searched place.

    Raises:
        DataNotFoundError: the files are nowhere and cannot be downloaded.
        TicError: a file found is not the published one.
    """
    return _read(name, split, locate(_wanted(name), root, download=download))


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
def _read(name: str, split: str, folder: Path) -> ImageData:
    with reading(name, folder), warnings.catch_warnings():
        # NumPy 2.4.0 to 2.4.4 warns of how the early NumPy that pickled the batches names uint8.
        warnings.simplefilter("ignore", np.exceptions.VisibleDeprecationWarning)
        source = _dataset(name)(folder, train=split == "train")
    images = torch.from_numpy(source.data).permute(0, 3, 1, 2).contiguous()
    labels = torch.tensor(source.targets, dtype=torch.int64)
    return ImageData(describe(name), split, images, labels)
