"""Rules on input that the statistics share."""

from __future__ import annotations

from tic.arrays import real_number


def one_sided_level(confidence: float) -> float:
    """Return the error rate that a two-sided interval at `confidence` leaves on either side.

    Raises:
        ValueError: `confidence` is not strictly between 0 and 1.
    """
    return (1 - share("confidence", confidence, "write 0.95 for 95 %")) / 2


def share(name: str, value: float, way_out: str) -> float:
    """Return a number strictly between 0 and 1.

    Raises:
        ValueError: it is no such number.
    """
    number = real_number(value, name=name)
    if not 0 < number < 1:
        raise ValueError(f"{name} must lie between 0 and 1, got {number:.12g}; {way_out}")
    return number
