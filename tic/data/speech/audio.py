"""Recordings of speech in FLAC or WAV files, read strictly by the package soundfile."""

from __future__ import annotations

import io
from math import gcd
from pathlib import Path
from typing import Any

import numpy as np

from tic.data.speech.mel import Numbers
from tic.errors import TicError
from tic.files import read_whole

LARGEST = 2**26
"""Bytes of a file: a spoken word has some hundred thousand."""
LONGEST = 60
"""Seconds of a recording."""
RESAMPLED = (48_000,)
"""Rates in hertz that are brought to the rate that is wanted."""
_RIFF_HEADER = 8


def read_audio(path: Path, rate: int) -> Numbers:
    """Read one recording of one channel.

    Args:
        path: A file in FLAC or WAV.
        rate: Wanted, in hertz. A recording at one of `RESAMPLED` is resampled by a polyphase filter
            (SciPy's `resample_poly`).

    Returns:
        Samples, those of the file in [-1, 1], shape (N,).

    Raises:
        TicError: It cannot be read, is none, is broken off, is longer than `LONGEST`, or has
            another rate or several channels; or soundfile is not installed.
    """
    try:
        content = read_whole(path, LARGEST)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise TicError(f"{path} cannot be read ({reason})") from None
    try:
        samples, own = _decoded(content, rate)
    except TicError as error:
        raise TicError(f"{path} is no sound recording of speech: {error}") from None
    return samples if own == rate else _resampled(samples, own, rate)


def _decoded(content: bytes, rate: int) -> tuple[Numbers, int]:
    """Samples of a file, and their rate."""
    soundfile = _soundfile()
    _require_whole_riff(content)
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as source:
            _require_fitting(source, rate)
            samples = source.read(dtype="float64")
            claimed, own = source.frames, source.samplerate
    except (RuntimeError, OSError) as error:
        reason = str(getattr(error, "error_string", error)).rstrip(".")
        raise TicError(f"it must be a whole FLAC or WAV file ({reason})") from None
    if len(samples) != claimed:
        raise TicError(f"it breaks off after {len(samples)} of {claimed} samples")
    if not np.isfinite(samples).all():
        raise TicError("its samples must be finite, and one is not")
    return samples, own


def _soundfile() -> Any:
    try:
        import soundfile
    except ImportError:
        raise TicError(
            "audio is read by the package soundfile, which is not installed; run "
            'pip install "tic-audit[audio]"'
        ) from None
    return soundfile


def _require_whole_riff(content: bytes) -> None:
    """Refuse a WAV file shorter than it says, of which a reader gives what is there."""
    if content[:4] != b"RIFF":
        return
    claimed = int.from_bytes(content[4:8], "little") + _RIFF_HEADER
    if claimed > len(content):
        raise TicError(f"it breaks off at byte {len(content)} of {claimed}")


def _require_fitting(source: Any, rate: int) -> None:
    form, channels, own = source.format, source.channels, source.samplerate
    if form not in ("FLAC", "WAV"):
        raise TicError(f"it must be a FLAC or WAV file, got {form}; convert it")
    if channels != 1:
        raise TicError(f"it must have one channel, got {channels}; take one of them")
    if own not in (rate, *RESAMPLED):
        known = " or ".join(f"{hertz:,}" for hertz in dict.fromkeys((rate, *RESAMPLED)))
        raise TicError(f"it must have {known} samples per second, got {own:,}; resample it")
    if source.frames > LONGEST * own:
        raise TicError(f"it must be at most {LONGEST} s long, got {source.frames / own:.0f} s")


def _resampled(samples: Numbers, own: int, rate: int) -> Numbers:
    from scipy.signal import resample_poly

    shared = gcd(own, rate)
    resampled: Numbers = resample_poly(samples, rate // shared, own // shared)
    return resampled
