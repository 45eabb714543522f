"""What became of the cases of one target under one fuzzer."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

_LONGEST_DEFECT = 4000


@dataclass
class Count:
    """Cases by what became of them; `defects` are tracebacks with their smallest cases."""

    target: str
    fuzzer: str
    accepted: int = 0
    refused: int = 0
    defects: list[str] = field(default_factory=list)

    @property
    def tried(self) -> int:
        """All cases."""
        return self.accepted + self.refused + len(self.defects)

    def add(self, accepted: bool) -> None:
        """Count a case that ended without a traceback."""
        if accepted:
            self.accepted += 1
        else:
            self.refused += 1

    def fail(self, traceback: str) -> None:
        """Note a defect."""
        self.defects.append(traceback[-_LONGEST_DEFECT:])

    def document(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)

    def line(self, seconds: float) -> str:
        """Return it as a line of the table."""
        return (
            f"{self.target:<12} {self.fuzzer:<11} {self.tried:>6} {self.accepted:>9} "
            f"{self.refused:>8} {len(self.defects):>11} {seconds:>7.0f} s"
        )


def header() -> str:
    """Return the heads of the columns."""
    columns = f"{'accepted':>9} {'refused':>8} {'tracebacks':>11}"
    return f"{'target':<12} {'fuzzer':<11} {'tried':>6} {columns}"
