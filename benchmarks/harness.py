"""Rows and how they are measured: pairs of calls in turn, judged by a target fixed beforehand."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Literal

Call = Callable[[], object]


class NotMeasuredError(Exception):
    """The row cannot be measured here; its message says why."""


@dataclass(frozen=True)
class Options:
    """What the command line asked for.

    Attributes:
        store: Folder of Runs that the warm audit reads.
        pairs: Number of pairs instead of the rows' own.
    """

    store: Path = Path(".tic")
    pairs: int | None = None


@dataclass(frozen=True)
class Target:
    """The bound that the median ratio is held against."""

    sense: Literal["≥", ">", "≤"]
    value: float

    def met(self, ratio: float) -> bool:
        """Whether a ratio is on the right side."""
        if self.sense == "≥":
            return ratio >= self.value
        return ratio > self.value if self.sense == ">" else ratio <= self.value

    def __str__(self) -> str:
        return f"{self.sense} {self.value:g}×"


@dataclass(frozen=True)
class Sample:
    """What was measured of a row.

    Attributes:
        ratios: One per pair.
        ours: Median cost of ours.
        theirs: Median cost of the peer, or the limit.
        unit: Of both costs.
    """

    ratios: tuple[float, ...]
    ours: float
    theirs: float
    unit: str = "s"

    @property
    def ratio(self) -> float:
        """Median over pairs."""
        return median(self.ratios)


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        name: What `--only` selects by, such as `fisher/tiny-t5/floor`.
        path: What is measured, with its shapes.
        against: The peer, floor or limit.
        target: What was set before any measurement. Of `≥` and `>` the ratio is the peer's cost
            over ours, so that more is better; of `≤` it is ours over the peer's.
        limit: What stands in the way, shown where the target is not reached.
        measure: Takes the measurement; raises `NotMeasuredError` where it cannot.
    """

    name: str
    path: str
    against: str
    target: Target
    limit: str
    measure: Callable[[Options], Sample]


@dataclass(frozen=True)
class Result:
    """A row with what came out.

    Attributes:
        row: What was to be measured.
        sample: None when it was not measured.
        why_not: Why it was not measured; empty when it was.
        failed: Whether the measurement broke, instead of finding that it cannot be made here.
        took: Seconds that the measurement took in all.
    """

    row: Row
    sample: Sample | None
    why_not: str = ""
    failed: bool = False
    took: float = 0.0

    @property
    def reached(self) -> bool | None:
        """Whether the target is reached; None when it was not measured."""
        return self.row.target.met(self.sample.ratio) if self.sample else None


def measured(row: Row, options: Options) -> Result:
    """Measure a row, or say why it was not measured; one that breaks does not end the others."""
    started = time.perf_counter()
    sample, why_not, failed = None, "", False
    try:
        sample = row.measure(options)
    except NotMeasuredError as reason:
        why_not = str(reason)
    except Exception as error:
        why_not, failed = f"failed with {type(error).__name__}: {error}", True
    return Result(row, sample, why_not, failed, time.perf_counter() - started)


def at_least(value: float) -> Target:
    """Ours is to be so many times as fast, or so many times as small."""
    return Target("≥", value)


def more_than(value: float) -> Target:
    """As `at_least`, the bound itself excluded."""
    return Target(">", value)


def at_most(value: float) -> Target:
    """Ours is to cost no more than so many times the floor or the limit."""
    return Target("≤", value)


def compare(
    target: Target, ours: Call, peer: Call, options: Options, *, share: float = 1.0,
    warm: bool = True, least: int = 5,
) -> Sample:  # fmt: skip
    """Time both paths in turn, so that a slow moment of the machine hits both.

    Args:
        target: Tells which way the ratio is taken.
        ours: Our path.
        peer: What it is compared with.
        options: May ask for another number of pairs.
        share: Part of our work that the peer is given, when its cost is proportional to it.
        warm: Whether a call of each comes first and does not count.
        least: Number of pairs.
    """
    if warm:
        ours(), peer()
    pairs = [(seconds(ours), seconds(peer) / share) for _ in range(options.pairs or least)]
    return paired(target, pairs)


def paired(target: Target, pairs: list[tuple[float, float]], unit: str = "s") -> Sample:
    """Turn pairs of costs, ours first, into ratios that the target can be held against."""
    ratios = tuple(
        mine / theirs if target.sense == "≤" else theirs / mine for mine, theirs in pairs
    )
    ours, theirs = zip(*pairs, strict=True)
    return Sample(ratios, median(ours), median(theirs), unit)


def seconds(call: Call) -> float:
    """Time one call by the wall clock."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started
