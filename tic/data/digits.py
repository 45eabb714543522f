"""The 1,797 handwritten digits, 8x8, that come with scikit-learn: real data without a download."""

from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from tic.data.dataset import Dataset
from tic.data.facts import ImageFacts, Split
from tic.data.images import ImageData

_EVERY = 5
# Mean and standard deviation were measured on the training split below.
_FACTS = ImageFacts(
    name="digits",
    shape=(1, 8, 8),
    num_classes=10,
    train_size=1437,
    test_size=360,
    levels=16,
    mean=(0.3058,),
    std=(0.3762,),
    flip=False,
    crop_padding=1,
)


@dataclass(frozen=True)
class Digits(Dataset):
    """The digits, which are always there.

    The split is fixed. With the images sorted by class, and within a class by their place in
    scikit-learn's file, every fifth from the first on is a test image: 1,437 train and 360 test,
    each class in proportion.
    """

    @property
    def facts(self) -> ImageFacts:
        """See `Dataset.facts`."""
        return _FACTS

    def load(self, split: Split, root: Path | None = None, *, download: bool = True) -> ImageData:
        """See `Dataset.load`; `root` and `download` do not matter."""
        return _read(split)

    def require(self, root: Path | None = None, *, download: bool = True) -> None:
        """Part of a library that is always there; they cannot be missing or damaged alone."""


@lru_cache(maxsize=2)
def _read(split: Split) -> ImageData:
    rows = _rows()
    pixels, target = rows[:, :-1], rows[:, -1]
    by_class = np.argsort(target, kind="stable")
    in_test = np.zeros(len(by_class), dtype=bool)
    in_test[by_class[::_EVERY]] = True
    chosen = in_test if split == "test" else ~in_test
    images = torch.from_numpy(pixels[chosen].astype(np.uint8)).view(-1, *_FACTS.shape)
    labels = torch.from_numpy(target[chosen])
    return ImageData(_FACTS, split, images, labels)


@lru_cache(maxsize=1)
def _rows() -> NDArray[np.int64]:
    """The rows of scikit-learn's file, (1797, 65): pixels and, at the end, the digit.

    To import scikit-learn takes longer than all else that comes before a training, so its file is
    read where it lies as expected.
    """
    spec = find_spec("sklearn")
    folders = spec.submodule_search_locations if spec else None
    files = (Path(folder, "datasets", "data", "digits.csv.gz") for folder in folders or ())
    if file := next((file for file in files if file.is_file()), None):
        return np.loadtxt(file, delimiter=",", dtype=np.int64)
    from sklearn.datasets import load_digits

    source = load_digits()
    return np.column_stack([source.data, source.target]).astype(np.int64)
