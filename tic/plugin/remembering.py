"""Whether the code of kinds is still that by which the Store was filled; see `tic.session.code`."""

from __future__ import annotations

import pytest

from tic.plugin.state import State, claim_of
from tic.plugin.terminal import columns, write_lines
from tic.plugin.verdict_table import wrapped
from tic.text import listed

SHOWN = 5
"""Kinds that are named."""


class Remembering:
    """Compares code before anything is trained, and tells of it in the end."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._changed: tuple[str, ...] = ()

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Read the code as it is now, before anything is trained by it."""
        state = self.state
        if state.is_worker or not state.runs_claims:
            return
        from tic.kinds import foreign_modules
        from tic.session.code import changed_kinds, codes_of, keep_codes, kept_codes

        tests = [item for item in session.items if isinstance(item, pytest.Function)]
        modules = {test.module.__name__ for test in tests if claim_of(test)}
        for run in state.session.plan:
            modules |= foreign_modules(run.recipe)
        store = state.session.lab.store
        before, now = kept_codes(store), codes_of(modules)
        self._changed = state.session.changed_code = tuple(changed_kinds(before, now))
        if not state.tells_only:
            keep_codes(store, before, now)

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Tell which code is another."""
        if self._changed:
            from tic.session.code import FILE

            terminalreporter.section("changed code")
            text = (
                f"the code of {listed(self._changed, SHOWN)}, or what that names, is another than "
                "what this Store was filled by, at the same version: where it does something else "
                "now, raise the version, and what was stored of it is made anew; where it does the "
                f"same, remove {self.state.session.lab.store_root / FILE}"
            )
            write_lines(terminalreporter, wrapped(text, columns(terminalreporter)))
