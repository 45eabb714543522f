"""Spoken digits, synthesised: speech that is always there, said by voices that nobody has.

`corpus` says how they were made. Bytes of `spoken_digits.xz` are whole decibels by utterance, time
bin and band, of the parts one after the other, each by speaker, word and take.
"""

from __future__ import annotations

import hashlib
import lzma
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tic.data.facts import Facts
from tic.data.speech.changes import Part, Speech, Spoken
from tic.data.speech.corpus import FEATURES, PARTS, TAKES, VARIANTS, WORDS
from tic.data.speech.mel import CURRENT_PER_DECIBEL
from tic.errors import TicError

FILE = "spoken_digits.xz"
SHA256 = "05bbfdef78f5d3d93ec559fb76fbe49017f316f796ac82b4ea748119d9d5bd35"
"""Of the unpacked bytes."""
SIZES = {part: len(VARIANTS[part]) * len(WORDS) * TAKES[part] for part in PARTS}
"""Utterances by part."""


@dataclass(frozen=True)
class SpokenDigits(Speech):
    """The digits in English and in German: 20 classes, 1,000 utterances to train, 1,000 to test.

    25 voices speak in training, 10 others in the test, and 6 more in the validation, which has 240
    utterances. An utterance has 40 bins of 12.5 ms, from its first sound on.

    Attributes:
        bands: Features per bin; 20 are means of two neighbouring ones of 40, in decibels.
    """

    bands: Literal[20, 40] = 20

    @property
    def facts(self) -> Facts:
        """See `Dataset.facts`."""
        return self.facts_of(
            "spoken-digits" if self.bands == 20 else f"spoken-digits-{self.bands}-bands",
            (FEATURES.bins, self.bands),
            len(WORDS),
            (SIZES["train"], SIZES[self.evaluated]),
        )

    def spoken(self, part: Part, root: Path | None = None) -> Spoken:
        """See `Speech.spoken`."""
        return _spoken(part, self.bands)

    def require(self, root: Path | None = None, *, download: bool = True) -> None:
        """See `Dataset.require`."""
        _decibels()


@lru_cache(maxsize=6)
def _spoken(part: Part, bands: int) -> Spoken:
    decibels = torch.from_numpy(_part(part).astype(np.float32))
    grouped = decibels.reshape(*decibels.shape[:2], bands, -1).mean(3)
    words = torch.arange(len(WORDS)).repeat_interleave(TAKES[part]).repeat(len(VARIANTS[part]))
    return Spoken(grouped * CURRENT_PER_DECIBEL, words, _who(part))


def _who(part: Part) -> Tensor:
    """Number of the speaker of every utterance, counted over all parts."""
    first = sum(len(VARIANTS[other]) for other in PARTS[: PARTS.index(part)])
    numbers = torch.arange(first, first + len(VARIANTS[part]))
    return numbers.repeat_interleave(len(WORDS) * TAKES[part])


def _part(part: Part) -> NDArray[np.uint8]:
    first = sum(SIZES[other] for other in PARTS[: PARTS.index(part)])
    return _decibels()[first : first + SIZES[part]]


@lru_cache(maxsize=1)
def _decibels() -> NDArray[np.uint8]:
    """Features of all utterances, shape (2240, 40, 40)."""
    place = files("tic.data.speech") / FILE
    shape = (sum(SIZES.values()), FEATURES.bins, FEATURES.bands)
    try:
        content = lzma.decompress(place.read_bytes())
    except (OSError, lzma.LZMAError) as error:
        raise TicError(f"{place} cannot be read ({error}); install tic again") from None
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise TicError(
            f"{place} is not the one of tic (its unpacked content has another sha256); install "
            "tic again"
        )
    return np.frombuffer(content, np.uint8).reshape(shape)
