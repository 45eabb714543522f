"""Whole audits: two workers against one process, and one that finds everything stored."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from benchmarks.commands import PYTEST, run
from benchmarks.harness import (
    NotMeasuredError,
    Options,
    Row,
    Sample,
    Target,
    at_least,
    at_most,
    paired,
)

COLD = ("--claim", "learning-rate,weight-decay,time-constant", "--epochs", "15", "--no-rivals")
WORKERS = ("-n", "2")
WARM_SECONDS = 30


def rows() -> Iterator[Row]:
    """A small audit from nothing, and the audit of all claims from a filled Store."""
    cold, warm = at_least(1.8), at_most(1)
    yield Row(
        "audits/cold",
        f"pytest claims -n 2 {' '.join(COLD)}, empty Store",
        "the same in one process on one thread",
        cold,
        "Collection, start-up of the workers and the report are not divided by two, and two "
        "processes share caches and memory.",
        partial(_cold, cold),
    )
    yield Row(
        "audits/warm",
        "pytest claims -n 2 --controls, everything stored",
        f"limit of {WARM_SECONDS} s",
        warm,
        "Every stored Run is verified by its sha256 once per process, every claim judged again "
        "and the report drawn.",
        partial(_warm, warm),
    )


def _cold(target: Target, options: Options) -> Sample:
    pairs = [(audit_anew((*COLD, *WORKERS)), audit_anew(COLD)) for _ in range(options.pairs or 1)]
    return paired(target, pairs)


def audit_anew(arguments: Sequence[str]) -> float:
    """Time an audit that finds an empty Store, in seconds."""
    with tempfile.TemporaryDirectory() as store:
        return _audit(Path(store), arguments)


def _warm(target: Target, options: Options) -> Sample:
    require_filled(options.store)
    arguments = (*WORKERS, "--controls")
    _audit(options.store, arguments)  # measures what the Store still lacks
    taken = [_audit(options.store, arguments) for _ in range(options.pairs or 1)]
    return paired(target, [(seconds, WARM_SECONDS) for seconds in taken])


def _audit(store: Path, arguments: Sequence[str]) -> float:
    with tempfile.TemporaryDirectory() as report:
        folders = ("--store", str(store), "--report-dir", report)
        return run((*PYTEST, "-q", "claims", *folders, *arguments))[0]


def require_filled(store: Path) -> None:
    """Refuse a Store that lacks Runs of the audit of all claims.

    Raises:
        NotMeasuredError: It lacks some, or there is none.
    """
    nothing = NotMeasuredError(
        "no filled Store; name one with --store that pytest claims --controls filled"
    )
    if not store.is_dir():
        raise nothing
    _, plan = run((*PYTEST, "-q", "claims", "--plan", "--controls", "--store", str(store)))
    to_train = re.search(r"^\d+ Runs, (\d+) to train$", plan, re.MULTILINE)
    if to_train is None or int(to_train[1]):
        raise nothing
