"""The fixtures of claims: `runs`, `judge`, `setting`, `protocol`, `control`.

Only the tests of claims get them. They are registered for the modules and classes that hold claims,
over whatever a conftest or another plugin calls by these names; a test there that decides no claim
is given what it would have got without them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.compat import safe_getattr

from tic.plugin.state import JUDGE, MARK, STATE, claim_of, entry_id

if TYPE_CHECKING:
    from tic.audit.control import Control
    from tic.audit.judge import Judge
    from tic.audit.pack import Setting
    from tic.audit.protocol import Protocol
    from tic.audit.runs import SeedRuns
    from tic.session.planned import PlannedEntry

_SEEN = pytest.StashKey[bool]()


class Giving:
    """Registers the fixtures where claims are."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_pycollect_makeitem(self, collector: pytest.Module | pytest.Class) -> None:
        """Look through a module or class before the first of its tests is made."""
        if _SEEN not in collector.stash:
            collector.stash[_SEEN] = True
            if _holds_claims(collector.obj):
                for fixture in (runs, judge, setting, protocol, control):
                    _register(fixture, collector)


def _holds_claims(holder: object) -> bool:
    """Whether one of the tests of a module or class, or the class itself, is marked as a claim.

    Whatever else a module holds is looked at, too, such as a proxy that raises at any attribute.
    """
    owners = getattr(holder, "__mro__", (holder,))
    members = (member for owner in owners for member in vars(owner).values())
    marked = (safe_getattr(marked, "pytestmark", ()) for marked in (*owners, *members))
    return any(
        getattr(mark, "name", None) == MARK
        for marks in marked
        if isinstance(marks, list)
        for mark in marks
    )


def _register(fixture: Callable[..., Any], collector: pytest.Module | pytest.Class) -> None:
    if hasattr(pytest, "register_fixture"):
        pytest.register_fixture(name=fixture.__name__, func=fixture, node=collector)
    else:  # pytest 9.0 and older have no public way
        collector.session._fixturemanager._register_fixture(
            name=fixture.__name__, func=fixture, nodeid=collector.nodeid
        )


def _planned(request: pytest.FixtureRequest) -> PlannedEntry:
    return request.config.stash[STATE].session.planned[entry_id(request.node)]


def _elses(request: pytest.FixtureRequest) -> Any:
    """Return what somebody else gives by the name of this fixture, to a test that is no claim.

    Raises:
        pytest.UsageError: Nobody does.
    """
    try:
        return request.getfixturevalue(str(request.fixturename))
    except pytest.FixtureLookupError as error:
        if error.argname != request.fixturename:
            raise
        raise pytest.UsageError(
            f"{request.node.nodeid} asks for the fixture {error.argname}, which only claims have; "
            "decorate it with tic.audit.claim"
        ) from None


def runs(
    request: pytest.FixtureRequest, tic_setting: None, tic_protocol: None, tic_control: None
) -> SeedRuns | dict[str, SeedRuns]:
    """The trained Runs that the claim needs, one per seed; by role where it named roles."""
    if not claim_of(request.node):
        return _elses(request)  # type: ignore[no-any-return]
    state, planned = request.config.stash[STATE], _planned(request)
    trained = state.session.trained(planned) if state.rehearses else state.session.runs(planned)
    if not state.before_training:
        state.session.test_trainings(planned)
    return trained


def judge(request: pytest.FixtureRequest, tic_control: Control | None) -> Iterator[Judge]:
    """Records the claim's contrasts and what is shown beside them; see `tic.audit.judge`."""
    if not claim_of(request.node):
        yield _elses(request)
        return
    from tic.audit.judge import Judge
    from tic.session.pilots import pilot_effects

    planned, lab = _planned(request), request.config.stash[STATE].session.lab
    seeds = planned.setting.seeds if planned.claim.needs else ()
    recorder = Judge(seeds, planned.confidence, pilot_of=partial(pilot_effects, planned, lab))
    request.node.stash[JUDGE] = recorder
    with tic_control.planted() if tic_control else nullcontext():
        yield recorder


def setting(request: pytest.FixtureRequest, tic_setting: Setting | None) -> Setting | None:
    """The setting that the claim is put to the test in."""
    if not claim_of(request.node):
        return _elses(request)  # type: ignore[no-any-return]
    return _planned(request).setting if tic_setting else None


def protocol(request: pytest.FixtureRequest, tic_protocol: Protocol | None) -> Protocol | None:
    """How what the paper leaves open is read."""
    return tic_protocol if claim_of(request.node) else _elses(request)


def control(request: pytest.FixtureRequest, tic_control: Control | None) -> Control | None:
    """What is planted so that the claim is false; nothing without `--controls`."""
    return tic_control if claim_of(request.node) else _elses(request)
