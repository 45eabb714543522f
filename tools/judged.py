"""That an audit judged something on seeds: `python -m tools.judged AUDIT.json --at-least N`.

An audit with a budget may leave every verdict NOT_RUN, and the verdicts that CI expects allow that
of nearly all. A fault by which nothing is trained would pass.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from tic.document.audit import Entry
from tic.document.deciding import sampled_seeds
from tic.document.loading import load_audit
from tic.stats.judge import JUDGED


def judged_on_seeds(entries: Iterable[Entry]) -> int:
    """Count the claims and rivals that have a verdict on trainings."""
    return sum(
        entry.role != "control" and entry.outcome in JUDGED and bool(sampled_seeds(entry))
        for entry in entries
    )


def main(arguments: list[str] | None = None) -> int:
    """Return 1 where an audit judged too little."""
    parser = argparse.ArgumentParser(prog="python -m tools.judged")
    parser.add_argument("audit", type=Path, help="the audit.json that an audit left")
    parser.add_argument("--at-least", type=int, required=True, metavar="N")
    options = parser.parse_args(arguments)
    count = judged_on_seeds(load_audit(options.audit).entries)
    if count >= options.at_least:
        print(f"{count} claims and rivals were judged on seeds")
        return 0
    print(
        f"at least {options.at_least} claims and rivals must be judged on seeds, got {count} in "
        f"{options.audit}; see in its report why the others are NOT_RUN",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
