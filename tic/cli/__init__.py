"""The command `tic`: audits and their reports without knowing pytest."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence

from tic.cli.parsing import own_count, parser
from tic.errors import TicError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        0 when the command did what it was asked for, 1 when `diff` found a difference or `verify` a
        fault, or when nobody reads what is printed, 2 when the command was refused. Of `audit` and
        the others that pytest does its exit status, which `tic.plugin.outcomes` states for audits.
    """
    _show_any_letter()
    given = list(sys.argv[1:] if arguments is None else arguments)
    if {"-h", "--help"} & set(given[1:]):
        parser(with_audit_options=True).parse_args([given[0], "--help"])  # and leaves
    count = own_count(given)
    flags = parser().parse_args(given[:count], argparse.Namespace(rest=given[count:]))
    try:
        status = int(flags.run(flags))
        sys.stdout.flush()
    except TicError as error:
        print(f"tic: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever reads has enough, as behind `| head`
        # What is still to be written when the interpreter ends would fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


def _show_any_letter() -> None:
    """Escape what a terminal has no letter for, instead of failing on it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
