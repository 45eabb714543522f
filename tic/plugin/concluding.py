"""The end: correction paper by paper, report, and what the final verdicts mean for the exit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING

import pytest

from tic.errors import TicError
from tic.plugin.saving import require_writable, save_report
from tic.plugin.state import State
from tic.text import visible

if TYPE_CHECKING:
    from tic.audit.document import Audit, Entry

REASON_WIDTH = 70


class Concluding:
    """Writes the report and tells where it lies."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.audit: Audit | None = None
        self.page: Path | None = None
        self.problems: list[str] = []
        self._damaged: set[str] = set()

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self) -> None:
        """Refuse a report folder that cannot be written; remember what was damaged before."""
        state, asked = self.state, self.state.config.option
        if state.is_worker or not state.has_audit or state.tells_only or asked.collectonly:
            return
        try:
            require_writable(asked.report_dir or _folder(state.session.started))
        except TicError as error:
            raise pytest.UsageError(str(error)) from None
        self._damaged = set(state.session.lab.store.damaged())

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write the report; hold the final verdicts against --strict and --expect."""
        state = self.state
        asked = state.config.option
        if state.is_worker or not state.has_audit or state.tells_only or asked.collectonly:
            return
        completed = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        # In a locale without UTF-8 other letters are surrogates, which no file can hold.
        arguments = [visible(str(each)) for each in state.config.invocation_params.args]
        try:
            self.audit = state.session.conclude(state.claims_folder, arguments, completed=completed)
        except TicError as error:
            self.problems = [f"the audit could not be put together: {error}"]
        else:
            self.problems = self._problems(self.audit) if completed else []
            folder = asked.report_dir or _folder(state.session.started)
            self.page, unsaved = save_report(self.audit, folder)
            self.problems += unsaved
        if self.problems and exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _problems(self, audit: Audit) -> list[str]:
        from tic.audit.expectation import drift
        from tic.plugin.judging import passed_as_true
        from tic.stats import Outcome

        planted = [entry for entry in audit.entries if entry.role == "counterfeit"]
        entries = [entry for entry in audit.entries if entry.role != "counterfeit"]
        problems = [passed_as_true(e) for e in planted if e.own_outcome is Outcome.SUPPORTED]
        if nothing_runs := self.state.session.nothing_runs:
            problems.append(nothing_runs)
        if (expected := self.state.expected) is not None:
            drifts = (drift(entry, expected, final=True) for entry in entries)
            problems += [each for each in drifts if each]
            if not self.state.is_partial:
                absent = sorted(set(expected) - {entry.id for entry in entries})
                problems += [f"{each} is expected and was not collected" for each in absent]
        if "--strict" in self.state.config.invocation_params.args:
            undecided = [e.id for e in entries if e.outcome is Outcome.INCONCLUSIVE]
            problems += [f"{each} is INCONCLUSIVE, which --strict fails" for each in undecided]
        return problems

    def _told(self) -> tuple[str, str]:
        """Title and text of the plan or of the list that was asked for."""
        session, wanted = self.state.session, self.state.config.option.list
        if wanted is None:
            from tic.engine.describe import describe_plan

            workers = self.state.options.gpus
            return "plan", describe_plan(session.plan, session.attacked, session.lab, workers)
        from tic.audit.listing import describe_claims, describe_protocols

        describe = describe_claims if wanted == "claims" else describe_protocols
        return wanted, describe(session.planned.values())

    @property
    def all_judged(self) -> bool:
        """Whether the audit came to its end and no claim to an ERROR."""
        from tic.stats import Outcome

        return (
            self.audit is not None
            and self.audit.completed
            and all(entry.outcome is not Outcome.ERROR for entry in self.audit.entries)
        )

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print what was asked for, or the verdicts and where the report lies."""
        state = self.state

        def write(line: str, **style: bool) -> None:
            terminalreporter.write_line(visible(line), **style)

        if state.tells_only and state.has_audit:
            title, text = self._told()
            terminalreporter.section(title)
            write(text)
        if self.audit is not None:
            terminalreporter.section("verdicts")
            write(verdict_table(self.audit))
        for problem in self.problems:
            write(problem, red=True)
        if self.audit is not None:
            for line in self._shortcomings(self.audit):
                write(line)
        if self.page is not None:
            write(f"report: {self.page}")

    def _shortcomings(self, audit: Audit) -> Iterator[str]:
        """What was found damaged, and what is missing of the audit."""
        lab = self.state.session.lab
        for folder, fault in lab.store.damaged().items():
            if folder not in self._damaged:
                yield f"a damaged Run was set aside: {lab.store_root / 'damaged' / folder}: {fault}"
        if missing := [run.label for run in audit.runs if run.status == "missing"]:
            yield f"{len(missing)} of {len(audit.runs)} Runs are missing: {', '.join(missing)}"
        if not audit.completed:
            yield (
                f"The audit is not complete. What was trained is kept in {lab.store_root}; "
                f"the same command goes on from there."
            )


def _folder(started: float) -> Path:
    return Path("reports") / datetime.fromtimestamp(started, UTC).strftime("%Y-%m-%dT%H-%M-%SZ")


def verdict_table(audit: Audit) -> str:
    """Lay out one line per claim and per rival, and say how many counterfeits were caught."""
    from tic.stats import Outcome
    from tic.stats.judge import JUDGED

    width = max(len(entry.id) for entry in audit.entries)
    blocks = []
    for role in ("claim", "rival"):
        entries = [entry for entry in audit.entries if entry.role == role]
        if entries:
            heading = ["other explanations, SUPPORTED where they stand:"] if role == "rival" else []
            counts = Counter(entry.outcome for entry in entries)
            total = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
            lines = [_verdict_line(entry, width) for entry in entries]
            blocks += ["\n".join([*heading, *lines]), total]
    planted = [e for e in audit.entries if e.role == "counterfeit" and e.own_outcome in JUDGED]
    if planted:
        caught = sum(e.own_outcome is not Outcome.SUPPORTED for e in planted)
        blocks.append(f"counterfeits: {caught} of {len(planted)} caught")
    return "\n\n".join(blocks)


def _verdict_line(entry: Entry, width: int) -> str:
    reason = shorten(entry.reason, REASON_WIDTH, placeholder=" …")
    return f"{entry.outcome:<14} {entry.scope.level:<8} {entry.id:<{width}}  {reason}".rstrip()
