"""What the entries of an audit mean to pytest: the outcome of each test, and so the exit status.

The rule, for `make audit`, `tic audit` and `pytest` alike: an audit succeeds when every claim was
judged and no negative control SUPPORTED, whatever the verdicts, which are its result. `Demands`
holds what else may be asked for. A test fails where its entry does not meet them. Of those that
do, what speaks for the paper passes, and what does not is reported as skipped, as pytest reports
expected failures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tic.text import visible

if TYPE_CHECKING:
    from tic.document.audit import Entry
    from tic.session.expectation import Expectation

Status = tuple[str, str, str]
"""What pytest counts a report under, its letter and its word; see `pytest_report_teststatus`."""


@dataclass(frozen=True)
class Demands:
    """What every entry must meet.

    Attributes:
        expected: The verdicts that are allowed, ERROR included; None where any will do but ERROR.
        decided: Whether INCONCLUSIVE will not do.
    """

    expected: Expectation | None
    decided: bool

    def objection(self, entry: Entry) -> str | None:
        """Say why an entry fails its test, or None."""
        from tic.session.expectation import drift
        from tic.stats import Outcome

        if entry.role == "control" and entry.outcome is Outcome.SUPPORTED:
            return passed_as_true(entry)
        if entry.role != "control" and self.decided and entry.outcome is Outcome.INCONCLUSIVE:
            return f"{entry.id} is INCONCLUSIVE, which --fail-on-inconclusive fails"
        if entry.role != "control" and self.expected is not None:
            return drift(entry, self.expected)
        return f"ERROR {entry.id}: {entry.reason}" if entry.outcome is Outcome.ERROR else None


def settle(report: pytest.TestReport, entry: Entry, objection: str | None) -> None:
    """Give a report the outcome of its entry."""
    from tic.stats.judge import JUDGED

    report.__dict__.pop("wasxfail", None)  # what is expected of verdicts `Demands` holds
    judged = entry.outcome in JUDGED
    if objection:
        report.outcome, report.longrepr = "failed", visible(objection)
    elif judged and (entry.role == "control" or _speaks_for_the_paper(entry)):
        report.outcome, report.longrepr = "passed", None
    else:
        message = findings(entry) if judged else f"{entry.outcome}: {entry.reason}"
        where = (str(report.location[0]), report.location[1] or 0, visible(message))
        report.outcome, report.longrepr = "skipped", where
    if judged and not objection:
        held = ("held", ".", "HELD")
        status = held if entry.role == "control" else (entry.outcome.lower(), "", "")
        report.__dict__["tic_status"] = status


def speaks_against_the_paper(entry: Entry) -> bool:
    """Whether a claim was REFUTED, or a rival SUPPORTED."""
    return entry.outcome == ("SUPPORTED" if entry.role == "rival" else "REFUTED")


def _speaks_for_the_paper(entry: Entry) -> bool:
    return entry.outcome == ("REFUTED" if entry.role == "rival" else "SUPPORTED")


def passed_as_true(entry: Entry) -> str:
    """Say that a claim was supported where it is false."""
    assert entry.control is not None
    return (
        f"{entry.id} came out SUPPORTED on a negative control, so its test cannot say no: "
        f"{entry.control.says}"
    )


def properties(entry: Entry, expected: Expectation | None) -> list[tuple[str, str]]:
    """Return what a JUnit report tells of an entry: what it is, and what its verdict hangs on.

    `seeds` is how many seeds it rests on, `allowed` what is expected of it. `estimate` and `low`
    and `high`, the ends of its interval, are in the `unit` of the contrast that decides. What an
    entry has none of is left out.
    """
    from tic.document.deciding import sampled_seeds
    from tic.document.evidence import decisive_contrast

    shown = [("id", entry.id), ("role", entry.role)]
    shown += [("verdict", str(entry.outcome)), ("scope", entry.scope.level)]
    allowed = expected.allowed.get(entry.id) if expected and entry.role != "control" else None
    if allowed:
        shown.append(("allowed", " or ".join(sorted(allowed))))
    if seeds := sampled_seeds(entry):
        shown.append(("seeds", str(len(seeds))))
    contrast = decisive_contrast(entry.contrasts, entry.own_outcome)
    if contrast is not None:
        shown += [("contrast", contrast.name), ("estimate", repr(contrast.estimate))]
        ends = zip(("low", "high"), contrast.interval or (), strict=False)
        shown += [(name, repr(end)) for name, end in ends]
        shown += [("unit", contrast.unit)] if contrast.unit else []
    return [(name, visible(value)) for name, value in shown]


def findings(entry: Entry) -> str:
    """Tell a verdict with the numbers that it rests on."""
    from tic.report import verdicts

    lines = [f"{entry.outcome} {entry.id}: {entry.says}"]
    if entry.reason:
        lines.append(f"  {entry.reason}")
    if entry.role == "rival":
        lines.append(f"  a rival: while it stands, these do not: {', '.join(entry.threatens)}")
    for contrast in entry.contrasts:
        if contrast.interval is None:
            interval = ""
        else:
            interval = " [{:.4g}, {:.4g}]".format(*contrast.interval)
        lines.append(
            f"  {contrast.outcome}: {contrast.name} = {contrast.estimate:.4g}{interval} "
            f"{contrast.unit}, the {entry.role} allows {verdicts.region(contrast)}"
        )
    if entry.coverage is not None:
        from tic.report.coverage import trainings_line

        lines.append(f"  {trainings_line(entry.coverage)}")
    return "\n".join(lines)
