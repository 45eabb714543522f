"""A simulated event camera over movies, after ESIM and v2e.

A pixel has a reference level of log intensity. Wherever log intensity has moved away from it by the
pixel's threshold, the pixel emits an event and the reference follows by one threshold (Rebecq et
al., CoRL 2018, ESIM; Hu et al., CVPRW 2021, v2e). Thresholds differ from pixel to pixel and do not
change with time. Shot noise is events at random, which leave the reference where it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tic.errors import TicError
from tic.kinds import Kind

LOWEST_THRESHOLD = 0.01
"""Of log intensity: mismatch makes no pixel fire without end."""
_DIGITS = 9
"""Of log intensity: its last bits differ from machine to machine, and would shift events."""


@dataclass(frozen=True)
class Camera(Kind):
    """How a pixel makes events.

    Attributes:
        threshold: Change of log intensity that makes an event.
        mismatch: Standard deviation of the threshold over pixels, of either polarity by itself.
        noise: Mean number of events per pixel, time bin and polarity that nothing made.
        dark: What is added to intensities in [0, 1] before the logarithm is taken.

    Raises:
        TicError: One is out of its range.
    """

    threshold: float = 0.25
    mismatch: float = 0.03
    noise: float = 0.05
    dark: float = 0.25

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("threshold", "dark"):
            if not getattr(self, name) > 0:
                raise TicError(f"{name} must be above 0, got {getattr(self, name):g}")
        for name in ("mismatch", "noise"):
            if not getattr(self, name) >= 0:
                raise TicError(f"{name} must be at least 0, got {getattr(self, name):g}")

    def thresholds(self, shape: tuple[int, int], seed: int) -> NDArray[np.float64]:
        """Thresholds of a sensor's pixels (H, W): darker and brighter, shape (2, H, W)."""
        drawn = np.random.default_rng(seed).normal(size=(2, *shape))
        return np.maximum(LOWEST_THRESHOLD, self.threshold + self.mismatch * drawn)

    def require_steps(self, steps: int) -> None:
        """Refuse so few steps of a time bin that they cannot hold its noise events.

        Raises:
            TicError: There are fewer than the noise has events in a bin.
        """
        if self.noise > steps:
            raise TicError(
                f"noise must be at most the steps of a time bin, each of which holds one event of "
                f"noise per pixel and polarity, got {self.noise:g} with {steps}; take more steps "
                "or less noise"
            )

    def shot_noise(self, shape: tuple[int, ...], steps: int, seed: int) -> NDArray[np.bool_]:
        """Draw noise events, at most one per place and step.

        Args:
            shape: Of the counts that they are added to.
            steps: Of a time bin.
            seed: Of the draws.

        Raises:
            TicError: As `require_steps`.
        """
        self.require_steps(steps)
        chance = self.noise / steps
        # Single precision is exact enough, and half as much to draw.
        return np.random.default_rng(seed).random(shape, dtype=np.float32) < chance


def crossings(
    movies: NDArray[np.float64], camera: Camera, thresholds: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Count the events that moving images make between each two neighbouring pictures.

    Args:
        movies: Intensities in [0, 1], shape (N, F, H, W).
        camera: How a pixel makes events.
        thresholds: Of the pixels, darker and brighter, shape (2, H, W).

    Returns:
        Shape (N, F - 1, 2, H, W): events of darker and of brighter.

    Raises:
        TicError: The intensities are not in [0, 1], or there are fewer than two pictures.
    """
    if movies.ndim != 4 or movies.shape[1] < 2:
        raise TicError(f"movies must be (N, F, H, W) with F of at least 2, got {movies.shape}")
    if not (movies.min() >= 0 and movies.max() <= 1):
        raise TicError(f"intensities must be in [0, 1], got {movies.min():g} to {movies.max():g}")
    levels = np.round(np.log(camera.dark + movies), _DIGITS)
    reference = levels[:, 0].copy()
    counts = np.zeros((len(movies), movies.shape[1] - 1, 2, *movies.shape[2:]), np.int64)
    darker, brighter = thresholds
    for step in range(movies.shape[1] - 1):
        change = levels[:, step + 1] - reference
        down = np.maximum(0, np.floor(-change / darker)).astype(np.int64)
        up = np.maximum(0, np.floor(change / brighter)).astype(np.int64)
        reference += up * brighter - down * darker
        counts[:, step, 0], counts[:, step, 1] = down, up
    return counts
