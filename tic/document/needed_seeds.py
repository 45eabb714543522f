"""How many seeds will probably decide a claim, from what its contrasts say of themselves."""

from __future__ import annotations

from collections.abc import Collection

from tic.document.evidence import Contrast
from tic.stats.looks import LOOKS


def likely_range(contrasts: Collection[Contrast]) -> tuple[int, int | None] | None:
    """Between which numbers of seeds the one lies that will probably decide a claim.

    One contrast refutes it, and all of them support it. None where none says a number.
    """
    against = [contrast for contrast in contrasts if not is_inside(contrast)]
    ranges = [c.seeds_to_decide for c in against or contrasts if c.seeds_to_decide]
    if not ranges:
        return None
    return (min if against else max)(ranges, key=middle)


def middle(seeds: tuple[int, int | None]) -> int:
    """Of a range, geometrically: the number goes with the square of a ratio."""
    least, most = seeds
    return LOOKS[-1] if most is None else round((least * most) ** 0.5)


def is_inside(contrast: Contrast) -> bool:
    """Whether the estimate lies where the claim puts it."""
    low, high = contrast.region.low, contrast.region.high
    above_low = low is None or contrast.estimate > low
    return above_low and (high is None or contrast.estimate < high)
