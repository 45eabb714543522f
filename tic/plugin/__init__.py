"""The pytest plugin: a test run over claims becomes an audit.

It stays out of the way of every test that is no claim: what it registers everywhere has names of
its own, and heavy imports happen when claims are found.
"""

from __future__ import annotations

from collections.abc import Generator

import pytest

from tic.plugin.building import Building
from tic.plugin.collecting import Collecting
from tic.plugin.concluding import Concluding
from tic.plugin.fixtures import Giving
from tic.plugin.judging import Judging
from tic.plugin.options import add_options, check_options, name_in_full
from tic.plugin.rehearsing import Rehearsing
from tic.plugin.remembering import Remembering
from tic.plugin.spending import Spending
from tic.plugin.state import MARK, STATE, State
from tic.plugin.stopping import Stopping
from tic.plugin.watching import TellOnly, Watching


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of an audit."""
    add_options(parser)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Generator[None]:
    """Understand the options without their prefix, where claims are."""
    yield from name_in_full(early_config, parser, args)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Register the mark and the phases of an audit."""
    config.addinivalue_line("markers", f"{MARK}(claim): the test decides a claim of a paper")
    state = State(config)
    check_options(state.flags)
    config.stash[STATE] = state
    if state.tells_only or state.uses_engine:
        # They are made in one process; workers of xdist would only start up and leave again.
        config.option.dist, config.option.tx = "no", []
    for phase in _phases(state):
        config.pluginmanager.register(phase, f"tic-{type(phase).__name__.lower()}")


def _phases(state: State) -> tuple[object, ...]:
    """Of the audit, of a build, or of what only tells."""
    rehearsing, remembering = Rehearsing(state), Remembering(state)
    first = (Giving(), Collecting(state), Stopping(state))
    if state.builds:
        return (*first, remembering, rehearsing, Building(state, rehearsing))
    judging = (Judging(state), Concluding(state))
    if state.tells_only:
        return (TellOnly(state, rehearsing), *first, *judging, remembering, rehearsing)
    if state.uses_engine:
        return (*first, remembering, rehearsing, Spending(state, rehearsing), *judging)
    return (*first, remembering, Watching(state), *judging)


@pytest.fixture
def tic_setting() -> None:
    """The setting of a claim, which is parametrised; see `tic.plugin.fixtures`."""


@pytest.fixture
def tic_protocol() -> None:
    """The protocol of a claim, likewise."""


@pytest.fixture
def tic_control() -> None:
    """What is planted in a claim, likewise."""
