"""Scripts by which a shell completes commands, options, files and folders."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from tic.errors import TicError, require_known

SHELLS = ("bash", "zsh", "fish")
_FOLDERS = {"folder", "report_dir", "store", "data", "into"}


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """Return the script for a shell.

    Args:
        parser: Of the command line, with the options of an audit. It is changed.
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
    for command in _commands(parser):
        for action in command._actions:
            if action.dest in _FOLDERS:
                action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
            elif action.type is Path:
                action.complete = shtab.FILE  # type: ignore[attr-defined]
    return str(shtab.complete(parser, shell))


def _commands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.values()
