"""Data sets of event cameras that lie in files which the user brings: none can be downloaded here.

Each is looked for in a folder of its name, as `Dataset.load` says, and every recording gives one
sequence of frames, from its first event on.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from tic.data.dataset import Dataset
from tic.data.events.formats import READERS, read_aedat3
from tic.data.events.recording import Events, Sensor, frames_by_count, frames_by_time, window
from tic.data.facts import Facts, Split
from tic.data.locate import Wanted, locate
from tic.data.samples import Samples
from tic.errors import TicError
from tic.text import quoted

Recorded = tuple[Events, int]
_LARGEST_LIST = 2**20


@dataclass(frozen=True)
class Recordings(Dataset):
    """A data set of recordings in files.

    Attributes:
        timesteps: Number of frames T.
        duration: Of a frame in microseconds; with None frames of one recording have as many events
            each.
        cell: Pixels on each side of the squares that are summed.

    Raises:
        TicError: A number is below 1.
    """

    timesteps: int = 60
    duration: int | None = 15_000
    cell: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("timesteps", "duration", "cell"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise TicError(f"{name} must be at least 1, got {value}")

    @property
    def label(self) -> str:
        """See `Kind.label`."""
        return self.facts.name

    @property
    @abstractmethod
    def sensor(self) -> Sensor:
        """Whose the recordings are."""

    @property
    @abstractmethod
    def needs(self) -> str:
        """What its folder holds and where that comes from, for the error where it lacks."""

    @abstractmethod
    def holds(self, folder: Path) -> bool:
        """Whether a folder holds it."""

    @abstractmethod
    def read(self, folder: Path, split: Split) -> Iterator[Recorded]:
        """Read the recordings of a split, and their classes, in an order that never changes."""

    def frames(self, events: Events) -> NDArray[np.float32]:
        """Frames of a recording, shape (T, 2, H, W)."""
        if self.duration is None:
            return frames_by_count(events, self.timesteps, cell=self.cell)
        return frames_by_time(events, self.timesteps, self.duration, cell=self.cell)

    def facts_of(self, name: str, classes: int, train: int, test: int) -> Facts:
        """Facts of its frames."""
        return Facts(
            name=name,
            shape=(self.timesteps, 2, *self.sensor.cells(self.cell)),
            num_classes=classes,
            train_size=train,
            test_size=test,
            noun="recordings",
        )

    def load(self, split: Split, root: Path | None = None, *, download: bool = True) -> Samples:
        """See `Dataset.load`."""
        return _loaded(self, split, self._folder(root))

    def require(self, root: Path | None = None, *, download: bool = True) -> None:
        """See that its folder is there; its files are read when a split is loaded."""
        self._folder(root)

    def _folder(self, root: Path | None) -> Path:
        name = self.facts.name
        wanted = Wanted(
            name=name,
            needs=self.needs,
            holds=lambda place: self.holds(place / name) or self.holds(place),
            fetch=None,
        )
        place = locate(wanted, root)
        return place / name if self.holds(place / name) else place


@lru_cache(maxsize=2)
def _loaded(dataset: Recordings, split: Split, folder: Path) -> Samples:
    frames, labels = [], []
    for events, label in dataset.read(folder, split):
        frames.append(torch.from_numpy(dataset.frames(events)))
        labels.append(label)
    size = dataset.facts.size(split)
    if len(frames) != size:
        raise TicError(
            f"{dataset.name} must have {size} recordings to {split}, got {len(frames)} in "
            f"{folder}; bring all of them, or say how many there are where the data set has a "
            "field for it"
        )
    return Samples(dataset.facts, split, torch.stack(frames), torch.tensor(labels))


@dataclass(frozen=True)
class DVSGesture(Recordings):
    """DVS128 Gesture (Amir et al., CVPR 2017): 11 gestures in AEDAT 3.1, split by its own lists."""

    @property
    def facts(self) -> Facts:
        """See `Dataset.facts`."""
        whole = "-whole" if self.cell == 1 else ""
        return self.facts_of(f"dvs-gesture{whole}", 11, 1176, 288)

    @property
    def sensor(self) -> Sensor:
        """See `Recordings.sensor`."""
        return Sensor(128, 128)

    @property
    def needs(self) -> str:
        """See `Recordings.needs`."""
        return (
            "trials_to_train.txt, trials_to_test.txt and the .aedat and _labels.csv files that "
            "they name, of DvsGesture.tar.gz from https://research.ibm.com/interactive/dvsgesture/"
        )

    def holds(self, folder: Path) -> bool:
        """See `Recordings.holds`."""
        return all((folder / f"trials_to_{part}.txt").is_file() for part in ("train", "test"))

    def read(self, folder: Path, split: Split) -> Iterator[Recorded]:
        """See `Recordings.read`."""
        for name in _lines(folder / f"trials_to_{split}.txt"):
            if not name.endswith(".aedat") or "/" in name or "\\" in name:
                raise TicError(
                    f"{folder}/trials_to_{split}.txt must name .aedat files beside it, got {name!r}"
                )
            whole = read_aedat3(folder / name, self.sensor)
            table = folder / f"{name.removesuffix('.aedat')}_labels.csv"
            for number, line in enumerate(_lines(table)[1:], start=2):
                label, start, end = _trial(table, number, line)
                yield window(whole, start, end - start), label - 1


def _lines(path: Path) -> list[str]:
    try:
        with path.open("rb") as source:
            content = source.read(_LARGEST_LIST + 1)
        if len(content) > _LARGEST_LIST:
            raise TicError(f"{path} must have at most {_LARGEST_LIST} bytes, got more")
        return [line.strip() for line in content.decode("ascii").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise TicError(f"{path} cannot be read ({error})") from None


def _trial(path: Path, number: int, line: str) -> tuple[int, int, int]:
    """Class from 1 to 11, start and end in microseconds."""
    fields = line.split(",")
    if len(fields) == 3 and all(field.strip().isdecimal() for field in fields):
        label, start, end = (int(field[:18]) for field in fields)
        if 1 <= label <= 11 and start < end:
            return label, start, end
    raise TicError(
        f"line {number} of {path} must be a class from 1 to 11, a start and a later end, got "
        f"{line!r}"
    )


@dataclass(frozen=True)
class Foldered(Recordings):
    """Recordings in a folder per class, one file each: `.aedat` (2.0), `.npy`, `.npz` or `.txt`.

    Classes are numbered in the order of their names.
    """

    def splits(self, folder: Path, split: Split) -> Path:
        """The folder with the classes of a split."""
        return folder / split

    def part(self, files: list[Path], split: Split) -> list[Path]:
        """Those files of a class that belong to a split."""
        return files

    def holds(self, folder: Path) -> bool:
        """See `Recordings.holds`."""
        both = (self.splits(folder, "train"), self.splits(folder, "test"))
        return all(place.is_dir() and any(_classes(place)) for place in both)

    def read(self, folder: Path, split: Split) -> Iterator[Recorded]:
        """See `Recordings.read`."""
        place = self.splits(folder, split)
        classes = list(_classes(place))
        if len(classes) != self.facts.num_classes:
            raise TicError(
                f"{place} must have {self.facts.num_classes} folders, one per class, got "
                f"{len(classes)}"
            )
        other = self.splits(folder, "test" if split == "train" else "train")
        lone = {named.name for named in classes} ^ {named.name for named in _classes(other)}
        if lone:
            raise TicError(
                f"{place} and {other} must have folders of the same names, since classes are "
                f"numbered in their order, got {quoted(min(lone))} in one of them alone; rename or "
                "remove it"
            )
        for label, named in enumerate(classes):
            files = sorted(file for file in named.iterdir() if file.suffix in READERS)
            for file in self.part(files, split):
                yield READERS[file.suffix](file, self.sensor), label


def _classes(folder: Path) -> Iterator[Path]:
    return iter(sorted(place for place in folder.iterdir() if place.is_dir()))


@dataclass(frozen=True)
class DVSGait(Foldered):
    """DVS128 Gait (Wang et al., CVPR 2019): 20 people walk by, by day or by night.

    Attributes:
        light: Which of the two.
        recordings: As many as there are to train and to test.
    """

    light: Literal["day", "night"] = "day"
    recordings: tuple[int, int] = (2000, 2000)

    @property
    def facts(self) -> Facts:
        """See `Dataset.facts`."""
        return self.facts_of(f"gait-{self.light}", 20, *self.recordings)

    @property
    def sensor(self) -> Sensor:
        """See `Recordings.sensor`."""
        return Sensor(128, 128)

    @property
    def needs(self) -> str:
        """See `Recordings.needs`."""
        return (
            f"a folder gait-{self.light} with train and test, in each a folder per person with one "
            "file per recording, .txt or .npy with t, x, y and p; ask the authors of EV-Gait "
            "(https://github.com/zhangxiann/TPAMI_Gait_Identification), and turn pickles into such"
        )


@dataclass(frozen=True)
class HARDVS(Foldered):
    """HAR-DVS (Wang et al., AAAI 2024): 300 activities.

    Attributes:
        recordings: As many as there are to train and to test.
    """

    timesteps: int = 8
    duration: int | None = None
    cell: int = 2
    recordings: tuple[int, int] = (64_526, 32_386)

    @property
    def facts(self) -> Facts:
        """See `Dataset.facts`."""
        return self.facts_of("har-dvs", 300, *self.recordings)

    @property
    def sensor(self) -> Sensor:
        """See `Recordings.sensor`."""
        return Sensor(260, 346)

    @property
    def needs(self) -> str:
        """See `Recordings.needs`."""
        return (
            "a folder har-dvs with train and test, in each a folder per activity with one .npz "
            "file per recording that holds t, x, y and p; its compact event files are linked at "
            "https://github.com/Event-AHU/HARDVS"
        )


@dataclass(frozen=True)
class DailyAction(Foldered):
    """DailyAction-DVS (Liu et al., IJCAI 2021): 12 actions, AEDAT 2.0 of a DAVIS346.

    The first 96 of the 120 recordings of an action, by name, are to train.
    """

    timesteps: int = 36
    duration: int | None = 120_000
    cell: int = 2

    @property
    def facts(self) -> Facts:
        """See `Dataset.facts`."""
        return self.facts_of("daily-action", 12, 1152, 288)

    @property
    def sensor(self) -> Sensor:
        """See `Recordings.sensor`."""
        return Sensor(260, 346)

    @property
    def needs(self) -> str:
        """See `Recordings.needs`."""
        return (
            "a folder daily-action with a folder per action of 120 .aedat files each; ask the "
            "authors of the paper (https://doi.org/10.24963/ijcai.2021/240)"
        )

    def splits(self, folder: Path, split: Split) -> Path:
        """See `Foldered.splits`."""
        return folder

    def part(self, files: list[Path], split: Split) -> list[Path]:
        """See `Foldered.part`."""
        cut = len(files) * 4 // 5
        return files[:cut] if split == "train" else files[cut:]
