"""eSpeak NG's voices, of the package espeakng-loader: speech as samples, the same every time.

eSpeak NG is free software under the GPL, version 3 or later. It is no part of tic: only who makes
the spoken digits again installs it and calls it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tic.errors import TicError

RATE = 22_050
"""Samples per second of all its voices."""
_SYNCHRONOUS = 2
_NO_EXIT = 1 << 15
_UTF8 = 1
_RATE, _PITCH, _RANGE = 1, 3, 4
_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


@dataclass(frozen=True)
class Saying:
    """What is said, and how.

    Attributes:
        text: Words.
        voice: A language with a variant, such as `en-us+f2`.
        rate: Words per minute, from 80.
        pitch: 0 to 99.
        range: Of the pitch, 0 to 99.
        seed: Of the random numbers that most variants use.
    """

    text: str
    voice: str
    rate: int
    pitch: int
    range: int
    seed: int


class Synthesiser:
    """The library, once it is initialised; see `synthesiser`."""

    def __init__(self, library: Any, data: Path) -> None:
        self._library = library
        self._variants = frozenset(file.name for file in (data / "voices" / "!v").iterdir())
        self._parts: list[NDArray[np.int16]] = []
        self._callback = _CALLBACK(self._collect)  # kept here, since the library keeps no reference
        library.espeak_SetSynthCallback(self._callback)

    def _collect(self, samples: Any, count: int, _: Any) -> int:
        if samples and count > 0:
            self._parts.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    def say(self, saying: Saying) -> NDArray[np.int16]:
        """Speak.

        Returns:
            Samples at `RATE`, shape (N,).

        Raises:
            TicError: There is no such voice, or nothing was said.
        """
        library, self._parts = self._library, []
        # Of a variant that it lacks it says nothing, and speaks without.
        known = saying.voice.partition("+")[2] in {"", *self._variants}
        if library.espeak_SetVoiceByName(saying.voice.encode()) or not known:
            raise TicError(f"eSpeak NG has no voice {saying.voice!r}; name one of its own")
        values = ((_RATE, saying.rate), (_PITCH, saying.pitch), (_RANGE, saying.range))
        for parameter, value in values:
            library.espeak_SetParameter(parameter, value, 0)
        library.espeak_ng_SetRandSeed(ctypes.c_long(saying.seed))
        text = saying.text.encode()
        library.espeak_Synth(text, len(text) + 1, 0, 0, 0, _UTF8, None, None)
        library.espeak_Synchronize()
        if not any(part.any() for part in self._parts):
            raise TicError(f"eSpeak NG said nothing for {saying}")
        return np.concatenate(self._parts)


@contextmanager
def synthesiser() -> Iterator[Synthesiser]:
    """Initialise the library, and end it afterwards.

    Raises:
        TicError: It is not installed, or does not begin.
    """
    try:
        import espeakng_loader
    except ImportError:
        raise TicError(
            "speech is synthesised by the package espeakng-loader, which is not installed; run "
            'pip install "tic-audit[speech]"'
        ) from None
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    library.espeak_Synth.argtypes = (
        ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint,
        ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p,
    )  # fmt: skip
    data = Path(espeakng_loader.get_data_path())
    if library.espeak_Initialize(_SYNCHRONOUS, 500, bytes(data), _NO_EXIT) != RATE:
        raise TicError(f"eSpeak NG did not begin at {RATE} Hz with the voices in {data}")
    try:
        yield Synthesiser(library, data)
    finally:
        library.espeak_Terminate()
