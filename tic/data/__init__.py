"""Data sets: what is known of each (`SPECS`), `require` to look for one, `load` for its images.

torchvision and scikit-learn are imported only when a data set of theirs is loaded.
"""

from functools import lru_cache
from pathlib import Path

from tic.data import cifar, digits, fashion_mnist, svhn
from tic.data.images import Batches, ImageData, ShuffledBatches
from tic.data.spec import NAMES, SPECS, SPLITS, DataSpec, describe
from tic.errors import TicError

__all__ = [
    "NAMES",
    "SPECS",
    "Batches",
    "DataSpec",
    "ImageData",
    "ShuffledBatches",
    "describe",
    "load",
    "require",
]

_LOADERS = {
    "cifar10": cifar.load,
    "cifar100": cifar.load,
    "digits": digits.load,
    "fashion-mnist": fashion_mnist.load,
    "svhn": svhn.load,
}
_INSTALLED = {"digits"}
"""Part of a library that is always there; they cannot be missing or damaged by themselves."""


def load(
    name: str,
    split: str,
    root: Path | str | None = None,
    *,
    size: int | None = None,
    download: bool = True,
) -> ImageData:
    """Load one split of a data set; a second call in the same process reads nothing again.

    Args:
        name: one of `NAMES`.
        split: "train" or "test".
        root: the folder to search first and to download into; then come `$TIC_DATA`, the system's
            folders and the user's cache.
        size: how many images, balanced over the classes (see `ImageData.take`); None for all.
        download: whether to download a data set that is not on this machine.

    Raises:
        DataNotFoundError: the data set is nowhere and cannot be downloaded.
        TicError: an unknown name or split, a size that the split cannot give, or damaged files.
    """
    describe(name)
    if split not in SPLITS:
        raise TicError(f"split must be 'train' or 'test', got {split!r}")
    data = _LOADERS[name](name, split, root, download=download)
    return data if size is None else _take(data, size)


def require(name: str, root: Path | str | None = None, *, download: bool = True) -> None:
    """See that both splits of a data set are there and whole.

    Raises:
        DataNotFoundError: one is nowhere and cannot be downloaded.
        TicError: an unknown name, or damaged files.
    """
    describe(name)
    if name not in _INSTALLED:
        for split in SPLITS:
            load(name, split, root, download=download)


@lru_cache(maxsize=8)
def _take(data: ImageData, size: int) -> ImageData:
    return data.take(size)
