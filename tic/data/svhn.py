"""Street View House Numbers, the cropped 32x32 digits, read by torchvision.

It is imported only for files that are here, or are to be: to look for them takes their names.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tic.data.images import ImageData
from tic.data.locate import Wanted, locate, reading
from tic.data.spec import describe


def load(
    name: str, split: str, root: Path | str | None = None, *, download: bool = True
) -> ImageData:
    """Load SVHN; the file's label 10 is the digit 0 and becomes 0.

    Args:
        name: "svhn".
        split: "train" (73,257 images) or "test" (26,032).
        root: the folder that holds `train_32x32.mat` and `test_32x32.mat`; see `locate`.
        download: whether to download what is on no searched place.

    Raises:
        DataNotFoundError: the files are nowhere and cannot be downloaded.
        TicError: a file found is not the published one.
    """
    return _read(name, split, locate(_wanted(name, split), root, download=download))


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
def _read(name: str, split: str, folder: Path) -> ImageData:
    with reading(name, folder):
        source = _dataset()(folder, split=split)
    images = torch.from_numpy(np.ascontiguousarray(source.data))
    return ImageData(describe(name), split, images, torch.from_numpy(source.labels))
