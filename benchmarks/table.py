"""What was measured as a Markdown table and as JSON, beside the machine that measured it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from benchmarks.decided import Yield
from benchmarks.harness import Result
from benchmarks.scaling import Growth
from tic.session.provenance import provenance

HEADING = "| path | against | ratio | target | smallest to largest | |\n|---|---|---|---|---|---|"
PEERS = ("snntorch", "norse", "ckatorch", "dcls")


class Limits:
    """What stands in the way of the targets that are not reached: footnotes, each once."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, limit: str) -> int:
        """Number of a footnote, counted from 1."""
        return self._numbers.setdefault(limit, len(self._numbers) + 1)

    def __str__(self) -> str:
        return "\n".join(f"{number}. {limit}" for limit, number in self._numbers.items())


def line(row: Mapping[str, Any], limits: Limits) -> str:
    """Return one line of the table; what limits it becomes a footnote.

    Args:
        row: As `row_document` gives it, or a kept document has it among its rows.
        limits: Takes the footnotes.
    """
    missed = f"**not reached** ({limits.number(row['limit'])})" if row["reached"] is False else None
    ratio = f"{row['ratio']:.2f}" if "ratio" in row else "–"
    cells = (row["path"], row["against"], ratio, row["target"], _spread(row))
    return f"| {' | '.join(cells)} | {missed or row['verdict']} |"


def _spread(row: Mapping[str, Any]) -> str:
    if "pairs" not in row:
        return "–"
    one = row["pairs"] == 1
    return "one pair" if one else f"{row['smallest']:.2f} to {row['largest']:.2f}"


def verdict(result: Result) -> str:
    """Say whether the target is reached, or why that was not measured."""
    if result.sample is None:
        return f"not measured: {result.why_not}"
    return "reached" if result.reached else "not reached"


def document(
    results: Sequence[Result], growths: Sequence[Growth], yields: Sequence[Yield], took: float
) -> dict[str, Any]:
    """Return everything as JSON: rows, growth, what audits decided, machine, seconds in all."""
    return {
        "machine": machine(),
        "seconds": took,
        "rows": [row_document(result) for result in results],
        "scaling": [growth.as_json() for growth in growths],
        "decided": [audit.as_json() for audit in yields],
    }


def machine() -> dict[str, Any]:
    """Describe the machine by what is no secret: processor, cores, accelerator, versions."""
    gpu = torch.cuda.is_available()
    here = provenance(Path.cwd(), (), {}, "cuda" if gpu else "cpu")
    peers = {name: number for name in PEERS if (number := _version(name))}
    return {
        "processor": here.processor,
        "cores": os.cpu_count(),
        "accelerator": here.accelerator,
        "platform": here.platform,
        "python": here.python,
        "versions": {**here.versions, **peers},
        "commit": here.git_commit,
        "dirty": here.git_dirty,
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def row_document(result: Result) -> dict[str, Any]:
    """Return one row as JSON; without a ratio where it was not measured."""
    row, sample = result.row, result.sample
    measured = {
        "ratio": sample.ratio,
        "smallest": min(sample.ratios),
        "largest": max(sample.ratios),
        "pairs": len(sample.ratios),
        "ours": sample.ours,
        "theirs": sample.theirs,
        "unit": sample.unit,
    } if sample else {}  # fmt: skip
    return {
        "name": row.name,
        "path": row.path,
        "against": row.against,
        "target": str(row.target),
        "reached": result.reached,
        "verdict": verdict(result),
        "limit": None if result.reached is not False else row.limit,
        "took": result.took,
        **measured,
    }
