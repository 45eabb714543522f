"""The Heidelberg Digits (Cramer et al., IEEE TNNLS 2022), from files that the user brings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from tic.data.facts import SPLITS, Facts, Split
from tic.data.locate import Wanted, locate
from tic.data.speech.audio import read_audio
from tic.data.speech.changes import Part, Speech, Spoken
from tic.data.speech.mel import CURRENT_PER_DECIBEL, LogMel, Numbers
from tic.errors import TicError
from tic.files import read_whole
from tic.text import quoted

DIGITS = 10
LANGUAGES = ("english", "german")
LARGEST_LIST = 2**22
"""Bytes of a list: those of the data set have some hundred thousand."""
_NAME = re.compile(
    r"lang-(english|german)_speaker-(\d{1,4})_trial-(\d{1,6})_digit-(\d)\.(?:flac|wav)"
)
_RELEASE = LogMel()


class _Recording(NamedTuple):
    name: str
    label: int
    speaker: int


@dataclass(frozen=True)
class HeidelbergDigits(Speech):
    """The digits in English and in German by twelve people: 20 classes, English first.

    The folder `heidelberg-digits` has `train_filenames.txt` and `test_filenames.txt`, one name of a
    FLAC or WAV file a line, and the files, beside the lists or in a folder `audio`. As published,
    some speakers are in both lists and others in the test list alone.

    Attributes:
        features: How they are made.
        held_out: Numbers of training speakers whose training recordings are left out, and are what
            `evaluated="validation"` holds.
        recordings: As many as there are to train, without those left out, to test, and of those who
            are held out.

    Raises:
        TicError: A validation is asked for, and nobody is held out, or none of their recordings.
    """

    features: LogMel = _RELEASE
    held_out: tuple[int, ...] = ()
    recordings: tuple[int, int, int] = (8156, 2264, 0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.evaluated == "validation" and not self.held_out:
            raise TicError(
                "a validation needs speakers who are held out, got none; name some in held_out"
            )
        if self.evaluated == "validation" and self._size("validation") < 1:
            raise TicError(
                f"a validation needs recordings, got {self._size('validation')}; say in the third "
                "number of recordings how many those who are held out have"
            )

    @property
    def facts(self) -> Facts:
        """See `Dataset.facts`."""
        held = "".join(f"-without-{speaker}" for speaker in self.held_out)
        return self.facts_of(
            f"heidelberg-digits{held}",
            (self.features.bins, self.features.bands),
            DIGITS * len(LANGUAGES),
            (self._size("train"), self._size(self.evaluated)),
        )

    def spoken(self, part: Part, root: Path | None = None) -> Spoken:
        """See `Speech.spoken`."""
        folder = _folder(root)
        recordings = list(self._part(part, folder))
        size = self._size(part)
        if len(recordings) != size:
            raise TicError(
                f"{self.name} must have {size} recordings for {part}, got {len(recordings)} in "
                f"{folder}; bring all of them, or say how many there are in the field recordings"
            )
        return _read(self.features, tuple(recordings), folder)

    def _size(self, part: Part) -> int:
        train, test, validation = self.recordings
        return {"train": train, "test": test, "validation": validation}[part]

    def require(self, root: Path | None = None, *, download: bool = True) -> None:
        """See that its folder is there and its lists are sound; audio is read by `load`."""
        _lists(_folder(root))

    def _part(self, part: Part, folder: Path) -> Iterator[_Recording]:
        lists = _lists(folder)
        trained = {recording.speaker for recording in lists["train"]}
        if unknown := sorted(set(self.held_out) - trained):
            raise TicError(
                f"speakers who are held out must be in the training list, and {unknown} are not; "
                f"it has {sorted(trained)}"
            )
        for recording in lists["test" if part == "test" else "train"]:
            held_out = recording.speaker in self.held_out
            if part == "test" or held_out == (part == "validation"):
                yield recording


def _folder(root: Path | None) -> Path:
    name = "heidelberg-digits"
    wanted = Wanted(
        name=name,
        needs=(
            "a folder heidelberg-digits with train_filenames.txt, test_filenames.txt and the "
            "audio files that they name, of hd_audio.tar.gz from "
            "https://zenkelab.org/datasets/"
        ),
        holds=lambda place: _holds(place / name) or _holds(place),
        fetch=None,
    )
    place = locate(wanted, root)
    return place / name if _holds(place / name) else place


def _holds(folder: Path) -> bool:
    return all((folder / f"{split}_filenames.txt").is_file() for split in SPLITS)


def _lists(folder: Path) -> dict[Split, list[_Recording]]:
    """Recordings of both lists, in their order."""
    lists = {split: _listed(folder / f"{split}_filenames.txt") for split in SPLITS}
    seen: set[str] = set()
    for split, recordings in lists.items():
        for recording in recordings:
            if recording.name in seen:
                raise TicError(
                    f"a recording must be listed once, and {recording.name} in "
                    f"{folder}/{split}_filenames.txt was listed before; leave it out of one place"
                )
            seen.add(recording.name)
    train, test = ({recording.speaker for recording in lists[split]} for split in SPLITS)
    if test <= train:
        raise TicError(
            f"the test list must have a speaker that the training list lacks, and all of "
            f"{sorted(test)} are in both in {folder}; are these the lists of the data set?"
        )
    return lists


def _listed(path: Path) -> list[_Recording]:
    try:
        lines = read_whole(path, LARGEST_LIST).decode("ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise TicError(f"{path} cannot be read ({error})") from None
    recordings = []
    for number, line in enumerate(lines, start=1):
        if not (name := line.strip()):
            continue
        if (match := _NAME.fullmatch(name)) is None:
            raise TicError(
                f"line {number} of {path} must be a name such as "
                f"lang-english_speaker-00_trial-12_digit-5.flac, got {quoted(name)}"
            )
        label = LANGUAGES.index(match[1]) * DIGITS + int(match[4])
        recordings.append(_Recording(name, label, int(match[2])))
    if not recordings:
        raise TicError(f"{path} must name recordings, got none")
    return recordings


@lru_cache(maxsize=3)
def _read(features: LogMel, recordings: tuple[_Recording, ...], folder: Path) -> Spoken:
    currents = np.zeros((len(recordings), features.bins, features.bands), np.float32)
    for row, recording in zip(currents, recordings, strict=True):
        row[:] = _features(features, _place(folder, recording.name))
    return Spoken(
        torch.from_numpy(currents * np.float32(CURRENT_PER_DECIBEL)),
        torch.tensor([recording.label for recording in recordings]),
        torch.tensor([recording.speaker for recording in recordings]),
    )


def _place(folder: Path, name: str) -> Path:
    beside = folder / name
    return beside if beside.is_file() else folder / "audio" / name


def _features(features: LogMel, path: Path) -> Numbers:
    audio = read_audio(path, features.rate)
    try:
        return features.decibels(audio)
    except TicError as error:
        raise TicError(f"{path} is no sound recording of speech: {error}") from None
