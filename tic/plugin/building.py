"""`--build`: Runs and measurements of the collected claims are made, and nothing is judged."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from tic.plugin.engines import ends_with_collection, start_chosen_engine
from tic.plugin.rehearsing import Rehearsing
from tic.plugin.state import NO_CLAIMS, State, claim_of, entry_id
from tic.plugin.terminal import write_lines
from tic.plugin.watching import progress_line

if TYPE_CHECKING:
    from tic.engine.building import Build, Question
    from tic.engine.job import Job
    from tic.session.planned import PlannedEntry


class Building:
    """Stands in for the test loop."""

    def __init__(self, state: State, rehearsing: Rehearsing) -> None:
        self.state, self.rehearsing = state, rehearsing
        self.build: Build | None = None
        self.problems: list[str] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Build; faults make the exit status 1, as failed tests do."""
        if ends_with_collection(session):
            raise session.Interrupted(f"{session.testsfailed} errors during collection")
        if self.state.runs_claims:
            self.build = self._build(session.items)
            planned = self.state.session.planned.values()
            faults = (f"{entry.id}: {entry.fault}" for entry in planned if entry.fault)
            self.problems = [*faults, *self.build.faults]
            session.testsfailed += len(self.problems)
        return True

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail where there was nothing to build, such as in a folder that was misspelt."""
        if not self.state.has_audit and session.exitstatus == pytest.ExitCode.OK:
            self.problems = [NO_CLAIMS]
            session.exitstatus = pytest.ExitCode.NO_TESTS_COLLECTED

    def _build(self, items: list[pytest.Item]) -> Build:
        from tic.engine.building import Build, longest_chain

        audit = self.state.session
        if audit.nothing_runs:
            raise pytest.UsageError(audit.nothing_runs)
        urgency = longest_chain(run.recipe for run in audit.plan)
        with start_chosen_engine(self.state) as engine:
            self.build = build = Build(engine, audit.lab, urgency)
            with progress_line(audit, build.progress_text):
                build.run(self._questions(items))
        return build

    def _questions(self, items: list[pytest.Item]) -> list[Question]:
        """What the claims lack; a claim without Runs asks for nothing."""
        planned = [
            (item, self.state.session.planned[entry_id(item)]) for item in items if claim_of(item)
        ]
        return [
            partial(self._lacking, item, entry) for item, entry in planned if entry.seeded_recipes
        ]

    def _lacking(self, item: pytest.Item, entry: PlannedEntry) -> list[Job]:
        """The Runs of a claim that are not there; then what its test could not read."""
        from tic.engine.job import Job

        lab, worker_lab = self.state.session.lab, self.state.worker_lab
        absent = [recipe for recipe in entry.seeded_recipes if not lab.has(recipe, verify=True)]
        if absent:
            self.rehearsing.require_sound(item)
            return [Job(recipe, worker_lab) for recipe in absent]
        lacking = self.rehearsing.rehearse(item).lacking
        return [Job(recipe, worker_lab, measurement) for measurement, recipe in lacking]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Tell what was made, what failed, and what comes next."""
        from tic.engine.sharing import is_there

        write = partial(write_lines, terminalreporter)
        if self.build or self.problems:
            terminalreporter.section("build")
        for problem in self.problems:
            write(problem, red=True)
        if self.build is None:
            return
        audit = self.state.session
        finished = sum(is_there(run.recipe, audit.lab) for run in audit.plan)
        write(
            f"{finished} of {len(audit.plan)} Runs are in {audit.lab.store_root}; "
            f"{self.build.trained} were trained now, {self.build.measured} measurements taken."
        )
        if lost := sum(self.build.lost.values()):
            write(f"Workers were lost in the middle of a job {lost} times; each was begun again.")
