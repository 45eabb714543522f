"""Scripts by which a shell completes commands, options, files and folders."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from tic.cli.parsing import parser
from tic.errors import TicError, require_known

SHELLS = ("bash", "zsh", "fish")
_FOLDERS = {"folder", "report_dir", "store", "data", "into"}


def script(shell: str) -> str:
    """Return the script for a shell.

    Args:
        shell: One of `SHELLS`.

    Raises:
        TicError: The shell is none of them, or shtab, which writes the scripts, is not installed.
    """
    require_known("shell", shell, SHELLS)
    try:
        import shtab
    except ImportError:
        raise TicError(
            "completion needs shtab, which is not installed; pip install 'tic-audit[completion]'"
        ) from None
    tic = parser(with_audit_options=True)
    for command in _commands(tic):
        for action in command._actions:
            if action.dest in _FOLDERS:
                action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
            elif action.type is Path:
                action.complete = shtab.FILE  # type: ignore[attr-defined]
    return str(shtab.complete(tic, shell))


def _commands(tic: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    for action in tic._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.values()
