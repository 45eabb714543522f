"""`python -m tests.mutants`: every mutant of what decides in the claims and rivals of the packs.

Prints the survivors and the share of mutants that were killed, by pack. Exits with 0 when that is
enough of each.
"""

from __future__ import annotations

import argparse
import sys

from tests.mutants.known import LEAST_KILLED, Known
from tests.mutants.packs import PACKS


def main(arguments: list[str] | None = None) -> int:
    """Try the mutants that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--paper", choices=PACKS, help="mutants of one pack")
    parser.add_argument("--only", default="", metavar="TEXT", help="mutants whose name has it")
    asked = parser.parse_args(arguments)
    papers = [asked.paper] if asked.paper else PACKS
    return int(not all([_try(paper, PACKS[paper], asked.only) for paper in papers]))


def _try(paper: str, known: Known, only: str) -> bool:
    """Print what came of a pack's mutants; whether enough were killed."""
    chosen = [mutant for mutant in known.mutants if only in f"{mutant.place()} {mutant.name}"]
    survived = 0
    for mutant in chosen:
        if mutant.survives():
            survived += 1
            print(f"{mutant.place()}  {mutant.name}", flush=True)
    killed = len(chosen) - survived
    share = killed / len(chosen) if chosen else 0.0
    print(
        f"{paper}: {killed} of {len(chosen)} mutants killed: {share:.1%}, "
        f"at least {LEAST_KILLED:.0%}",
        flush=True,
    )
    return share >= LEAST_KILLED


if __name__ == "__main__":
    sys.exit(main())
