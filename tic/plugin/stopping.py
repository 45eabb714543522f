"""SIGTERM, by which CI cancels a job or lets it time out, ends an audit as Ctrl-C does."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator

import pytest

from tic.plugin.state import State


class Stopping:
    """Lets what was judged before SIGTERM be reported."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._heeds = False

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self) -> None:
        """Heed it from here on, unless somebody else does; workers are ended by who started them.

        Python lets the main thread alone set handlers.
        """
        wanted = self.state.has_audit and not self.state.is_worker
        in_main_thread = threading.current_thread() is threading.main_thread()
        if wanted and in_main_thread and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, signal.default_int_handler)
            self._heeds = True

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self) -> Generator[None, None, None]:
        """Ignore it while the report is written, after which the process ends anyway."""
        self._change(signal.default_int_handler, signal.SIG_IGN)
        return (yield)

    def pytest_unconfigure(self) -> None:
        """Leave the process as it was."""
        self._change(signal.SIG_IGN, signal.SIG_DFL)
        self._change(signal.default_int_handler, signal.SIG_DFL)

    def _change(self, own: object, other: signal.Handlers) -> None:
        """Replace a handler of ours, where nobody has replaced it since."""
        if self._heeds and signal.getsignal(signal.SIGTERM) is own:
            signal.signal(signal.SIGTERM, other)
