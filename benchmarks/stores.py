"""Audits from a Store that has many Runs: what grows with them is looked at Run by Run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from functools import cache, partial
from pathlib import Path

from benchmarks.commands import PYTEST, TIC, run
from benchmarks.harness import Options, Row, Sample, Target, at_most, paired
from benchmarks.many import ROLES, SEEDS

LIMIT_SECONDS = 10
RUNS = ROLES * SEEDS
MANY = ("benchmarks/many.py", "--seeds", str(SEEDS))
TARGET = at_most(1)


def rows() -> Iterator[Row]:
    """A plan of all claims that finds everything, and a plan and an audit of all Runs."""
    store = f"in a Store of {RUNS:,} Runs"
    yield _row(
        "plan-claims", f"tic plan claims, everything trained, {store}", (*TIC, "plan", "claims"),
        "Imports and the collection of claims come first, and the attack suite is priced by steps "
        "that are timed.",
    )  # fmt: skip
    yield _row(
        "plan", f"tic plan of a claim with {RUNS:,} Runs, {store}", (*TIC, "plan", *MANY),
        "Each Run has a Recipe with a fingerprint of its own, which is looked for in the Store.",
    )  # fmt: skip
    yield _row(
        "audit", f"audit of a claim with {RUNS:,} Runs that are there", (*PYTEST, "-q", *MANY),
        "Each Run is verified by the sha256 of every file once per process, and each has its "
        "record in the audit and its row in the report.",
    )  # fmt: skip


def _row(name: str, path: str, command: Sequence[str], why: str) -> Row:
    measure = partial(_measure, command, TARGET)
    return Row(f"store/{name}", path, f"limit of {LIMIT_SECONDS} s", TARGET, why, measure)


def _measure(command: Sequence[str], target: Target, options: Options) -> Sample:
    with tempfile.TemporaryDirectory() as report:
        folders = ("--store", str(_crowded()), "--report-dir", report)
        run((*command, *folders))  # as later calls find it, in the cache of the system
        taken = [run((*command, *folders))[0] for _ in range(options.pairs or 1)]
    return paired(target, [(seconds, LIMIT_SECONDS) for seconds in taken])


@cache
def _crowded() -> Path:
    """The Store, made once per process and removed with it."""
    folder = tempfile.TemporaryDirectory()
    _KEPT.append(folder)
    run(("-m", "benchmarks.crowd", folder.name, "claims"))
    return Path(folder.name)


_KEPT: list[tempfile.TemporaryDirectory[str]] = []
