"""Whether the code of kinds is still that by which the Store was filled; see `tic.session.code`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tic.plugin.closing import wrapped
from tic.plugin.state import State, claim_of
from tic.plugin.terminal import write_lines
from tic.text import listed

if TYPE_CHECKING:
    from tic.session.code import Codes

SHOWN = 5
"""Kinds that are named."""


class Remembering:
    """Compares code before anything is trained, and tells of it in the end."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._now: Codes = {}
        self._before: Codes = {}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Read the code as it is now; a Store that does not know a kind yet is told of it."""
        state = self.state
        if state.is_worker or not state.has_audit or session.config.option.collectonly:
            return
        from tic.kinds import foreign_modules
        from tic.session.code import codes_of, keep_codes, kept_codes

        tests = [item for item in session.items if isinstance(item, pytest.Function)]
        modules = {test.module.__name__ for test in tests if claim_of(test)}
        for planned in state.session.plan:
            modules |= foreign_modules(planned.recipe)
        self._now, self._before = codes_of(modules), kept_codes(state.session.lab.store)
        keep_codes(state.session.lab.store, {**self._now, **self._before})

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Tell which code is another, once."""
        if not self._now:
            return
        from tic.session.code import changed_kinds, keep_codes

        if changed := changed_kinds(self._before, self._now):
            terminalreporter.section("changed code")
            text = (
                f"the code of {listed(changed, SHOWN)}, or what that names, is another than when "
                "this Store was last used, at the same version: where it does something else now, "
                "raise the version, and what was stored of it is made anew"
            )
            write_lines(terminalreporter, wrapped(text, terminalreporter._tw.fullwidth - 1))
        keep_codes(self.state.session.lab.store, {**self._before, **self._now})
