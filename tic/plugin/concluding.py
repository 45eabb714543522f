"""The end: the audit, its report, and what is printed of both."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tic.errors import TicError
from tic.plugin.outcomes import findings, speaks_against_the_paper
from tic.plugin.saving import new_folder, require_writable, save_report
from tic.plugin.state import NO_CLAIMS, State
from tic.plugin.terminal import columns, write_lines
from tic.plugin.verdict_table import verdict_table, wrapped
from tic.text import listed, visible
from tic.writing import reason

if TYPE_CHECKING:
    from tic.document.audit import Audit, Entry
    from tic.session.expectation import Expectation

SHOWN = 3
"""Missing Runs that are named."""


class Concluding:
    """Writes the report and tells where it lies."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.audit: Audit | None = None
        self.page: Path | None = None
        self._new_folder: Path | None = None
        self.problems: list[str] = []
        self.pilots: list[str] = []
        self._damaged: set[str] = set()
        self._replaced = False

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self) -> None:
        """Refuse a report folder that cannot be written; remember what was damaged before."""
        state = self.state
        if not state.audits_here:
            return
        from tic.session.pilots import require_files

        try:
            require_writable(self.folder)
            if state.flags.write_pilots:
                require_files(state.session.planned.values())
        except TicError as error:
            raise pytest.UsageError(str(error)) from None
        self._damaged = set(state.session.lab.store.damaged())

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(
        self, session: pytest.Session, exitstatus: int
    ) -> Generator[None, object, object]:
        """Write the report before others write theirs, whose failure hides no verdict."""
        self._finish(session, exitstatus)
        try:
            return (yield)
        except OSError as error:
            if not self.state.audits_here:
                raise
            where = f" {error.filename}" if error.filename else ""
            self.problems.append(
                f"what pytest writes beside the report, as for --junitxml, could not be "
                f"written{where} ({reason(error)}); make room or name another file, and the same "
                "command judges again"
            )
            if session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED
        return None

    def _finish(self, session: pytest.Session, exitstatus: int) -> None:
        if exitstatus == pytest.ExitCode.USAGE_ERROR:
            return  # what was refused has been told, and nothing was judged
        if self.state.audits_here:
            completed = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
            self._conclude(completed=completed)
        elif self.state.flags.audit and not (self.state.has_audit or self.state.is_worker):
            self.problems = [NO_CLAIMS]
            if exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.NO_TESTS_COLLECTED
        if self.problems and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @property
    def folder(self) -> Path:
        """Where the report goes."""
        started = datetime.fromtimestamp(self.state.session.started, UTC)
        by_time = Path("reports") / started.strftime("%Y-%m-%dT%H-%M-%SZ")
        return self.state.flags.report_dir or self._new_folder or by_time

    def _conclude(self, *, completed: bool) -> None:
        from tic.document.archive import AUDIT_FILE

        state = self.state
        # In a locale without UTF-8 other letters are surrogates, which no file can hold.
        arguments = [visible(str(argument)) for argument in state.arguments]
        try:
            self.audit = state.session.conclude(state.claims_folder, arguments, completed=completed)
        except TicError as error:
            self.problems = [f"the audit could not be put together: {error}"]
            return
        if state.flags.report_dir is None:  # another audit may have begun in the same second
            self._new_folder = new_folder(self.folder)
        self.problems = self._problems(self.audit) if completed else []
        self._replaced = (self.folder / AUDIT_FILE).exists()
        self.page, unsaved = save_report(self.audit, self.folder)
        self.problems += unsaved
        if state.flags.write_pilots:
            self._write_pilots()

    def _write_pilots(self) -> None:
        from tic.session.pilots import write_pilots

        session = self.state.session
        try:
            written = write_pilots(
                session.planned.values(), session.entries, session.versions, session.lab
            )
        except TicError as error:
            self.problems.append(f"the pilots could not be kept: {error}")
            return
        self.pilots = [f"pilots kept in {path}: {count}" for path, count in written.items()]

    def _problems(self, audit: Audit) -> list[str]:
        demands = self.state.demands
        problems = [objection for entry in audit.entries if (objection := demands.objection(entry))]
        problems += [
            f"Runs are left out of the report, since their data went: {reason}"
            for reason in self.state.session.lost_data
        ]
        if demands.expected is not None:
            problems += self._departures(audit, demands.expected)
        elif nothing_runs := self.state.session.nothing_runs:
            problems.append(nothing_runs)
        if not audit.completed:
            problems.append("the audit ended before every claim was judged")
        return problems

    def _departures(self, audit: Audit, expected: Expectation) -> Iterator[str]:
        """Name expected entries that no claim has, and say what to do about any departure.

        Claims that were found and not chosen are there; in other files there may be more.
        """
        from tic.session.expectation import drift, way_out

        whole_folders = all(Path(path).is_dir() for path in self.state.config.args)
        absent = sorted(set(expected.allowed) - self.state.collected) if whole_folders else []
        for entry_id in absent:
            yield f"{entry_id} is expected by {expected.file} and was not collected"
        drifted = any(entry.role != "control" and drift(entry, expected) for entry in audit.entries)
        if absent or drifted:
            of_all = self.state.collected <= {entry.id for entry in audit.entries}
            command = way_out(self.folder / "audit.json", expected.file)
            right = command if of_all else f"change {expected.file}, which has other claims, too"
            yield f"where what this audit says is right: {right}"

    def _plan_or_list(self) -> tuple[str, str]:
        """Title and text of the plan or of the list that was asked for."""
        session, wanted = self.state.session, self.state.flags.list
        if wanted is None:
            from tic.engine.plan_text import plan_text
            from tic.session.listing import left_out_text

            options = self.state.options
            text = plan_text(session.plan, session.attacked, session.lab, options.gpus)
            if left_out := left_out_text(session.planned.values()):
                text = f"{text}\n\n{left_out}"
            if options.budget is None:
                return "plan", text
            from tic.session.listing import looks_text

            looks = looks_text(session.planned.values(), session.lab, options.budget)
            return "plan of the first look", f"{text}\n\n{looks}"
        from tic.session.listing import claims_text, protocols_text

        describe = claims_text if wanted == "claims" else protocols_text
        return wanted, describe(session.planned.values())

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print what was asked for, or the verdicts and where the report lies."""
        state, write = self.state, partial(write_lines, terminalreporter)
        width = columns(terminalreporter)
        if state.tells_only and state.has_audit:
            title, text = self._plan_or_list()
            terminalreporter.section(title)
            write(text)
        if self.audit is not None:
            if against := [e for e in self.audit.entries if _is_shown(e)]:
                terminalreporter.section("against the paper")
                write(wrapped("\n".join(map(findings, against)), width))
            terminalreporter.section("verdicts")
            write(verdict_table(self.audit, width))
        for problem in self.problems:
            write(problem, red=True)
        if self.audit is not None:
            for line in self._shortcomings(self.audit):
                write(line)
            files = {entry.claim.pack.pilots for entry in state.session.planned.values()}
            if any(path and path.is_file() for path in files):
                write(wrapped(_told_by_pilots(self.audit), width))
        for line in self.pilots:
            write(line)
        if self.page is not None:
            write(f"report: {self.page}")

    def _shortcomings(self, audit: Audit) -> Iterator[str]:
        """What was found damaged or learned nothing, and what is missing of the audit."""
        from tic.document.coverage import has_collapsed

        lab = self.state.session.lab
        for folder, fault in lab.store.damaged().items():
            if folder not in self._damaged:
                yield f"a damaged Run was set aside: {lab.store_root / 'damaged' / folder}: {fault}"
        if self.state.expected is not None and (nothing := self.state.session.nothing_runs):
            yield nothing
        if self._replaced:
            yield (
                f"{self.folder} had another audit, which this one replaced; name another "
                "--report-dir to keep both, such as for tic diff"
            )
        trained = [run for run in audit.runs if run.status == "finished"]
        if collapsed := sum(has_collapsed(run) is True for run in trained):
            yield f"{collapsed} of {len(trained)} trainings ended no better than guessing"
        if missing := [run.label for run in audit.runs if run.status == "missing"]:
            yield f"{len(missing)} of {len(audit.runs)} Runs are missing: {listed(missing, SHOWN)}"
        if not audit.completed:
            yield (
                f"The audit is not complete. What was trained is kept in {lab.store_root}; "
                f"the same command goes on from there."
            )


def _is_shown(entry: Entry) -> bool:
    return entry.role != "control" and speaks_against_the_paper(entry)


def _told_by_pilots(audit: Audit) -> str:
    """Say of how many verdicts pilot seeds told the spread."""
    judged = [e for e in audit.entries if e.role != "control" and any(c.seeds for c in e.contrasts)]
    beside = sum(any(contrast.pilot for contrast in entry.contrasts) for entry in judged)
    return (
        f"pilots: of {beside} of {len(judged)} claims and rivals judged on seeds, pilot seeds told "
        "the spread, too; a pilot holds for its own trainings, sizes and versions alone, and not "
        "for trends and rates"
    )
