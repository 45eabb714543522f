"""Simulated effects and curves of which the truth is known."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Draw = Callable[[np.random.Generator, tuple[int, ...]], NDArray[np.float64]]


def _contaminated(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    spread = np.where(rng.random(shape) < 0.1, 5, 1)
    return rng.standard_normal(shape) * spread / math.sqrt(0.9 + 0.1 * 25)


def _arcsine(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    return math.sqrt(2) * np.sin(rng.uniform(0, 2 * math.pi, shape))


def _lognormal(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    sd = math.sqrt(math.e * (math.e - 1))
    return (rng.lognormal(size=shape) - math.sqrt(math.e)) / sd


def _accuracies(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Differences of two accuracies of 90 %, in steps of one image of 64."""
    images, share = 64, 0.9
    difference = rng.binomial(images, share, shape) - rng.binomial(images, share, shape)
    return difference / math.sqrt(2 * images * share * (1 - share))


def _collapses(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """One training in twenty ends ten standard deviations too high."""
    rate, depth = 0.05, 10
    effects = rng.standard_normal(shape) + depth * ((rng.random(shape) < rate) - rate)
    return np.asarray(effects / math.sqrt(1 + depth**2 * rate * (1 - rate)))


# Mean 0 and standard deviation 1 each; the skewed ones have their long tail above.
NOISES: dict[str, Draw] = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "Student t, 3 df": lambda rng, shape: rng.standard_t(3, shape) / math.sqrt(3),
    "contaminated normal": _contaminated,
    "difference of two exponentials": lambda rng, shape: rng.laplace(size=shape) / math.sqrt(2),
    "accuracies of 64 images": _accuracies,
    "arcsine (two humps)": _arcsine,
    "exponential": lambda rng, shape: rng.exponential(size=shape) - 1,
    "lognormal": _lognormal,
    "one in twenty collapses": _collapses,
}


SKEWED = frozenset({"exponential", "lognormal", "one in twenty collapses"})


def random_walks(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return curves of normal steps; rises and falls are equally likely."""
    return rng.standard_normal(shape).cumsum(axis=-1)


def unequal_spreads(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return conditions of the same mean, the first and the last of five times the spread."""
    spread = np.ones(shape[-1])
    spread[[0, -1]] = 5
    return rng.standard_normal(shape) * spread


def opposite_seeds(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return conditions that rise in every seed or fall in it, either in half of the seeds."""
    *seeds, conditions = shape
    direction = rng.choice((-1, 1), (*seeds, 1))
    return direction * np.arange(conditions) + rng.uniform(-0.1, 0.1, shape)


def smooth_curves(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return half to whole waves of random phase; rises and falls are equally likely."""
    *curves, points = shape
    waves = rng.uniform(0.5, 1, (*curves, 1)) * np.linspace(0, 1, points)
    return np.sin(2 * np.pi * (waves + rng.random((*curves, 1))))
