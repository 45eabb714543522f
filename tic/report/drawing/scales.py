"""Axes: which range to show, where it lands on the paper, and which numbers stand beside it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tic.report.numerals import fixed, power, scientific

# Beyond these, steps and spans leave the floating-point numbers; such values sit on the edge.
_HUGE, _TINY = 1e300, 1e-300
_LARGEST_POWER = 305.0
_PAD = 0.06

Domain = tuple[float, float]


@dataclass(frozen=True)
class Scale:
    """A map from the values `low` to `high` onto the positions `start` to `stop`."""

    low: float
    high: float
    start: float
    stop: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Return the position of `value`, on the nearer edge where it lies outside."""
        low, high, at = (self._axis(v) for v in (self.low, self.high, value))
        fraction = min(max((at - low) / (high - low), 0.0), 1.0)
        return self.start + (self.stop - self.start) * fraction

    def _axis(self, value: float) -> float:
        if self.log:
            return math.log10(max(value, _TINY))
        return min(max(value, -_HUGE), _HUGE)


def domain(values: Iterable[float], pad: float = _PAD) -> Domain:
    """Return the range that shows all `values`, widened by `pad` of itself on both sides."""
    kept = [min(max(value, -_HUGE), _HUGE) for value in values]
    if not kept:
        return (0.0, 1.0)
    low, high = min(kept), max(kept)
    largest = max(abs(low), abs(high))
    # A range below the resolution of its numbers has no ticks, so it counts as one value.
    if high - low <= max(1e-9 * largest, _TINY):
        half = max(0.1 * largest, _TINY) if largest > _TINY else 1.0
        return (low - half, high + half)
    margin = pad * (high - low)
    return (low - margin, high + margin)


def log_domain(values: Iterable[float]) -> Domain:
    """Return the range that shows all positive `values` on a logarithmic axis."""
    logs = [math.log10(min(max(value, _TINY), _HUGE)) for value in values if value > 0]
    if not logs:
        return (0.1, 10.0)
    low, high = min(logs), max(logs)
    margin = _PAD * (high - low) if high - low > 1e-6 else 0.5
    return (10 ** max(low - margin, -_LARGEST_POWER), 10 ** min(high + margin, _LARGEST_POWER))


def from_zero(span: Domain, values: Iterable[float]) -> Domain:
    """Start an axis at zero where all `values` are amounts and zero is not far off."""
    kept = list(values)
    lowest, highest = min(kept, default=0.0), max(kept, default=0.0)
    if 0 <= lowest <= 0.5 * highest:
        return (0.0, span[1])
    return span


def ticks(span: Domain, count: int = 5, log: bool = False) -> tuple[float, ...]:
    """Return about `count` round numbers inside the range: 1, 2 or 5 times a power of ten."""
    if log:
        return _log_ticks(span, count)
    low, high = span
    step = _step((high - low) / count)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return tuple(min(max(k * step, low), high) for k in range(first, last + 1))


def tick_labels(at: Sequence[float]) -> tuple[str, ...]:
    """Print ticks with as many digits as tell them apart, all in the same way."""
    if len(at) < 2:
        return tuple(f"{value:.3g}" for value in at)
    largest = max(abs(value) for value in at)
    step = min(b - a for a, b in pairwise(at))
    finest = math.floor(math.log10(step) + 1e-9)
    if largest >= 1e6 or finest < -4:
        digits = max(1, math.floor(math.log10(largest) + 1e-9) - finest + 1)
        return tuple(scientific(v, digits) if abs(v) > step / 2 else "0" for v in at)
    return tuple(fixed(value, max(0, -finest)) for value in at)


def log_labels(at: Sequence[float]) -> tuple[str, ...]:
    """Print the ticks of a logarithmic axis: powers where they are powers, plain otherwise."""
    exponents = [math.log10(value) for value in at]
    if any(abs(e - round(e)) > 1e-9 for e in exponents):
        return tick_labels(at)
    if all(-2 <= round(e) <= 3 for e in exponents):
        return tuple(fixed(v, max(0, -round(e))) for v, e in zip(at, exponents, strict=True))
    return tuple(power(round(e)) for e in exponents)


def share(domains: Sequence[Domain], least: float) -> tuple[Domain, ...]:
    """Give neighbours one common range as long as none shrinks below `least` of it.

    Args:
        domains: The range each plot would have alone.
        least: The smallest part of the common range that a plot's own may fill.

    Returns:
        One range per plot; plots on a common axis have equal ones.
    """
    groups: list[tuple[Domain, list[Domain]]] = []
    placed: list[int] = []
    for own in domains:
        fit = (i for i, (_, members) in enumerate(groups) if _fits([*members, own], least))
        index = next(fit, len(groups))
        members = [*groups[index][1], own] if index < len(groups) else [own]
        groups[index : index + 1] = [(_union(members), members)]
        placed.append(index)
    return tuple(groups[index][0] for index in placed)


def _union(domains: Sequence[Domain]) -> Domain:
    return (min(low for low, _ in domains), max(high for _, high in domains))


def _fits(domains: Sequence[Domain], least: float) -> bool:
    low, high = _union(domains)
    return all((b - a) >= least * (high - low) for a, b in domains)


def _step(raw: float) -> float:
    """Return the round step nearest to `raw`, rather too fine than too coarse."""
    base = 10.0 ** math.floor(math.log10(raw))
    return next(m * base for m in (1, 2, 5, 10) if m * base >= 0.7 * raw)


def _log_ticks(span: Domain, count: int) -> tuple[float, ...]:
    low, high = span
    first = math.ceil(math.log10(low) - 1e-9)
    last = math.floor(math.log10(high) + 1e-9)
    stride = max(1, math.ceil((last - first + 1) / (count + 1)))
    decades = [10.0**e for e in range(first, last + 1, stride)]
    if len(decades) < 2:
        decades = [m * 10.0**e for e in range(first - 1, last + 1) for m in (1, 2, 5)]
    inside = tuple(min(max(v, low), high) for v in decades if low * 0.999 <= v <= high * 1.001)
    return inside if len(inside) >= 2 else ticks(span, count)
