"""How much of the error an audit may make at each look at its data.

Whoever adds seeds to those of an open verdict, or pools audits, looks at the data again. Each look
has its own share of the error rate, fixed in advance; by Bonferroni's inequality the looks together
err no more often than the rate says, whatever the test and however the looks depend on each other.
Boundaries that make use of that dependence (Lan and DeMets 1983) would allow a little more error at
each look, and rest on normal theory.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Literal, get_args

from tic.arrays import whole_number

Design = Literal["fixed", "sequential"]
"""`fixed`: the number of seeds was chosen before any of them was trained, and is looked at once.
`sequential`: seeds were added, or audits pooled, after some of them had been looked at; looks are
at the numbers in `LOOKS`."""

LOOKS = (5, 8, 12, 18, 27, 40, 60, 90, 135, 200, 300, 450, 675, 1000)
"""Numbers of seeds at which an audit looks at its data; one between two belongs to the later."""
_FULL = 7
"""Looks with equal shares, up to 60 seeds; those after them share what one of these has."""


def next_look(n_seeds: int) -> int | None:
    """Return the number of seeds at which an open verdict is looked at next, None at the last."""
    return next((look for look in LOOKS if look > n_seeds), None)


def error_share(n_seeds: int, design: Design = "sequential") -> float:
    """Return which share of the error rate may be spent on a verdict over so many seeds.

    Up to 60 seeds each of the seven looks has an eighth, and the later ones a sixteenth, a
    thirty-second and so on: together less than one. A number between two looks counts as the
    later one.

    Args:
        n_seeds: at least 1.
        design: of the audit.

    Raises:
        ValueError: no such number, or no such design.
    """
    count = whole_number(n_seeds, name="n_seeds", least=1, way_out="count the seeds")
    if design not in get_args(Design):
        raise ValueError(f"design must be fixed or sequential, got {design!r}")
    if design == "fixed":
        return 1.0
    look = min(bisect_left(LOOKS, count), len(LOOKS) - 1)
    return 1 / (_FULL + 1) / 2.0 ** max(0, look - _FULL + 1)
