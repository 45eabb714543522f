"""Street View House Numbers, the cropped 32x32 digits, read by torchvision.

It is imported only for files that are here, or are to be: to look for them takes their names.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tic.data.dataset import Dataset
from tic.data.facts import ImageFacts, Split
from tic.data.images import ImageData
from tic.data.locate import Wanted, locate, read_errors_explained

_FACTS = ImageFacts(
    name="svhn",
    shape=(3, 32, 32),
    num_classes=10,
    train_size=73_257,
    test_size=26_032,
    levels=255,
    mean=(0.4377, 0.4438, 0.4728),
    std=(0.1980, 0.2010, 0.1970),
    flip=False,
    crop_padding=4,
)


@dataclass(frozen=True)
class SVHN(Dataset):
    """SVHN; the file's label 10 is the digit 0 and becomes 0."""

    @property
    def facts(self) -> ImageFacts:
        """See `Dataset.facts`."""
        return _FACTS

    def load(self, split: Split, root: Path | None = None, *, download: bool = True) -> ImageData:
        """See `Dataset.load`; `root` holds `train_32x32.mat` and `test_32x32.mat`."""
        return _read(split, locate(_wanted(self.name, split), root, download=download))


def _dataset() -> Any:
    from torchvision.datasets import SVHN

    return SVHN


def _wanted(name: str, split: str) -> Wanted:
    file = f"{split}_32x32.mat"
    return Wanted(
        name=name,
        needs=file,
        holds=lambda folder: (folder / file).is_file(),
        fetch=lambda folder: _dataset()(folder, split=split, download=True),
    )


@lru_cache(maxsize=2)
def _read(split: Split, folder: Path) -> ImageData:
    with read_errors_explained(_FACTS.name, folder):
        source = _dataset()(folder, split=split)
    images = torch.from_numpy(np.ascontiguousarray(source.data))
    return ImageData(_FACTS, split, images, torch.from_numpy(source.labels))
