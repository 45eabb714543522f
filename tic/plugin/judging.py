"""Each claim: from what its test recorded to its entry, which is what pytest reports of it."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from _pytest.runner import runtestprotocol

from tic.errors import NotApplicableError, TicError
from tic.mistakes import sentence_of
from tic.plugin.outcomes import properties, settle
from tic.plugin.state import JUDGE, State, claim_of, entry_id
from tic.text import visible

if TYPE_CHECKING:
    from tic.document.audit import Entry
    from tic.session.planned import PlannedEntry

_OF_THE_AUTHOR = (pytest.skip.Exception, pytest.xfail.Exception)
"""Raised where the author of a claim says that its test is not to run here."""

_REPORTS = pytest.StashKey[dict[str, pytest.TestReport]]()
"""Of the phases of a test."""


class Judging:
    """Turns a claim's test into an entry of the audit."""

    def __init__(self, state: State) -> None:
        self.state = state

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> bool | None:
        """Run the test of a claim, and pass on its reports with its entry."""
        if not claim_of(item):
            return None
        reports: dict[str, pytest.TestReport] = {}
        item.stash[_REPORTS] = reports
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        try:
            runtestprotocol(item, log=False, nextitem=nextitem)
        finally:  # a claim that is interrupted while it is torn down was judged
            for report in self._with_entry(list(reports.values())):
                item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Skip a claim that says nothing about its setting, or whose data are not here."""
        if claim_of(item):
            planned = self.state.session.planned[entry_id(item)]
            if reason := planned.not_applicable or planned.unavailable:
                pytest.skip(reason)
            if mistake := self.state.mistakes.get(planned.id):
                raise mistake  # with its traceback, for the author
            if planned.fault:
                raise TicError(planned.fault)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Attach the entry to the report; settle its outcome where that is final."""
        report = yield
        if self.state.rehearses:
            return report
        if claim_of(item) and (entry := self._entry(item, call)):
            report.__dict__["tic_entry"] = entry.model_dump(mode="json")
            defect, traceback = _is_defect(call), report.longrepr
            settle(report, entry, self.state.demands.objection(entry))
            if defect and report.failed:
                report.longrepr = traceback
            _reveal(report)
        if claim_of(item):
            item.stash[_REPORTS][call.when] = report
        return report

    def _entry(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Entry | None:
        from tic.session import entries
        from tic.session.privacy import discreet

        planned = self.state.session.planned[entry_id(item)]
        error = call.excinfo.value if call.excinfo else None
        if planned.not_applicable:
            reason = planned.not_applicable
            return entries.not_applicable(planned, reason) if call.when == "setup" else None
        if planned.unavailable:
            return entries.not_run(planned) if call.when == "setup" else None
        if isinstance(error, _OF_THE_AUTHOR):
            reason = discreet(str(error)) or "skipped without a reason"
            return entries.not_run(replace(planned, unavailable=reason))
        if isinstance(error, NotApplicableError):
            return entries.not_applicable(planned, discreet(str(error)))
        if error is not None:
            return entries.failed(planned, discreet(str(TicError(sentence_of(error)))))
        return self._judged(item, planned, call.duration) if call.when == "call" else None

    def _judged(self, item: pytest.Item, planned: PlannedEntry, seconds: float) -> Entry:
        from tic.session import entries
        from tic.session.privacy import discreet

        if JUDGE not in item.stash:
            return entries.failed(planned, "the claim's test does not ask for the fixture `judge`")
        judge, session = item.stash[JUDGE], self.state.session
        try:
            session.leave_repetitions_open(planned, judge)
            return entries.judged(planned, judge, seconds, session.lab)
        except TicError as failure:
            return entries.failed(planned, discreet(str(failure)))

    def _with_entry(self, reports: list[pytest.TestReport]) -> list[pytest.TestReport]:
        """Leave one entry, the last, on the last report: a teardown may still make it an ERROR."""
        entries = [report.__dict__.pop("tic_entry") for report in reports if _has_entry(report)]
        if entries:
            last = reports[-1]
            last.__dict__["tic_entry"] = entries[-1]
            last.__dict__["tic_evidence"] = self.state.session.new_evidence()
            last.user_properties += properties(_validated(entries[-1]), self.state.expected)
        return reports

    def pytest_report_teststatus(
        self, report: pytest.CollectReport | pytest.TestReport
    ) -> tuple[str, str, str] | None:
        """Count verdicts under their names."""
        status = getattr(report, "tic_status", None)
        return tuple(status) if status else None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Gather entries where the reports of all workers arrive."""
        if not self.state.is_worker and _has_entry(report):
            carried = report.__dict__
            self.state.session.receive(_validated(carried["tic_entry"]), carried["tic_evidence"])


def _validated(entry: object) -> Entry:
    from tic.document.audit import Entry

    return Entry.model_validate(entry)


def _has_entry(report: pytest.TestReport) -> bool:
    return hasattr(report, "tic_entry")


def _is_defect(call: pytest.CallInfo[None]) -> bool:
    """Whether a test ended with an exception whose traceback helps its author."""
    explained = (TicError, *_OF_THE_AUTHOR)
    return call.excinfo is not None and not isinstance(call.excinfo.value, explained)


def _reveal(report: pytest.TestReport) -> None:
    """Escape what hides in the texts that pytest prints, tracebacks included."""
    text = str(report.longrepr or "")
    if visible(text) != text:
        report.longrepr = visible(text)
