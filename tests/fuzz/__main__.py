"""`python -m tests.fuzz`: every target under Hypothesis and under a coverage-guided fuzzer.

Prints one line per target and fuzzer, and the smallest case of each defect. Exits with 0 when
nothing ended in a traceback.
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.fuzz import guided
from tests.fuzz.counting import Count, header
from tests.fuzz.hypothesis_fuzzer import fuzz
from tests.fuzz.memory import limit_memory
from tests.fuzz.targets import TARGETS


def main() -> int:
    """Run the fuzzers that were asked for."""
    asked = _arguments()
    counts = []
    print(header(), flush=True)
    limit_memory()
    for name in asked.only or TARGETS:
        for fuzzer in (fuzz, guided.fuzz):
            started = time.perf_counter()
            count = fuzzer(name, asked.cases // len(TARGETS), asked.seed)
            if count is not None:
                print(count.line(time.perf_counter() - started), flush=True)
                counts.append(count)
    if not guided.is_installed():
        print("atheris is not installed, so nothing was guided by coverage: pip install '.[fuzz]'")
    return _concluded(counts)


def _concluded(counts: list[Count]) -> int:
    for count in counts:
        for defect in count.defects:
            print(f"\n{count.target} under {count.fuzzer}:\n{defect}")
    total, defects = sum(count.tried for count in counts), sum(len(c.defects) for c in counts)
    print(f"{total} cases, {defects} tracebacks")
    return int(bool(defects))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument(
        "--cases", type=int, default=10_000, metavar="N", help="per fuzzer, over all targets"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="K", help="of the cases")
    parser.add_argument("--only", nargs="+", choices=tuple(TARGETS), help="targets")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
