"""Data sets: `Dataset` is the kind, `Samples` a split in memory; those that tic brings by name.

torchvision and scikit-learn are imported only when a data set of theirs is loaded.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from tic.data.augment import Augmentation, CropFlip
from tic.data.cifar import CIFAR10, CIFAR100
from tic.data.dataset import Dataset, load_whole
from tic.data.digits import Digits
from tic.data.facts import SPLITS, Facts, ImageFacts, Split
from tic.data.fashion_mnist import FashionMNIST
from tic.data.images import ImageData
from tic.data.samples import Batches, Samples, ShuffledBatches, padded
from tic.data.svhn import SVHN
from tic.errors import TicError, require_known

__all__ = [
    "CIFAR10",
    "CIFAR100",
    "DATASETS",
    "SVHN",
    "Augmentation",
    "Batches",
    "CropFlip",
    "Dataset",
    "Digits",
    "Facts",
    "FashionMNIST",
    "ImageData",
    "ImageFacts",
    "Samples",
    "ShuffledBatches",
    "Split",
    "load",
    "padded",
]

DATASETS: Mapping[str, Dataset] = MappingProxyType(
    {dataset.name: dataset for dataset in (CIFAR10(), CIFAR100(), Digits(), FashionMNIST(), SVHN())}
)
"""The data sets that tic brings, by name."""


def load(
    dataset: Dataset | str,
    split: Split,
    root: Path | None = None,
    *,
    size: int | None = None,
    download: bool = True,
) -> Samples:
    """Load one split of a data set, and see that it is what its facts say.

    Args:
        dataset: a data set, or the name of one in `DATASETS`.
        split: "train" or "test".
        root: the folder to search first and to download into; then come `$TIC_DATA`, the system's
            folders and the user's cache.
        size: how many samples, balanced over the classes (see `Samples.take`); None for all.
        download: whether to download a data set that is not on this machine.

    Raises:
        DataNotFoundError: the data set is nowhere and cannot be downloaded.
        TicError: an unknown name or split, a size that the split cannot give, damaged files, or
            samples that are not what the facts say.
    """
    if isinstance(dataset, str):
        require_known("data set", dataset, DATASETS)
        dataset = DATASETS[dataset]
    if split not in SPLITS:
        raise TicError(f"split must be 'train' or 'test', got {split!r}")
    samples = load_whole(dataset, split, root, download=download)
    return samples if size is None else _take(samples, size)


@lru_cache(maxsize=8)
def _take(samples: Samples, size: int) -> Samples:
    return samples.take(size)
