"""The set of effects that a claim allows."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tic.arrays import LARGEST, real_number


@dataclass(frozen=True)
class Region:
    """An interval of effects; made with `above`, `below` or `within`.

    An infinite bound is open. A half-line does not hold its own bound, because an effect of exactly
    zero is no evidence for "above 0"; a region with two bounds holds both.

    Raises:
        ValueError: no finite bound, a bound that is not a number or beyond 1e290, or low >= high.
    """

    low: float = -math.inf
    high: float = math.inf

    def __post_init__(self) -> None:
        for name in ("low", "high"):
            object.__setattr__(self, name, _bound(getattr(self, name), name))
        if math.isnan(self.low) or math.isnan(self.high):
            raise ValueError(f"a bound must be a number, got {self.low} and {self.high}")
        if math.isinf(self.low) and math.isinf(self.high):
            raise ValueError(
                f"a region needs a finite bound, got low={self.low}, high={self.high}; "
                "use above(x), below(x) or within(low, high)"
            )
        if not self.low < self.high:
            raise ValueError(
                f"within needs low < high, got low={_text(self.low)}, high={_text(self.high)}"
            )

    def contains(self, effect: float) -> bool:
        """Return whether one known effect, free of sampling error, lies inside."""
        if math.isinf(self.low) or math.isinf(self.high):
            return self.low < effect < self.high
        return self.low <= effect <= self.high

    def __str__(self) -> str:
        if math.isinf(self.high):
            return f"above {_text(self.low)}"
        if math.isinf(self.low):
            return f"below {_text(self.high)}"
        return f"within [{_text(self.low)}, {_text(self.high)}]"


def above(bound: float) -> Region:
    """Return the region of effects greater than a finite `bound`."""
    return Region(low=_finite("above", bound))


def below(bound: float) -> Region:
    """Return the region of effects less than a finite `bound`."""
    return Region(high=_finite("below", bound))


def within(low: float, high: float) -> Region:
    """Return the region of effects from `low` to `high`, both finite and both included."""
    return Region(low=_finite("within", low), high=_finite("within", high))


def require_region(region: Region) -> None:
    """Refuse what is no region.

    Raises:
        ValueError: it is another thing, such as a bare bound.
    """
    if not isinstance(region, Region):
        raise ValueError(
            f"region must be a Region, got {region!r}; make one by above(x), below(x) or "
            "within(low, high)"
        )


def _finite(constructor: str, bound: float) -> float:
    number = _bound(bound, f"the bound of {constructor}")
    if not math.isfinite(number):
        raise ValueError(
            f"{constructor} needs finite bounds, got {number}; for one open end use above or below"
        )
    return number


def _bound(value: float, name: str) -> float:
    number = real_number(value, name=name)
    if LARGEST < abs(number) < math.inf:
        raise ValueError(
            f"{name} must not be beyond {LARGEST:g} in size, got {number:.12g}; "
            "state it in a larger unit"
        )
    return number


def _text(bound: float) -> str:
    return f"{bound:.12g}"
