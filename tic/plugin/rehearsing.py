"""Rehearsals: the test of a claim runs as far as the Store allows, and tells what it lacks.

What is to be measured only the tests of the claims know. So a test runs until it asks for something
that the Store does not have, an engine takes that, and the test runs again.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

import pytest
from _pytest.runner import runtestprotocol

from tic.errors import NotApplicableError, TicError
from tic.mistakes import sentence_of
from tic.plugin.state import JUDGE, State, entry_id

if TYPE_CHECKING:
    from tic.audit.judge import Judge
    from tic.measure.measurement import Measurement
    from tic.recipe import Recipe


@dataclass(frozen=True)
class Rehearsal:
    """How a test ran.

    Attributes:
        lacking: Measurements, and the Recipes of their Runs, that the Store does not have.
        judge: What the test judged, where it ran to its end.
    """

    lacking: Sequence[tuple[Measurement, Recipe]]
    judge: Judge | None


class Rehearsing:
    """Runs tests without anybody hearing of it."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._failed = False
        self._error: BaseException | None = None

    def require_sound(self, item: pytest.Item) -> None:
        """Run the test of a claim up to the first Run that it asks for, before any is trained.

        Raises:
            TicError: It ends in an error before that, which hours of training would not mend. It is
                kept in `State.mistakes`.
        """
        from tic.lab import noting_asked

        self.state.before_training = True
        try:
            with noting_asked() as asked:
                self.rehearse(item)
        finally:
            self.state.before_training = False
        if isinstance(error := self._error, Exception) and not (asked or _says_no(error)):
            self.state.mistakes[entry_id(item)] = error
            raise TicError(
                f"{entry_id(item)}: its test fails before it asks for a Run, so that none is "
                f"trained for it: {sentence_of(error)}"
            )

    def rehearse(self, item: pytest.Item) -> Rehearsal:
        """Run the test of a claim whose Runs are there; whatever else fails is for the audit."""
        from tic.measure.measurement import rehearsal

        self.state.rehearses, self._failed, self._error = True, False, None
        try:
            with rehearsal() as lacking:
                runtestprotocol(item, log=False, nextitem=None)
        except BaseException:  # Ctrl-C, after which pytest tears nothing down
            _tear_down(item)
            raise
        finally:
            self.state.rehearses = False
            self.state.session.forget_what_was_looked_at()
        return Rehearsal(lacking, None if self._failed else item.stash.get(JUDGE, None))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> pytest.TestReport | None:
        """Leave tracebacks out: to write them took most of the time of a rehearsal."""
        if not self.state.rehearses:
            return None
        if call.excinfo is not None:
            self._failed, self._error = True, self._error or call.excinfo.value
        outcome: Literal["passed", "failed"] = "failed" if call.excinfo else "passed"
        when = cast(Literal["setup", "call", "teardown"], call.when)
        return pytest.TestReport(item.nodeid, item.location, {}, outcome, None, when)


def _says_no(error: Exception) -> bool:
    """Whether an error says that there is nothing to judge, or to be measured first."""
    from tic.measure.measurement import NotMeasuredError

    return isinstance(error, NotApplicableError | NotMeasuredError)


def _tear_down(item: pytest.Item) -> None:
    """Leave a test that was interrupted as one that ended, so that others can be set up."""
    with suppress(Exception):  # what a fixture raises now hides no interruption
        item.session._setupstate.teardown_exact(None)
    if isinstance(item, pytest.Function):
        # It is run again, for which pytest makes both anew.
        item._request = False  # type: ignore[assignment]
        item.funcargs = None  # type: ignore[assignment]
