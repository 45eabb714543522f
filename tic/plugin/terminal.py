"""Text on pytest's terminal."""

from __future__ import annotations

import pytest

from tic.text import visible


def columns(terminal: pytest.TerminalReporter) -> int:
    """Columns to write in: one is left free, where some terminals go to a new line."""
    return terminal._tw.fullwidth - 1


def write_lines(terminal: pytest.TerminalReporter, text: str, **style: bool) -> None:
    """Write a text line by line, with what hides in it made visible.

    Where the terminal lacks a letter pytest escapes the whole of what it is given, line breaks too.
    """
    for line in text.split("\n"):
        terminal.write_line(visible(line), **style)
