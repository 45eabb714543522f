"""Claims that kept audits decided per hour of a CPU: python -m benchmarks.decided [AUDIT…].

Nothing is trained: all numbers are those that the audits hold. These are the seconds of trainings
and of tests; what the workers of a build took for measurements no audit tells.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tic.document.audit import Audit
from tic.document.loading import load_audit

KEPT = tuple(
    Path("reports/reference") / f"{name}.json"
    for name in ("digits-tiny", "smoke-budget", "two-hours")
)
"""What `make audit` left before it had a budget, what it leaves since, and in 2.5 hours."""
DECIDED = ("SUPPORTED", "REFUTED")
HOUR = 3600


@dataclass(frozen=True)
class Yield:
    """What an audit decided for what it cost.

    Attributes:
        audit: Its name.
        papers: Number of papers.
        design: Whether the number of seeds was fixed.
        claims: Claims, those left out that are decided without a Run.
        decided: Those of them that are SUPPORTED or REFUTED.
        rivals: Rivals, counted alike.
        rivals_decided: Those of them that are decided.
        runs: Trainings.
        seconds: Of all trainings and tests, each on one thread.
    """

    audit: str
    papers: int
    design: str
    claims: int
    decided: int
    rivals: int
    rivals_decided: int
    runs: int
    seconds: float

    @property
    def per_hour(self) -> float:
        """Claims that were decided per hour of a CPU."""
        return HOUR * self.decided / self.seconds if self.seconds else 0.0

    def as_json(self) -> dict[str, Any]:
        """Return the fields and the rate for a JSON file."""
        return {**asdict(self), "per_hour": self.per_hour}


def yields(paths: Sequence[Path] = KEPT) -> list[Yield]:
    """Count what audits decided, and add up what they cost."""
    return [counted(path.stem, load_audit(path)) for path in paths]


def counted(name: str, audit: Audit) -> Yield:
    """Count what an audit decided on Runs, and add up the seconds of trainings and tests."""
    asked = [entry for entry in audit.entries if entry.runs or entry.outcome not in DECIDED]
    claims = [entry.outcome in DECIDED for entry in asked if entry.role == "claim"]
    rivals = [entry.outcome in DECIDED for entry in asked if entry.role == "rival"]
    trained = [run.seconds for run in audit.runs if run.seconds is not None]
    return Yield(
        audit=name,
        papers=len(audit.papers),
        design=", ".join(sorted({entry.design for entry in asked if entry.runs})),
        claims=len(claims),
        decided=sum(claims),
        rivals=len(rivals),
        rivals_decided=sum(rivals),
        runs=len(trained),
        seconds=sum(trained) + sum(entry.seconds for entry in audit.entries),
    )


def markdown(rows: Sequence[Yield]) -> str:
    """Return the table."""
    lines = [
        "| audit | papers | seeds | trainings | CPU-hours | claims decided | rivals decided | "
        "decided claims per CPU-hour |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.audit} | {row.papers} | {row.design} | {row.runs} | {row.seconds / HOUR:.2f} "
        f"| {row.decided} of {row.claims} | {row.rivals_decided} of {row.rivals} "
        f"| {row.per_hour:.1f} |"
        for row in rows
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    print(markdown(yields([Path(name) for name in sys.argv[1:]] or KEPT)))
