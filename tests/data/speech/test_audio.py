"""Reading of audio files: what was written comes back, and what is wrong is told."""

import sys

import numpy as np
import pytest

from fixtures.speech_files import encoded, tone
from tic.data.speech import audio
from tic.data.speech.audio import read_audio
from tic.errors import TicError

soundfile = pytest.importorskip("soundfile")
RATE = 22_050


@pytest.mark.parametrize("kind", ["flac", "wav"])
def test_what_was_written_comes_back(tmp_path, kind):
    (tmp_path / "word").write_bytes(encoded(tone(), kind))
    np.testing.assert_allclose(read_audio(tmp_path / "word", RATE), tone(), atol=2**-15)


def test_a_recording_at_48_kilohertz_becomes_the_same_tone(tmp_path):
    (tmp_path / "word.flac").write_bytes(encoded(tone(rate=48_000), rate=48_000))
    samples = read_audio(tmp_path / "word.flac", RATE)
    assert len(samples) == -(-12_000 * 147 // 320)
    inside = slice(200, 5000)
    np.testing.assert_allclose(samples[inside], tone()[inside], atol=1e-3)


@pytest.mark.parametrize("kind", ["flac", "wav"])
@pytest.mark.parametrize("kept", [0.0, 0.002, 0.1, 0.5, 0.98])
def test_a_file_that_is_broken_off_is_refused(tmp_path, kind, kept):
    content = encoded(tone(), kind)
    (tmp_path / "word").write_bytes(content[: int(kept * len(content))])
    with pytest.raises(TicError, match="word is no sound recording of speech"):
        read_audio(tmp_path / "word", RATE)


def test_fewer_samples_than_the_file_claims_are_refused(tmp_path, monkeypatch):
    (tmp_path / "word").write_bytes(encoded(tone()))
    # As a version of the library would that gives what it could decode.
    monkeypatch.setattr(soundfile.SoundFile, "read", lambda self, dtype: tone()[:99])
    with pytest.raises(TicError, match="breaks off after 99 of 5512 samples"):
        read_audio(tmp_path / "word", RATE)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must be a whole FLAC or WAV file"),
        (b"words", "must be a whole FLAC or WAV file"),
        (encoded(tone(), "aiff"), "must be a FLAC or WAV file, got AIFF"),
        (encoded(np.stack([tone(), tone()], 1)), "must have one channel, got 2"),
        (encoded(tone(rate=16_000), rate=16_000), "22,050 or 48,000 samples per second, got 16,00"),
        (encoded(np.zeros(61 * RATE)), "at most 60 s long, got 61 s"),
    ],
)
def test_what_is_no_such_recording_is_told(tmp_path, content, message):
    (tmp_path / "word").write_bytes(content)
    with pytest.raises(TicError, match=message):
        read_audio(tmp_path / "word", RATE)


def test_a_file_that_is_not_there_or_too_large_is_told(tmp_path, monkeypatch):
    with pytest.raises(TicError, match="cannot be read"):
        read_audio(tmp_path / "word", RATE)
    with pytest.raises(TicError, match="cannot be read"):
        read_audio(tmp_path, RATE)
    monkeypatch.setattr(audio, "LARGEST", 10)
    (tmp_path / "word").write_bytes(bytes(11))
    with pytest.raises(TicError, match="at most 10 bytes"):
        read_audio(tmp_path / "word", RATE)


def test_without_soundfile_it_is_told_how_to_get_it(tmp_path, monkeypatch):
    (tmp_path / "word").write_bytes(encoded(tone()))
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(TicError, match=r'pip install "tic-audit\[audio\]"'):
        read_audio(tmp_path / "word", RATE)
