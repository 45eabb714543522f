"""Measure speed and memory as ratios to named peers, floors and limits, side by side.

Prints a Markdown table and writes it as JSON. A target that is missed is a result, not a failure.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

import torch

from benchmarks import (
    attacks,
    audits,
    decided,
    delays,
    figure,
    fisher,
    gpu,
    memory,
    rates,
    scaling,
    seeds,
    similarity,
    startup,
    stores,
    table,
    training,
)
from benchmarks.harness import Options, Result, Row, measured
from tic.lab import exact_arithmetic

MODULES = (
    startup, audits, stores, fisher, similarity, rates, training, delays, seeds, attacks, memory,
    gpu,
)  # fmt: skip
SCALING, DECIDED = "scaling", "decided"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        0 when everything was measured or says why not, 1 when a measurement failed. A wrong option
        ends the process with 2.
    """
    parser = _parser()
    flags = parser.parse_args(arguments)
    chosen = [row for row in all_rows() if _selects(flags.only, row.name)]
    tables = [name for name in (SCALING, DECIDED) if _selects(flags.only, name)]
    if not chosen and not tables:
        parser.error(f"--only {flags.only!r} names no row; --list shows their names")
    if flags.list:
        print("\n".join([*(row.name for row in chosen), *tables]))
        return 0
    progress = Progress()
    with exact_arithmetic(torch.device("cpu")):
        for result in _measured(chosen, Options(flags.store, flags.pairs)):
            progress.results.append(result)
            progress.write(flags.json)  # at once: an interruption loses one row
        if SCALING in tables:
            progress.growths = _scale(flags.figure)
            progress.write(flags.json)
    if DECIDED in tables:
        progress.yields = decided.yields()
        print(f"\n{decided.markdown(progress.yields)}")
        progress.write(flags.json)
    return int(any(result.failed for result in progress.results))


@dataclass
class Progress:
    """What was measured so far.

    Attributes:
        results: Of the rows.
        growths: Of the scaling.
        yields: Of kept audits.
        started: When the first row was begun, by the clock that times calls.
    """

    results: list[Result] = field(default_factory=list)
    growths: list[scaling.Growth] = field(default_factory=list)
    yields: list[decided.Yield] = field(default_factory=list)
    started: float = field(default_factory=time.perf_counter)

    def write(self, path: Path) -> None:
        """Write everything as JSON."""
        took = time.perf_counter() - self.started
        document = table.document(self.results, self.growths, self.yields, took)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def all_rows() -> Iterator[Row]:
    """Every row, in the order in which it is measured."""
    for module in MODULES:
        yield from module.rows()


def _measured(rows: Sequence[Row], options: Options) -> Iterator[Result]:
    """Measure rows, and print each as soon as it is known."""
    limits = table.Limits()
    if rows:
        print(table.HEADING)
    for row in rows:
        result = measured(row, options)
        print(table.line(table.row_document(result), limits), flush=True)
        yield result
    if reasons := str(limits):
        print(f"\nNot reached, since:\n\n{reasons}")


def _scale(path: Path) -> list[scaling.Growth]:
    growths = scaling.growths()
    print(f"\n{scaling.markdown(growths)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(figure.draw(growths))
    return growths


def _selects(patterns: str | None, name: str) -> bool:
    return patterns is None or any(fnmatchcase(name, pattern) for pattern in patterns.split(","))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    add("--only", metavar="PATTERN[,PATTERN]", help="rows by name, such as 'fisher/tiny-*'")
    add("--list", action="store_true", help="show the names of the rows, measure nothing")
    add("--pairs", type=_count, metavar="N", help="pairs instead of the rows' own number")
    add("--store", type=Path, default=Path(".tic"), metavar="DIR", help="Runs for the warm audit")
    add("--json", type=Path, default=Path("reports/benchmarks.json"), metavar="FILE")
    add("--figure", type=Path, default=Path("docs/scaling.svg"), metavar="FILE", help="of scaling")
    return parser


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, got {text!r}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
