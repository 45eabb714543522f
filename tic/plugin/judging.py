"""Each claim: from what its test recorded to its entry and the test's outcome."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

from tic.errors import NotApplicableError, TicError
from tic.plugin.state import JUDGE, State, claim_of, entry_id
from tic.text import visible

if TYPE_CHECKING:
    from tic.audit.document import Entry


class Judging:
    """Turns a claim's test into an entry of the audit."""

    def __init__(self, state: State) -> None:
        self.state = state

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Skip a claim that says nothing about its setting, or whose data are not here."""
        if claim_of(item):
            planned = self.state.session.planned[entry_id(item)]
            if reason := planned.not_applicable or planned.unavailable:
                pytest.skip(reason)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Attach the entry to the report, which carries it to the controller."""
        report = yield
        if claim_of(item) and (entry := self._entry(item, call)):
            report.__dict__["tic_entry"] = entry.model_dump(mode="json")
            report.__dict__["tic_evidence"] = self.state.session.new_evidence()
            self._set_outcome(report, entry, call)
            _reveal(report)
        return report

    def _entry(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Entry | None:
        from tic.audit import session as entries
        from tic.audit.privacy import discreet

        planned = self.state.session.planned[entry_id(item)]
        error = call.excinfo.value if call.excinfo else None
        if planned.not_applicable:
            reason = planned.not_applicable
            return entries.not_applicable(planned, reason) if call.when == "setup" else None
        if planned.unavailable:
            return entries.not_run(planned) if call.when == "setup" else None
        if isinstance(error, NotApplicableError):
            return entries.not_applicable(planned, discreet(str(error)))
        if error is not None:
            if not isinstance(error, TicError):
                error = TicError(f"{type(error).__name__}: {error}")
            return entries.failed(planned, discreet(str(error)))
        if call.when != "call":
            return None
        try:
            return entries.judged(planned, item.stash[JUDGE], call.duration, self.state.session.lab)
        except TicError as failure:
            return entries.failed(planned, discreet(str(failure)))
        except KeyError:
            return entries.failed(planned, "the claim's test does not ask for the fixture `judge`")

    def _set_outcome(
        self, report: pytest.TestReport, entry: Entry, call: pytest.CallInfo[None]
    ) -> None:
        from tic.audit.expectation import drift
        from tic.stats import Outcome
        from tic.stats.judge import JUDGED

        where = (str(report.location[0]), report.location[1] or 0, visible(entry.reason))
        if entry.role == "counterfeit" and entry.outcome in JUDGED:
            if entry.outcome is Outcome.SUPPORTED:
                report.outcome, report.longrepr = "failed", passed_as_true(entry)
        elif self.state.expected is not None and entry.role != "counterfeit":
            if reason := drift(entry, self.state.expected, final=False):
                report.outcome, report.longrepr = "failed", reason
            elif report.when == "call":
                # A claim that is skipped before stays so: a setup that passes leads to its call.
                report.outcome, report.longrepr = "passed", None
        elif entry.outcome is (Outcome.SUPPORTED if entry.role == "rival" else Outcome.REFUTED):
            report.outcome, report.longrepr = "failed", _findings(entry)
        elif entry.outcome in (Outcome.INCONCLUSIVE, Outcome.NOT_APPLICABLE):
            report.outcome, report.longrepr = "skipped", where
        elif entry.outcome is Outcome.ERROR:
            report.outcome = "failed"
            if call.excinfo is None or isinstance(call.excinfo.value, TicError):
                report.longrepr = f"ERROR {entry.id}: {entry.reason}"

    def pytest_report_teststatus(
        self, report: pytest.CollectReport | pytest.TestReport
    ) -> tuple[str, str, str] | None:
        """Give INCONCLUSIVE a letter of its own."""
        entry: dict[str, Any] | None = getattr(report, "tic_entry", None)
        if entry and report.outcome == "skipped" and entry["outcome"] == "INCONCLUSIVE":
            return "inconclusive", "i", "INCONCLUSIVE"
        return None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Gather the entries where the reports of all workers arrive."""
        if not self.state.is_worker and hasattr(report, "tic_entry"):
            from tic.audit.document import Entry

            entry = Entry.model_validate(report.tic_entry)
            self.state.session.receive(entry, report.__dict__["tic_evidence"])


def _reveal(report: pytest.TestReport) -> None:
    """Escape what hides in the texts that pytest prints, tracebacks included."""
    text = str(report.longrepr or "")
    if visible(text) != text:
        report.longrepr = visible(text)


def passed_as_true(entry: Entry) -> str:
    """Say that a claim was supported where it is false."""
    assert entry.counterfeit is not None
    return (
        f"{entry.id} came out SUPPORTED on a counterfeit, so its test cannot say no: "
        f"{entry.counterfeit.says}"
    )


def _findings(entry: Entry) -> str:
    lines = [f"{entry.outcome} {entry.id}: {entry.says}"]
    if entry.role == "rival":
        lines.append(f"  a rival: while it stands, these do not: {', '.join(entry.threatens)}")
    for contrast in entry.contrasts:
        if contrast.interval is None:
            interval = ""
        else:
            interval = " [{:.4g}, {:.4g}]".format(*contrast.interval)
        lines.append(
            f"  {contrast.outcome}: {contrast.name} = {contrast.estimate:.4g}{interval} "
            f"{contrast.unit}, the {entry.role} allows {contrast.region.text}"
        )
    return "\n".join(lines)
