"""While the tests run: one line about the plan; or, for --plan and --list, no tests at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import TYPE_CHECKING, TextIO

import pytest

from tic.errors import TicError
from tic.plugin.state import State, claim_of, entry_id
from tic.plugin.terminal import write_lines
from tic.text import shorten

if TYPE_CHECKING:
    from tic.plugin.rehearsing import Rehearsing
    from tic.session.session import AuditSession


class Watching:
    """Shows how far the training is."""

    def __init__(self, state: State) -> None:
        self.state = state

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """Write the progress line for as long as tests run."""
        with progress_line(self.state.session) if self._is_wanted() else nullcontext():
            return (yield)

    def _is_wanted(self) -> bool:
        if not self.state.audits_here:
            return False
        from tic.engine.plan import missing

        session = self.state.session
        try:
            return bool(missing(session.plan, session.lab))
        except TicError:  # reported by the claims that meet it
            return False


class TellOnly:
    """Stands in for the test loop when only the plan or a list is wanted."""

    def __init__(self, state: State, rehearsing: Rehearsing) -> None:
        self.state, self.rehearsing = state, rehearsing
        self.mistakes: list[str] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run nothing; for a plan, tests whose Runs are missing up to the first they ask for."""
        if self.state.flags.plan and self.state.runs_claims:
            for item in self._lacking(session.items):
                try:
                    self.rehearsing.require_sound(item)
                except TicError as error:
                    self.mistakes.append(str(error))
            session.testsfailed += len(self.mistakes)
        return True

    def _lacking(self, items: list[pytest.Item]) -> list[pytest.Item]:
        from tic.engine.plan import missing

        session = self.state.session
        absent = {run.recipe for run in missing(session.plan, session.lab)}
        planned = ((item, session.planned[entry_id(item)]) for item in items if claim_of(item))
        return [item for item, entry in planned if not absent.isdisjoint(entry.seeded_recipes)]

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Tell below the plan which tests would fail however much is trained."""
        for mistake in self.mistakes:
            write_lines(terminalreporter, mistake, red=True)


def progress_line(
    session: AuditSession, also: Callable[[], str] | None = None
) -> AbstractContextManager[None]:
    """Write how far the plan is for as long as the context is open."""
    from tic.engine.progress import PlanProgress

    return text_now_and_then(PlanProgress(session.plan, session.lab, also).text)


@contextmanager
def text_now_and_then(text: Callable[[], str | None]) -> Iterator[None]:
    """Write a text that changes for as long as the context is open; see `ProgressLine`."""
    from tic.engine.progress import ProgressLine

    with ExitStack() as stack:
        if terminal := _terminal():
            stack.enter_context(terminal)
            every, start, end = (2.0, "\r", "\033[K") if terminal.isatty() else (30.0, "", "\n")

            def write(line: str) -> None:
                shown = fitted(line, _columns(terminal)) if terminal.isatty() else line
                terminal.write(f"{start}{shown}{end}")
                terminal.flush()

            line = ProgressLine(text, write, every)
            line.start()
            stack.callback(line.stop)
        yield


def fitted(line: str, width: int) -> str:
    """Cut a line to a width, before what it says in brackets at its end, such as the time so far.

    A line that is wrapped cannot be written over, and the next one would stand below it.
    """
    if len(line) <= width:
        return line
    head, bracket, end = line.rpartition(" (")
    tail = f"{bracket}{end}" if head and end.endswith(")") else ""
    room = width - len(tail)
    return f"{shorten(head if tail else line, room)}{tail}" if room > 1 else shorten(line, width)


def _columns(terminal: TextIO) -> int:
    """Columns to write in: one is left free, where some terminals go to a new line."""
    try:
        return max(os.get_terminal_size(terminal.fileno()).columns, 20) - 1
    except OSError:
        return 79


def _terminal() -> TextIO | None:
    """Open standard output anew, since pytest captures the one that tests see."""
    try:
        return os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return None
