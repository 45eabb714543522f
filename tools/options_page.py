"""Every command and option on one page: `python -m tools.options_page` writes docs/options.md."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tic.cli.parsing import PASSING_ON, parser
from tic.plugin.options import OPTIONS

PAGE = Path(__file__).parents[1] / "docs" / "options.md"
_HEAD = """# Commands and options

This page is made by `make pages` from what the command line itself knows. What the options are
for is told in [auditing.md](auditing.md).

## Options of an audit

Of `tic audit`, `tic build`, `tic plan`, `tic claims`, `tic protocols` and `pytest` over claims.
Their full names begin with `--tic-`, such as `--tic-arch`; pytest's own options, such as `-n`, `-k`
and `-x`, work too.
"""


def options_page() -> str:
    """Return the page in Markdown."""
    commands = _commands()
    passing = {name for name, _, _ in PASSING_ON}
    rows = [
        (f"`{_usage(name, option)}`", _text(option["help"])) for name, option in OPTIONS.items()
    ]
    blocks = [_HEAD, _table(("option", "meaning"), rows), "## Commands"]
    listed = [(f"`tic {name}`", _text(helps)) for name, (helps, _) in commands.items()]
    blocks.append(_table(("command", "what it does"), listed))
    for name, (_, command) in commands.items():
        if name not in passing:
            blocks += [f"### tic {name}", _table(("argument", "meaning"), _arguments(command))]
    return "\n\n".join(block.strip() for block in blocks) + "\n"


def _commands() -> dict[str, tuple[str, argparse.ArgumentParser]]:
    (subparsers,) = (
        action for action in parser()._actions if isinstance(action, argparse._SubParsersAction)
    )
    helps = {choice.dest: choice.help or "" for choice in subparsers._choices_actions}
    return {name: (helps[name], command) for name, command in subparsers.choices.items()}


def _arguments(command: argparse.ArgumentParser) -> Iterator[tuple[str, str]]:
    for action in command._actions:
        if isinstance(action, argparse._HelpAction):
            continue
        name = next(iter(action.option_strings), action.metavar or action.dest)
        value = f" {action.metavar or action.dest.upper()}" if _takes_value(action) else ""
        yield f"`{name}{value}`", _text(action.help or "")


def _takes_value(action: argparse.Action) -> bool:
    return bool(action.option_strings) and action.nargs != 0


def _usage(name: str, option: dict[str, Any]) -> str:
    if option.get("action") == "store_true":
        return f"--{name}"
    return f"--{name} {option.get('metavar') or '|'.join(option['choices'])}"


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heads, ("---",) * len(heads), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )


def _text(words: str) -> str:
    return words.replace("<", "&lt;")


if __name__ == "__main__":
    PAGE.write_text(options_page(), encoding="utf-8")
