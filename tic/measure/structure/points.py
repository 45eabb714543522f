"""Synapses of a layer with delays as points, and the weights of those that are neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tic.arrays import finite_array, real_array
from tic.errors import TicError, as_tic_error

Numbers = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Synapses:
    """Synapses from bands to neurons, arrays or tensors.

    Attributes:
        delays: Timesteps as the network uses them, rounded where it rounds them, shape (H, I);
            any number where no synapse is live, also NaN.
        signs: −1 or 1 where a synapse is live, any number elsewhere, shape (H, I).
        live: Which there are, shape (H, I).
        places: Place of each band in the order of frequencies, shape (I,); 0 to I − 1 without it.

    Raises:
        TicError: Shapes differ, a delay of a live synapse is not finite, or a sign is none.
    """

    delays: Numbers
    signs: Numbers
    live: Mask
    places: Numbers | None = None

    def __post_init__(self) -> None:
        live = mask_of(self.live, "live", "HI")
        delays, signs = (_numbers(getattr(self, name), name, live) for name in ("delays", "signs"))
        if wrong := set(np.unique(signs[live])) - {-1.0, 1.0}:
            raise TicError(
                f"signs of live synapses must be −1 or 1, got {min(wrong):g}; pass weights to "
                "Synapses.of"
            )
        places = np.arange(live.shape[1]) if self.places is None else self.places
        with as_tic_error():
            order = finite_array(places, name="places", axes="I")
        if len(order) != live.shape[1]:
            raise TicError(f"places must be one per band, got {len(order)} of {live.shape[1]}")
        for name, value in zip(
            ("delays", "signs", "live", "places"), (delays, signs, live, order), strict=True
        ):
            object.__setattr__(self, name, value)

    @classmethod
    def of(cls, weights: Any, delays: Any, places: Any = None) -> Synapses:
        """Take a layer: a synapse is live where its weight is not 0.

        Args:
            weights: Shape (H, I).
            delays: See the class.
            places: See the class.
        """
        with as_tic_error():
            values = finite_array(weights, name="weights", axes="HI")
        return cls(delays, np.sign(values), values != 0, places)


class Points(NamedTuple):
    """Live synapses by neuron, those of a neuron first in its row, shapes (H, n)."""

    bands: Numbers
    delays: Numbers
    signs: Numbers
    valid: Mask


def points_of(synapses: Synapses) -> Points:
    """Live synapses by neuron; n is as many as the neuron with the most has, at least 1."""
    live = synapses.live
    most = max(1, int(live.sum(1).max()))
    order = np.argsort(~live, axis=1, kind="stable")[:, :most]
    assert synapses.places is not None
    places = np.broadcast_to(synapses.places, live.shape)
    valid = np.take_along_axis(live, order, 1)
    bands, delays, signs = (
        np.where(valid, np.take_along_axis(row, order, 1), 0.0)
        for row in (places, synapses.delays, synapses.signs)
    )
    return Points(bands, delays, signs, valid)


def kernel_of(values: Numbers, radius: float) -> Numbers:
    """exp(−½ · (v_j − v_k)² / r²) of the last axis of values (…, n), shape (…, n, n)."""
    difference = (values[..., :, None] - values[..., None, :]) / radius
    kernel: Numbers = np.exp(-0.5 * difference**2)
    return kernel


def within_neurons(valid: Mask) -> Mask:
    """Pairs of two live synapses, shape (H, n, n)."""
    return valid[:, :, None] & valid[:, None, :] & ~np.eye(valid.shape[1], dtype=bool)


def weights_of(points: Points, radius: float) -> Numbers:
    """A by neuron, shape (H, n, n)."""
    both = kernel_of(points.bands, radius) * kernel_of(points.delays, radius)
    weights: Numbers = both * within_neurons(points.valid)
    return weights


def require_radius(radius: float) -> None:
    """Refuse a radius that is not above 0."""
    if not radius > 0:
        raise TicError(f"radius must be above 0, got {radius:g}")


def mask_of(values: Any, name: str, axes: str) -> Mask:
    """What is not 0 of a mask or of weights, arrays or tensors.

    Raises:
        TicError: They are no finite numbers with such axes.
    """
    with as_tic_error():
        numbers = finite_array(values, name=name, axes=axes)
    mask: Mask = numbers != 0
    return mask


def _numbers(values: Any, name: str, live: Mask) -> Numbers:
    """Numbers by synapse, finite where it is live; what is not elsewhere becomes 0."""
    with as_tic_error():
        numbers = real_array(values, name=name, axes="HI")
        if numbers.shape != live.shape:
            raise TicError(f"{name} must have the shape of live, {live.shape}, got {numbers.shape}")
        used = f"{name} of live synapses"
        finite_array(numbers[live], name=used, axes="N", may_be_empty=True)
    return np.where(np.isfinite(numbers), numbers, 0.0)
