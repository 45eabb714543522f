"""Log-mel features of a recording of speech, as currents that a network is shown.

With samples x[n] at a rate R, window of L samples, hop of H, FFT of K samples (both times rounded
to whole samples):

    e[n]    = x[n] − a·x[n − 1], e[0] = x[0]                              pre-emphasis
    X[m, k] = Σ_{n < min(L, K)} e[mH + n] · h[n] · exp(−2πi·kn/K)         h a Hann window of L
    P[m, k] = |X[m, k]|²
    E[m, b] = Σ_k Λ_b(f_k) · P[m, k],  f_k = kR/K                         Λ_b a triangle, below
    D[m, b] = max(10 · log₁₀(E[m, b] / max E), −F) + F                    decibels, in [0, F]

A window that is longer than the FFT is cut to it. Frames begin every H samples until one holds the
last sample; what it lacks is zeros. The B triangles stand on B + 2 corners c_0 … c_{B+1}, evenly
spaced from 0 to R/2 on the mel scale m(f) = 2595 · log₁₀(1 + f/700) (O'Shaughnessy 1987), each of
height 1 at c_{b+1} and 0 at c_b and c_{b+2}.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tic.errors import TicError
from tic.kinds import Kind

Numbers = NDArray[np.float64]

CURRENT_PER_DECIBEL = 0.00099 * 20
"""Features are decibels × 0.00099, and networks are shown 20 times these: 0 to 1.584."""


@dataclass(frozen=True)
class LogMel(Kind):
    """How features are made; see the equations of this module.

    Attributes:
        bands: B.
        bins: Frames that are kept, from the first on; what lacks is 0 dB, the floor.
        hop: Milliseconds from a frame to the next.
        window: Milliseconds.
        fft: K, samples.
        emphasis: a, in [0, 1).
        floor: F, decibels below the loudest of the recording.
        rate: R in hertz.

    Raises:
        TicError: One is out of its range, or there are so many bands that one would hold no
            frequency of the FFT.
    """

    bands: int = 40
    bins: int = 80
    hop: float = 10.0
    window: float = 25.0
    fft: int = 512
    emphasis: float = 0.95
    floor: float = 80.0
    rate: int = 22_050

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("bands", "bins", "fft", "rate"):
            if getattr(self, name) < 1:
                raise TicError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("hop", "window"):
            if self._samples(getattr(self, name)) < 1:
                raise TicError(
                    f"{name} must be at least one sample long at {self.rate} Hz, got "
                    f"{getattr(self, name):g} ms"
                )
        if not (0 <= self.emphasis < 1 and self.floor > 0):
            raise TicError(
                f"emphasis must be in [0, 1) and floor above 0 dB, got {self.emphasis:g} and "
                f"{self.floor:g}"
            )
        if not self.filters().any(axis=1).all():
            raise TicError(
                f"every band must hold a frequency of the FFT, and of {self.bands} bands over "
                f"{self.fft} samples at {self.rate} Hz some hold none; take fewer bands or a "
                "longer FFT"
            )

    def _samples(self, milliseconds: float) -> int:
        return round(milliseconds * self.rate / 1000)

    def filters(self) -> Numbers:
        """Triangles Λ by band and frequency of the FFT, shape (B, K // 2 + 1)."""
        return _filters(self.bands, self.fft, self.rate)

    def decibels(self, audio: Numbers) -> Numbers:
        """Features of one recording.

        Args:
            audio: Samples at the rate, shape (N,), of any scale.

        Returns:
            D in [0, F], shape (bins, bands).

        Raises:
            TicError: There are no samples, one is not finite, or all are 0.
        """
        _require_sound(audio)
        # Features do not depend on the scale, and squares of it could leave the range of floats.
        audio = audio / np.abs(audio).max()
        emphasised = audio - self.emphasis * np.concatenate([[0.0], audio[:-1]])
        energy = self._power(emphasised) @ self.filters().T
        loudest = energy.max()
        if not loudest > 0:
            raise TicError("a recording must have sound within the bands, got none; leave it out")
        lowest = loudest * 10 ** (-self.floor / 10)
        decibels = 10 * np.log10(np.maximum(energy, lowest) / loudest) + self.floor
        features = np.zeros((self.bins, self.bands))
        kept = decibels[: self.bins].clip(0)
        features[: len(kept)] = kept
        return features

    def _power(self, signal: Numbers) -> Numbers:
        """Power by frame and frequency, shape (M, K // 2 + 1)."""
        window, hop = self._samples(self.window), self._samples(self.hop)
        used = min(window, self.fft)
        count = 1 + max(0, -(-(len(signal) - window) // hop))
        padded = np.zeros((count - 1) * hop + max(window, len(signal)))
        padded[: len(signal)] = signal
        frames = np.lib.stride_tricks.sliding_window_view(padded, used)[::hop][:count]
        spectrum = np.fft.rfft(frames * np.hanning(window)[:used], self.fft)
        power: Numbers = spectrum.real**2 + spectrum.imag**2
        return power


def _require_sound(audio: Numbers) -> None:
    if audio.ndim != 1 or not len(audio):
        raise TicError(f"a recording must have samples (N,), at least one, got {audio.shape}")
    if not np.isfinite(audio).all():
        raise TicError("the samples of a recording must be finite, and one is not")
    if not audio.any():
        raise TicError("a recording must have sound, and every sample is 0; leave it out")


@lru_cache(maxsize=8)
def _filters(bands: int, fft: int, rate: int) -> Numbers:
    top = 2595 * np.log10(1 + rate / 2 / 700)
    corners = 700 * (10 ** (np.linspace(0, top, bands + 2) / 2595) - 1)
    frequencies = np.arange(fft // 2 + 1) * rate / fft
    left, centre, right = (corners[start : start + bands, None] for start in range(3))
    rising = (frequencies - left) / (centre - left)
    falling = (right - frequencies) / (right - centre)
    filters: Numbers = np.maximum(0, np.minimum(rising, falling))
    filters.flags.writeable = False
    return filters
