"""Audio files of speech: a file of each format, changed."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import strategies as st

from fixtures.speech_files import encoded, tone
from tests.fuzz.mutations import contents
from tests.fuzz.telling import accepted
from tic.data.speech import LogMel
from tic.data.speech.audio import read_audio

FEATURES = LogMel()
FILES = st.sampled_from(["flac", "wav"]).map(lambda kind: encoded(tone(seconds=0.05), kind))
speech_cases = FILES.flatmap(lambda content: st.just(content) | contents(content))


def fuzz_speech(content: bytes) -> bool:
    """Read a recording of speech that somebody else had, and form its features."""

    def read() -> None:
        decibels = FEATURES.decibels(read_audio(path, FEATURES.rate))
        assert decibels.shape == (80, 40)
        assert 0 <= decibels.min() <= decibels.max() <= 80

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recording"
        path.write_bytes(content)
        return accepted(read)
