"""The 1,797 handwritten digits, 8x8, that come with scikit-learn: real data without a download."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from tic.data.images import ImageData
from tic.data.spec import describe

_EVERY = 5


def load(
    name: str, split: str, root: Path | str | None = None, *, download: bool = True
) -> ImageData:
    """Load the digits; `root` and `download` do not matter, as scikit-learn brings the images.

    The split is fixed. With the images sorted by class, and within a class by their place in
    scikit-learn's file, every fifth from the first on is a test image: 1,437 train and 360 test,
    each class in proportion.

    Args:
        name: "digits".
        split: "train" or "test".
        root: not used.
        download: not used.
    """
    return _read(name, split)


@lru_cache(maxsize=2)
def _read(name: str, split: str) -> ImageData:
    from sklearn.datasets import load_digits

    source = load_digits()
    by_class = np.argsort(source.target, kind="stable")
    in_test = np.zeros(len(by_class), dtype=bool)
    in_test[by_class[::_EVERY]] = True
    chosen = in_test if split == "test" else ~in_test
    images = torch.from_numpy(source.images[chosen].astype(np.uint8))
    labels = torch.from_numpy(source.target[chosen].astype(np.int64))
    return ImageData(describe(name), split, images[:, None], labels)
