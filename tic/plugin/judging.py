"""Each claim: from what its test recorded to its entry.

What pytest is told of a verdict must be what the audit says, and that the correction over all
claims decides at the end. So the reports of a judged claim are held until then; pytest is told at
once of what no correction can change.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.runner import runtestprotocol

from tic.errors import NotApplicableError, TicError
from tic.plugin.outcomes import AWAITED, awaits_correction, settle
from tic.plugin.state import JUDGE, State, claim_of, entry_id
from tic.text import visible

if TYPE_CHECKING:
    from tic.document.audit import Entry

_OF_THE_AUTHOR = (pytest.skip.Exception, pytest.xfail.Exception)
"""Raised where the author of a claim says that its test is not to run here."""

_REPORTS = pytest.StashKey[dict[str, pytest.TestReport]]()
"""Of the phases of a test."""

_OF_XDIST = ("node", "item_index", "worker_id", "testrun_uid")
"""What xdist adds to a report on its way to the controller."""


class Judging:
    """Turns a claim's test into an entry of the audit."""

    def __init__(self, state: State) -> None:
        self.state = state

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> bool | None:
        """Run the test of a claim, and pass on what is final of its reports."""
        if not claim_of(item):
            return None
        reports: dict[str, pytest.TestReport] = {}
        item.stash[_REPORTS] = reports
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        try:
            runtestprotocol(item, log=False, nextitem=nextitem)
        finally:  # a claim that is interrupted while it is torn down was judged
            for report in self._final(list(reports.values())):
                item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Skip a claim that says nothing about its setting, or whose data are not here."""
        if claim_of(item):
            planned = self.state.session.planned[entry_id(item)]
            if reason := planned.not_applicable or planned.unavailable:
                pytest.skip(reason)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Attach the entry to the report; settle its outcome where that is final."""
        report = yield
        if claim_of(item) and (entry := self._entry(item, call)):
            report.__dict__["tic_entry"] = entry.model_dump(mode="json")
            if not awaits_correction(entry):
                defect, traceback = _is_defect(call), report.longrepr
                settle(report, entry, self.state.demands.objection(entry))
                if defect and report.failed:
                    report.longrepr = traceback
            _reveal(report)
        if claim_of(item):
            item.stash[_REPORTS][call.when] = report
        return report

    def _entry(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Entry | None:
        from tic.session import session as entries
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

    def _final(self, reports: list[pytest.TestReport]) -> list[pytest.TestReport]:
        """Leave one entry, the last, and hold the reports of a judged claim but the first.

        The first carries the others, since nothing else gets from a worker to the controller when
        the test has ended and not only when the worker has.
        """
        from tic.document.audit import Entry

        entries = [report.__dict__.pop("tic_entry") for report in reports if _has_entry(report)]
        if not entries:
            return reports
        entry = Entry.model_validate(entries[-1])
        first, *others = reports
        bearer = first if awaits_correction(entry) else reports[-1]
        bearer.__dict__["tic_entry"] = entries[-1]
        bearer.__dict__["tic_evidence"] = self.state.session.new_evidence()
        if bearer is not first:
            reports[-1].user_properties.append(("verdict", str(entry.outcome)))
            return reports
        as_plain = self.state.config.hook.pytest_report_to_serializable
        first.__dict__["tic_status"] = AWAITED
        first.__dict__["tic_held"] = [
            as_plain(config=self.state.config, report=later) for later in others
        ]
        return [first]

    def pytest_report_teststatus(
        self, report: pytest.CollectReport | pytest.TestReport
    ) -> tuple[str, str, str] | None:
        """Count verdicts under their names."""
        status = getattr(report, "tic_status", None)
        return tuple(status) if status else None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Gather entries and held reports where the reports of all workers arrive."""
        if not self.state.is_worker and _has_entry(report):
            from tic.document.audit import Entry

            carried = report.__dict__
            entry = Entry.model_validate(carried["tic_entry"])
            self.state.session.receive(entry, carried["tic_evidence"])
            if held := carried.get("tic_held"):
                self.state.held[entry.id] = [self._restored(plain, carried) for plain in held]

    def _restored(self, plain: dict[str, Any], carried: dict[str, Any]) -> pytest.TestReport:
        config = self.state.config
        report: pytest.TestReport = config.hook.pytest_report_from_serializable(
            config=config, data=plain
        )
        report.__dict__.update({name: carried[name] for name in _OF_XDIST if name in carried})
        return report


def release(
    held: list[pytest.TestReport], entry: Entry, objection: str | None, config: pytest.Config
) -> None:
    """Tell pytest of a claim whose verdict is final.

    Args:
        held: The reports of its call and its teardown.
        entry: After the correction.
        objection: Why it fails, or None.
        config: pytest's.
    """
    settle(held[0], entry, objection)
    held[-1].user_properties.append(("verdict", str(entry.outcome)))
    for report in held:
        config.hook.pytest_runtest_logreport(report=report)


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
