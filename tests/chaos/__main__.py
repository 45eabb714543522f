"""Disturb audits in every way, and see that nothing is lost.

Each fault is tried on small real audits, and what they leave is compared bit by bit with an
undisturbed one. Prints a line per fault; a fault that cannot be tried on this machine is named.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import torch

from tests.chaos import damages, disks, kills, limits, surroundings
from tests.chaos.bench import Bench
from tests.chaos.breaking import BREAKS
from tests.chaos.fault import Fault, describe

FAULTS: tuple[Fault, ...] = (
    *kills.FAULTS,
    *disks.FAULTS,
    *damages.FAULTS,
    *surroundings.FAULTS,
    *limits.FAULTS,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        0 when nothing was lost, 1 when something was. A wrong option ends the process with 2.
    """
    parser = _parser()
    asked = parser.parse_args(arguments)
    chosen = [fault for fault in FAULTS if _selects(asked.only, fault.name)]
    if not chosen:
        parser.error(f"--only {asked.only!r} names no fault; --list shows their names")
    if asked.example:
        chosen = [fault for fault in chosen if not fault.own]
    if asked.list:
        print("\n".join(fault.name for fault in chosen))
        return 0
    torch.set_num_threads(1)
    started, lost = time.monotonic(), 0
    with tempfile.TemporaryDirectory(prefix="tic-chaos-") as scratch:
        bench = Bench(Path(scratch), asked.seed, asked.short, asked.broken, asked.example)
        for fault in chosen:
            with bench.trying(fault.name):
                trials = fault.tried(bench)
            print(describe(fault.name, trials), flush=True)
            lost += len(trials.lost)
    seconds = time.monotonic() - started
    summary = f"{lost} lost" if lost else "nothing lost"
    print(f"{len(chosen)} faults, {summary}, seed {asked.seed}, {seconds:.0f} s")
    return int(lost > 0)


def _selects(patterns: str | None, name: str) -> bool:
    return patterns is None or any(fnmatchcase(name, each) for each in patterns.split(","))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    add = parser.add_argument
    add("--only", metavar="PATTERN[,PATTERN]", help="faults by name, such as 'kill-*'")
    add("--list", action="store_true", help="show the names of the faults, try none")
    add("--seed", type=int, default=0, metavar="K", help="of moments, damages and places")
    add("--short", action="store_true", help="try each a few times only")
    add("--example", action="store_true", help="disturb audits of examples/echo2026")
    add("--break", dest="broken", choices=BREAKS, help="take away what holds a promise")
    return parser


if __name__ == "__main__":
    sys.exit(main())
