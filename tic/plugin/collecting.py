"""Collection: claims in their settings, the plan, and what is refused before anything trains."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tic.errors import TicError
from tic.plugin.state import MARK, State, case_of, claim_of

if TYPE_CHECKING:
    from tic.audit.claim import Pack, Setting


class Collecting:
    """Finds the claims and plans the audit."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._pytest_session: pytest.Session | None = None

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Put a claim to the test in every setting that was asked for."""
        mark = next(metafunc.definition.iter_markers(MARK), None)
        if mark is None or "runs" not in metafunc.fixturenames:
            return
        settings = self._settings(mark.args[0].pack)
        metafunc.parametrize("setting", settings, ids=[each.label for each in settings])

    def _settings(self, pack: Pack) -> list[Setting]:
        try:
            return self.state.options.settings(pack)
        except TicError as error:
            self.state.refuse(error)
            return [pack.setting(pack.own)]

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out what --claim does not name."""
        if not self.state.config.option.claim:
            return
        dropped = [item for item in items if not self._is_selected(item)]
        self.state.config.hook.pytest_deselected(items=dropped)
        items[:] = [item for item in items if item not in dropped]

    def _is_selected(self, item: pytest.Item) -> bool:
        claim = claim_of(item)
        try:
            return claim is not None and self.state.options.selects(claim)
        except TicError as error:
            self.state.refuse(error)
            return False

    def pytest_deselected(self) -> None:
        """Remember that the audit is of a part only."""
        self.state.is_partial = True

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Plan the audit; refuse what cannot be done."""
        claims = [item for item in session.items if claim_of(item)]
        try:
            if claims and not self.state.faults:
                self._plan(claims)
        except TicError as error:
            self.state.refuse(error)
        if self.state.faults:
            raise pytest.UsageError("\n".join(dict.fromkeys(self.state.faults)))

    def _plan(self, items: list[pytest.Item]) -> None:
        from tic.audit.session import plan_entry

        session = self.state.session
        for item in items:
            claim = claim_of(item)
            assert claim is not None
            parameters = dict(item.callspec.params) if hasattr(item, "callspec") else {}
            setting = parameters.pop("setting", None)
            planned = plan_entry(claim, case_of(item), setting, parameters)
            if planned.id in session.planned:
                raise TicError(f"two tests decide {planned.id}; claims need distinct parameters")
            session.planned[planned.id] = planned
        for run in session.plan:
            session.lab.fingerprint(run.recipe)  # missing data is found now, not hours later
        _ = self.state.expected
        self.state.claims_folder = items[0].path.parent
        self.state.has_audit = True

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Keep the session for when workers are about to start."""
        self._pytest_session = session

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_setupnodes(self) -> None:
        """Collect in the controller too, before its workers start: it refuses and plans."""
        if self._pytest_session is not None and _may_hold_claims(self.state.config):
            self._pytest_session.perform_collect()


def _may_hold_claims(config: pytest.Config) -> bool:
    """Whether some file among the arguments imports what claims are made with."""
    paths = [Path(str(argument).split("::")[0]) for argument in config.args]
    files = [file for path in paths for file in ([path] if path.is_file() else path.rglob("*.py"))]
    return any("tic.audit" in file.read_text(encoding="utf-8", errors="ignore") for file in files)
