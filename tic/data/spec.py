"""What is known of each data set before anything is read; plans and models are built from it.

Image batches are `(B, C, H, W)` everywhere, in pixel space [0, 1].
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tic.errors import TicError


@dataclass(frozen=True)
class DataSpec:
    """The fixed facts of one data set.

    Attributes:
        name: as on the command line.
        num_classes: K; labels run from 0 to K - 1.
        channels: C.
        height: H in pixels.
        width: W in pixels.
        levels: the raw value that means white; raw values are whole numbers in [0, levels].
        mean: per channel, of the pixels in [0, 1].
        std: per channel, what a model divides by after taking off the mean.
        flip: whether mirroring left and right keeps the label.
        crop_padding: pixels of black added on each side before a random crop.
        train_size: images in the whole training split.
        test_size: images in the whole test split.
    """

    name: str
    num_classes: int
    channels: int
    height: int
    width: int
    levels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    flip: bool
    crop_padding: int
    train_size: int
    test_size: int


_SPECS = (
    # The paper's release normalises with these; its std is the mean of the images' own
    # standard deviations, so the normalised training set has a spread of about 1.2, not 1.
    DataSpec(
        name="cifar10",
        num_classes=10,
        channels=3,
        height=32,
        width=32,
        levels=255,
        mean=(0.4913, 0.4821, 0.4465),
        std=(0.2023, 0.1994, 0.2010),
        flip=True,
        crop_padding=4,
        train_size=50_000,
        test_size=10_000,
    ),
    DataSpec(
        name="cifar100",
        num_classes=100,
        channels=3,
        height=32,
        width=32,
        levels=255,
        mean=(0.5071, 0.4867, 0.4408),
        std=(0.2675, 0.2565, 0.2761),
        flip=True,
        crop_padding=4,
        train_size=50_000,
        test_size=10_000,
    ),
    # Measured on the training split that tic.data.digits defines.
    DataSpec(
        name="digits",
        num_classes=10,
        channels=1,
        height=8,
        width=8,
        levels=16,
        mean=(0.3058,),
        std=(0.3762,),
        flip=False,
        crop_padding=1,
        train_size=1437,
        test_size=360,
    ),
    DataSpec(
        name="fashion-mnist",
        num_classes=10,
        channels=1,
        height=28,
        width=28,
        levels=255,
        mean=(0.2860,),
        std=(0.3530,),
        flip=True,
        crop_padding=4,
        train_size=60_000,
        test_size=10_000,
    ),
    DataSpec(
        name="svhn",
        num_classes=10,
        channels=3,
        height=32,
        width=32,
        levels=255,
        mean=(0.4377, 0.4438, 0.4728),
        std=(0.1980, 0.2010, 0.1970),
        flip=False,
        crop_padding=4,
        train_size=73_257,
        test_size=26_032,
    ),
)

SPECS: Mapping[str, DataSpec] = MappingProxyType({spec.name: spec for spec in _SPECS})
NAMES: tuple[str, ...] = tuple(SPECS)
SPLITS: tuple[str, ...] = ("train", "test")


def describe(name: str) -> DataSpec:
    """Return the facts of one data set; reads no data.

    Raises:
        TicError: there is no data set of this name.
    """
    if name not in SPECS:
        raise TicError(f"unknown data set {name!r}; known: {', '.join(NAMES)}")
    return SPECS[name]


def subset_size(wanted: int | None, available: int) -> int | None:
    """Return how many images to take, None for all: asking for too many is asking for all."""
    return wanted if wanted is not None and wanted < available else None
