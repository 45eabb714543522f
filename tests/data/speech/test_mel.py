"""Log-mel features against their definition and closed forms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tic.data.speech import LogMel
from tic.errors import TicError

RATE = 8_000
SMALL = LogMel(bands=6, bins=5, hop=4.0, window=9.0, fft=64, rate=RATE)


def noise(count, seed=0):
    return np.random.default_rng(seed).normal(size=count)


def slow(features, audio):
    """The equations of the module, number by number."""
    length, hop = round(features.window * RATE / 1000), round(features.hop * RATE / 1000)
    fft = features.fft
    emphasised = [
        audio[n] - features.emphasis * (audio[n - 1] if n else 0.0) for n in range(len(audio))
    ]
    count = 1
    while (count - 1) * hop + length < len(audio):
        count += 1
    corners = [
        700 * (10 ** (k * np.log10(1 + RATE / 2 / 700) / (features.bands + 1)) - 1)
        for k in range(features.bands + 2)
    ]
    energy = np.zeros((count, features.bands))
    for m in range(count):
        frame = [
            emphasised[m * hop + n] * 0.5 * (1 - np.cos(2 * np.pi * n / (length - 1)))
            if m * hop + n < len(audio)
            else 0.0
            for n in range(min(length, fft))
        ]
        for k in range(fft // 2 + 1):
            power = (
                abs(sum(x * np.exp(-2j * np.pi * k * n / fft) for n, x in enumerate(frame))) ** 2
            )
            for b in range(features.bands):
                left, centre, right = corners[b : b + 3]
                frequency = k * RATE / fft
                side = (
                    (frequency - left) / (centre - left)
                    if frequency <= centre
                    else (right - frequency) / (right - centre)
                )
                energy[m, b] += max(0.0, side) * power
    floor = features.floor
    decibels = np.maximum(10 * np.log10(np.maximum(energy, 1e-300) / energy.max()), -floor) + floor
    kept = np.zeros((features.bins, features.bands))
    kept[: min(count, features.bins)] = decibels[: features.bins]
    return kept


@pytest.mark.parametrize("count", [2, 40, 72, 73, 130, 400])
@pytest.mark.parametrize("fft", [64, 128])
def test_features_are_what_their_equations_say(count, fft):
    features = SMALL.but(fft=fft)
    audio = noise(count)
    np.testing.assert_allclose(features.decibels(audio), slow(features, audio), atol=1e-8)


def test_filters_stand_on_evenly_spaced_corners_of_the_mel_scale():
    filters = LogMel().filters()
    assert filters.shape == (40, 257)
    # The mel scale has 1000 at 1000 Hz, and 3173.9 at 11,025 Hz: a corner every 77.4.
    peaks = filters.argmax(1) * 22_050 / 512
    mels = 2595 * np.log10(1 + peaks / 700)
    np.testing.assert_allclose(np.diff(mels[8:]), 77.4, atol=26)
    # Between the first and the last peak, triangles add up to 1.
    inside = slice(int(filters[0].argmax()) + 1, int(filters[-1].argmax()))
    np.testing.assert_allclose(filters.sum(0)[inside], 1)
    assert not filters[:, [0, -1]].any()


def test_a_tone_is_loudest_in_its_band_and_as_loud_as_anything():
    features = LogMel()
    times = np.arange(features.rate // 2) / features.rate
    decibels = features.decibels(np.sin(2 * np.pi * 1000 * times))
    frequencies = np.arange(257) * features.rate / 512
    nearest = features.filters()[:, np.abs(frequencies - 1000).argmin()].argmax()
    assert (decibels[2:40].argmax(1) == nearest).all()
    assert decibels.max() == 80
    assert decibels.min() >= 0


def test_what_is_after_the_recording_is_the_floor():
    features = LogMel()
    hop, window = 220, 551
    assert features.decibels(noise(window))[1:].any() == np.False_
    assert features.decibels(noise(window + 1))[1].any()
    assert not features.decibels(noise(window + hop))[2:].any()
    assert features.decibels(noise(40_000)).min(1).all()


@given(st.floats(-200, 200), st.integers(2, 300), st.integers(0, 5))
@settings(max_examples=30, deadline=None)
def test_loudness_does_not_matter(exponent, count, seed):
    audio = noise(count, seed)
    features = SMALL.but(bins=10)
    louder = features.decibels(audio * 10.0**exponent)
    np.testing.assert_allclose(louder, features.decibels(audio), atol=1e-6)
    assert louder.min() >= 0
    assert louder.max() == 80


def test_a_part_a_hundred_times_quieter_is_40_decibels_lower():
    features = SMALL.but(bins=60, emphasis=0.0)
    part = noise(32 * 20)
    both = features.decibels(np.concatenate([part, np.zeros(320), part / 100]))
    frames = (320 + len(part)) // 32
    loud, quiet = both[:17], both[frames : frames + 17]
    np.testing.assert_allclose((loud - quiet)[quiet > 0], 40, atol=1e-9)
    assert (quiet > 0).mean() > 0.5
    np.testing.assert_array_equal(features.decibels(part)[:17], loud)


@pytest.mark.parametrize(
    ("audio", "message"),
    [
        (np.zeros(0), "must have samples"),
        (np.zeros((2, 3)), "must have samples"),
        (np.zeros(100), "every sample is 0"),
        (np.ones(1), "must have sound within the bands"),
        (np.array([0.0, np.nan]), "must be finite"),
    ],
)
def test_what_is_no_recording_is_told(audio, message):
    with pytest.raises(TicError, match=message):
        SMALL.decibels(audio)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"bands": 0}, "bands must be at least 1"),
        ({"hop": 0.01}, "hop must be at least one sample long"),
        ({"window": -1.0}, "window must be at least one sample long"),
        ({"emphasis": 1.0}, r"emphasis must be in \[0, 1\)"),
        ({"floor": 0.0}, "floor above 0 dB"),
        ({"bands": 300}, "take fewer bands or a longer FFT"),
    ],
)
def test_features_that_cannot_be_are_told(fields, message):
    with pytest.raises(TicError, match=message):
        LogMel(**fields)
