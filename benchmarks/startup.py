"""How long a user waits before anything happens."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from functools import partial

from benchmarks.commands import PYTEST, TIC, run
from benchmarks.harness import Options, Row, Sample, Target, at_most, paired

CALLS = 5
TARGET = at_most(1)
AUDIT = "reports/reference/smoke-budget.json"
FOLDER = "{folder}"
"""Stands for an empty folder among arguments."""


def rows() -> Iterator[Row]:
    """The command line, the library, the collection of claims and the page of a kept audit."""
    yield _row(
        "help", "tic --help", (*TIC, "--help"), 0.1,
        "Python itself starts in some 20 ms; the rest are imports.",
    )  # fmt: skip
    yield _row(
        "import", "import tic", ("-c", "import tic"), 0.2,
        "Python itself starts in some 20 ms; what is behind a name is imported when it is used.",
    )  # fmt: skip
    yield _row(
        "collect", "pytest --collect-only claims, four papers",
        (*PYTEST, "--collect-only", "-q", "claims"), 4,
        "Claims are made of Recipes and networks: importing torch alone takes about 2 s of it.",
    )  # fmt: skip
    yield _row(
        "page", f"tic report {AUDIT}", (*TIC, "report", AUDIT, "--report-dir", FOLDER), 5,
        "An audit is read, its verdicts are derived again, and every figure is drawn.",
    )  # fmt: skip


def _row(name: str, path: str, arguments: Sequence[str], limit: float, why: str) -> Row:
    return Row(
        f"startup/{name}", path, f"limit of {limit:g} s", TARGET, why,
        partial(_measure, arguments, limit, TARGET),
    )  # fmt: skip


def _measure(arguments: Sequence[str], limit: float, target: Target, options: Options) -> Sample:
    with tempfile.TemporaryDirectory() as folder:
        command = [folder if argument == FOLDER else argument for argument in arguments]
        run(command)  # whoever calls it again finds modules compiled
        taken = [run(command)[0] for _ in range(options.pairs or CALLS)]
    return paired(target, [(seconds, limit) for seconds in taken])
