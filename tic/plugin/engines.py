"""The engine that trains and measures before claims are judged, and whether that is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tic.errors import TicError
from tic.plugin.state import State

if TYPE_CHECKING:
    from tic.engine.engine import Engine

DEFAULT_ENGINE = "local"


def ends_with_collection(session: pytest.Session) -> bool:
    """Whether pytest runs no test, since some file could not be collected."""
    goes_on = session.config.option.continue_on_collection_errors
    return bool(session.testsfailed) and not goes_on


def start_chosen_engine(state: State) -> Engine:
    """Start the engine that the command line asks for.

    Raises:
        pytest.UsageError: There is none of the name, or it cannot start.
    """
    from tic.engine.engine import EngineSettings, start_engine

    flags = state.flags
    processes = getattr(state.config.option, "numprocesses", None)
    settings = EngineSettings(flags.device, processes or None, flags.address)
    try:
        return start_engine(flags.engine or DEFAULT_ENGINE, settings)
    except TicError as error:
        raise pytest.UsageError(str(error)) from None
