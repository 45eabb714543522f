"""`python -m tests.mutants`: every mutant of what decides in the claims and rivals of a pack.

Prints the survivors and the share of mutants that were killed. Exits with 0 when that is enough.
"""

from __future__ import annotations

import argparse
import sys

from tests.mutants.known import KNOWN, LEAST_KILLED, PACK, without_equivalents
from tests.mutants.mutating import mutants


def main(arguments: list[str] | None = None) -> int:
    """Try the mutants that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--only", default="", metavar="TEXT", help="mutants whose name has it")
    asked = parser.parse_args(arguments)
    chosen = [
        each
        for each in without_equivalents(mutants(KNOWN, PACK))
        if asked.only in f"{each.place()} {each.name}"
    ]
    survived = 0
    for mutant in chosen:
        if mutant.survives():
            survived += 1
            print(f"{mutant.place()}  {mutant.name}", flush=True)
    killed = len(chosen) - survived
    share = killed / len(chosen) if chosen else 0.0
    print(f"{killed} of {len(chosen)} mutants killed: {share:.1%}, at least {LEAST_KILLED:.0%}")
    return int(share < LEAST_KILLED)


if __name__ == "__main__":
    sys.exit(main())
