"""What is known of a data set before anything is read; plans and models are built from it."""

from dataclasses import dataclass
from typing import Literal

from tic.errors import TicError

Split = Literal["train", "test"]
SPLITS: tuple[Split, ...] = ("train", "test")


@dataclass(frozen=True, order=True)
class Subset:
    """So many of the samples of one split, the first of a fixed permutation.

    Attributes:
        data: label of the data set.
        noun: what its samples are called.
        split: of it.
        size: samples in the subset.
        available: samples in the split, or those that a training took of it.
    """

    data: str
    noun: str
    split: Split
    size: int
    available: int


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The fixed facts of one data set.

    Attributes:
        name: as on the command line and in reports.
        shape: of one sample, without the batch axis: `(C, H, W)`, `(T, F)`, `(F,)`, …
        num_classes: K; labels run from 0 to K - 1.
        train_size: samples in the whole training split.
        test_size: samples in the whole test split.
        noun: what its samples are called.
        informative: whether samples of the training split tell of their labels. Where they do not,
            as with permuted labels, a training that ends in guessing has not failed.

    Raises:
        TicError: a size is below 1, or there are fewer than two classes.
    """

    name: str
    shape: tuple[int, ...]
    num_classes: int
    train_size: int
    test_size: int
    noun: str = "samples"
    informative: bool = True

    def __post_init__(self) -> None:
        if self.num_classes < 2:
            raise TicError(f"{self.name} must have at least 2 classes, got {self.num_classes}")
        for size in (*self.shape, self.train_size, self.test_size):
            if type(size) is not int or size < 1:
                raise TicError(
                    f"the shape and the sizes of {self.name} must be whole numbers of at least 1, "
                    f"got {self.shape}, {self.train_size} and {self.test_size}"
                )

    def size(self, split: Split) -> int:
        """Number of samples in a whole split."""
        return self.train_size if split == "train" else self.test_size


@dataclass(frozen=True, kw_only=True)
class ImageFacts(Facts):
    """The fixed facts of a data set of images, whose shape is (C, H, W).

    Attributes:
        levels: the raw value that means white; raw values are whole numbers in [0, levels].
        mean: per channel, of the pixels in [0, 1].
        std: per channel, what a model divides by after taking off the mean.
        flip: whether mirroring left and right keeps the label.
        crop_padding: pixels of black added on each side before a random crop.

    Raises:
        TicError: as `Facts`, or shape, mean and std do not belong together.
    """

    noun: str = "images"
    levels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    flip: bool
    crop_padding: int

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.shape) != 3:
            raise TicError(f"{self.name} must have images of the shape (C, H, W), got {self.shape}")
        if not len(self.mean) == len(self.std) == self.channels:
            raise TicError(
                f"{self.name} must have a mean and a std per channel, got {len(self.mean)} and "
                f"{len(self.std)} for {self.channels}"
            )

    @property
    def channels(self) -> int:
        """C."""
        return self.shape[0]

    @property
    def height(self) -> int:
        """H in pixels."""
        return self.shape[1]

    @property
    def width(self) -> int:
        """W in pixels."""
        return self.shape[2]


def subset_size(wanted: int | None, available: int) -> int | None:
    """Return how many samples to take, None for all: asking for too many is asking for all."""
    return wanted if wanted is not None and wanted < available else None
