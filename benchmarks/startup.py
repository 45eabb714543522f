"""How long a user waits before anything happens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from benchmarks.commands import PYTEST, TIC, run
from benchmarks.harness import Options, Row, Sample, Target, at_most, paired

CALLS = 5
TARGET = at_most(1)


def rows() -> Iterator[Row]:
    """The command line and the collection of claims."""
    yield _row(
        "help", "tic --help", (*TIC, "--help"), 0.5,
        "Python itself starts in some 20 ms; the rest are imports.",
    )  # fmt: skip
    yield _row(
        "collect", "pytest --collect-only claims", (*PYTEST, "--collect-only", "-q", "claims"), 5,
        "Claims are made of Recipes and networks: importing torch alone takes about 2 s of it.",
    )  # fmt: skip


def _row(name: str, path: str, arguments: Sequence[str], limit: float, why: str) -> Row:
    return Row(
        f"startup/{name}", path, f"limit of {limit:g} s", TARGET, why,
        partial(_measure, arguments, limit, TARGET),
    )  # fmt: skip


def _measure(arguments: Sequence[str], limit: float, target: Target, options: Options) -> Sample:
    calls = range(options.pairs or CALLS)
    return paired(target, [(run(arguments)[0], limit) for _ in calls])
