"""The synthesised digits: who says what, and how `spoken_digits.xz` was made.

    python -m tic.data.speech FILE

speaks and writes them again, with eSpeak NG 1.52 of espeakng-loader 0.2.4. What is drawn is drawn
from `SEED`, each number by itself, so that no library's random stream decides. The voices' own
random numbers are those of the C library: on Linux with glibc and x86-64 every byte comes out as
before, elsewhere the audio may differ.
"""

from __future__ import annotations

import lzma
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tic.data.speech.changes import Part
from tic.data.speech.espeak import Saying, synthesiser
from tic.data.speech.mel import LogMel
from tic.seeding import derive

PARTS: tuple[Part, ...] = ("train", "validation", "test")

SEED = 2024
WORDS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    *("null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"),
)
"""By class: English first, then German."""
ACCENTS = (
    *("en", "en-us", "en-gb-scotland", "en-gb-x-gbclan"),
    *("en-gb-x-gbcwmd", "en-gb-x-rp", "en-029", "en-us-nyc"),
)
VARIANTS: dict[Part, tuple[str, ...]] = {
    "train": (
        *("klatt2", "adam", "Michael", "gustave", "john", "Andy", "Marco", "benjamin"),
        *("kaukovalta", "norbert", "shelby", "aunty", "marcelo", "ian", "anika", "Henrique"),
        *("iven", "caleb", "michel", "Annie", "Reed", "robert", "david", "m8", "linda"),
    ),
    "validation": ("pedro", "antonio", "Gene", "rob", "sandro", "Nguyen"),
    "test": ("Alex", "m5", "max", "Lee", "f5", "edward", "f2", "m1", "m4", "quincy"),
}
"""Voices by the part that they speak in, each in one alone, and of voices that are variations of
each other (such as edward and edward2) one at all. Whispers and robots are left out."""
TAKES: dict[Part, int] = {"train": 2, "validation": 2, "test": 5}
"""How often a speaker says a word."""
FEATURES = LogMel(bands=40, bins=40, hop=12.5)
_COMPRESSION = ({"id": lzma.FILTER_DELTA, "dist": 1}, {"id": lzma.FILTER_LZMA2, "preset": 9})


@dataclass(frozen=True)
class Speaker:
    """Somebody with a voice, an accent and a way to speak.

    Attributes:
        variant: Of eSpeak NG's voices.
        accent: Language of the English words.
        pitch: 25 to 75.
        rate: Words per minute, 130 to 210.
    """

    variant: str
    accent: str
    pitch: int
    rate: int


def speakers(part: Part) -> tuple[Speaker, ...]:
    """Who speaks in a part."""
    return tuple(
        Speaker(
            variant=variant,
            accent=ACCENTS[derive(SEED, f"{variant} accent") % len(ACCENTS)],
            pitch=_drawn(25, 75, f"{variant} pitch"),
            rate=_drawn(130, 210, f"{variant} rate"),
        )
        for variant in VARIANTS[part]
    )


def sayings(part: Part) -> Iterator[Saying]:
    """What is said in a part: by speaker, then by word, then by take."""
    for speaker in speakers(part):
        for number, word in enumerate(WORDS):
            for take in range(TAKES[part]):
                purpose = f"{speaker.variant} {word} {take}"
                language = speaker.accent if number < 10 else "de"
                yield Saying(
                    text=word,
                    voice=f"{language}+{speaker.variant}",
                    rate=round(speaker.rate * _drawn(85, 115, f"{purpose} rate") / 100),
                    pitch=speaker.pitch + _drawn(-10, 10, f"{purpose} pitch"),
                    range=_drawn(20, 80, f"{purpose} range"),
                    seed=_drawn(1, 2**31 - 2, f"{purpose} voice"),
                )


def _drawn(lowest: int, highest: int, purpose: str) -> int:
    return lowest + derive(SEED, purpose) % (highest - lowest + 1)


def made() -> Iterator[NDArray[np.uint8]]:
    """Speak all parts and form features, one utterance after the other.

    Voices keep something of what they said before, so only a process that has not yet spoken says
    the same again.

    Returns:
        Whole decibels in [0, 80] by bin and band, shape (40, 40).

    Raises:
        TicError: espeakng-loader is not installed, or lacks a voice.
    """
    with synthesiser() as voices:
        for part in PARTS:
            for saying in sayings(part):
                yield whole_decibels(voices.say(saying))


def whole_decibels(audio: NDArray[np.int16]) -> NDArray[np.uint8]:
    """Features of one utterance, rounded, shape (40, 40); silence around it is cut off first."""
    loud = np.abs(audio.astype(np.int64))
    (voiced,) = np.nonzero(loud * 100 > loud.max())
    spoken = audio[voiced[0] : voiced[-1] + 1].astype(np.float64)
    return np.rint(FEATURES.decibels(spoken)).astype(np.uint8)


def write(path: Path) -> None:
    """Make all utterances and write them, one after the other, as bytes in xz."""
    content = b"".join(features.tobytes() for features in made())
    path.write_bytes(lzma.compress(content, filters=_COMPRESSION))
