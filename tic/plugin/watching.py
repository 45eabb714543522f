"""While the tests run: one line about the plan; or, for --plan and --list, no tests at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import ExitStack
from typing import TYPE_CHECKING, TextIO

import pytest

from tic.plugin.state import State

if TYPE_CHECKING:
    from tic.engine.progress import ProgressLine


class Watching:
    """Shows how far the training is."""

    def __init__(self, state: State) -> None:
        self.state = state

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """Write the progress line for as long as tests run."""
        with ExitStack() as stack:
            if self._is_wanted() and (terminal := _terminal()):
                line = self._line(stack.enter_context(terminal))
                line.start()
                stack.callback(line.stop)
            return (yield)

    def _is_wanted(self) -> bool:
        state, asked = self.state, self.state.config.option
        if state.is_worker or not state.has_audit or state.tells_only or asked.collectonly:
            return False
        from tic.engine.plan import missing

        return bool(missing(state.session.plan, state.session.lab))

    def _line(self, terminal: TextIO) -> ProgressLine:
        from tic.engine.progress import ProgressLine

        every, start, end = (2.0, "\r", "\033[K") if terminal.isatty() else (30.0, "", "\n")

        def write(text: str) -> None:
            terminal.write(f"{start}{text}{end}")
            terminal.flush()

        return ProgressLine(self.state.session.plan, self.state.session.lab, write, every)


class TellOnly:
    """Stands in for the test loop when only the plan or a list is wanted."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self) -> bool:
        """Run nothing."""
        return True


def _terminal() -> TextIO | None:
    """Open standard output anew, since pytest captures the one that tests see."""
    try:
        return os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return None
