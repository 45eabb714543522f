"""Fashion-MNIST, from torchvision's folder or from the flat one of Debian's package.

torchvision is imported only for a download. Its reader takes seconds to import, and the files are
arrays behind a short header.
"""

import gzip
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tic.data.dataset import Dataset
from tic.data.facts import ImageFacts, Split
from tic.data.images import ImageData
from tic.data.locate import Wanted, locate, read_errors_explained
from tic.errors import TicError

SYSTEM = Path("/usr/share/datasets/fashion-mnist")
LARGEST = 16 + 60_000 * 28 * 28
"""Bytes of the largest of the files, unpacked."""

# Of the unpacked files. MNIST and its other descendants use the same file names and shapes, and
# torchvision checks no unpacked file, so only the content can say which data set this is.
SHA256 = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}


_FACTS = ImageFacts(
    name="fashion-mnist",
    shape=(1, 28, 28),
    num_classes=10,
    train_size=60_000,
    test_size=10_000,
    levels=255,
    mean=(0.2860,),
    std=(0.3530,),
    flip=True,
    crop_padding=4,
)


@dataclass(frozen=True)
class FashionMNIST(Dataset):
    """Fashion-MNIST (Xiao et al. 2017)."""

    @property
    def facts(self) -> ImageFacts:
        """See `Dataset.facts`."""
        return _FACTS

    def load(self, split: Split, root: Path | None = None, *, download: bool = True) -> ImageData:
        """See `Dataset.load`.

        `root` holds the four idx files, packed or not, either itself or in `FashionMNIST/raw`.
        """
        return _read(split, locate(_wanted(self.name, split), root, download=download))


def _stems(split: str) -> tuple[str, str]:
    part = {"train": "train", "test": "t10k"}[split]
    return f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte"


def _files(folder: Path, split: str) -> list[Path]:
    """Return the images' and the labels' file, less what is not there."""
    ways = [(place, end) for place in ("FashionMNIST/raw", "") for end in ("", ".gz")]
    files = []
    for stem in _stems(split):
        candidates = (folder / place / f"{stem}{end}" for place, end in ways)
        files += [file for file in candidates if file.is_file()][:1]
    return files


def _wanted(name: str, split: str) -> Wanted:
    return Wanted(
        name=name,
        needs=f"{' and '.join(_stems(split))} (as they are or .gz, also in FashionMNIST/raw)",
        holds=lambda folder: len(_files(folder, split)) == len(_stems(split)),
        fetch=_fetch,
        system=(SYSTEM,),
        package="dataset-fashion-mnist",
    )


def _fetch(folder: Path) -> Any:
    from torchvision.datasets import FashionMNIST

    return FashionMNIST(folder, download=True)


@lru_cache(maxsize=2)
def _read(split: Split, folder: Path) -> ImageData:
    with read_errors_explained(_FACTS.name, folder):
        images_file, labels_file = _files(folder, split)
        images, labels = _parse(images_file), _parse(labels_file)
    return ImageData(_FACTS, split, images[:, None], labels.long())


def _parse(file: Path) -> Tensor:
    """Read an idx file of uint8: three bytes, the number of axes, each axis big-endian, values."""
    packed = file.suffix == ".gz"
    with gzip.open(file) if packed else file.open("rb") as source:
        # No more is unpacked than the largest file has, however much is packed.
        content = source.read(LARGEST + 1)
    stem = file.stem if packed else file.name
    if hashlib.sha256(content).hexdigest() != SHA256[stem]:
        raise TicError(
            f"{file} is not {_FACTS.name}'s (its unpacked content has another sha256); "
            "replace it or name another folder with --data"
        )
    axes = content[3]
    shape = np.frombuffer(content, ">u4", axes, offset=4).tolist()
    values = np.frombuffer(content, np.uint8, offset=4 + 4 * axes)
    return torch.from_numpy(values.reshape(shape).copy())
