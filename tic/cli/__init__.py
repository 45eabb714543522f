"""The command `tic`: audits and their reports without knowing pytest."""

from __future__ import annotations

import argparse
import io
import os
import sys
import traceback
from collections.abc import Sequence

from tic.cli.parsing import own_count, parser
from tic.errors import TicError
from tic.writing import reason

REFUSED, FAILED, INTERRUPTED = 2, 70, 130
"""Exit statuses; those of audits are in `tic.plugin.outcomes`. 70 is EX_SOFTWARE of sysexits.h."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        0 when the command did what it was asked for, 1 when `diff` found a difference or `verify` a
        fault, or when nobody reads what is printed, 2 when the command was refused or cannot write
        what it prints, 70 when tic itself failed, 130 after Ctrl-C. Of `audit` and the others that
        pytest does its exit status, which `tic.plugin.outcomes` states for audits.
    """
    if sys.stdout is None:  # closed by whoever called
        print("tic: standard output must be open, got a closed one", file=sys.stderr)
        return REFUSED
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
        return REFUSED
    except BrokenPipeError:  # whoever reads has enough, as behind `| head`
        _leave_unwritten()
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        _leave_unwritten()
        print(f"tic: {reason(error)}; nothing after that was written", file=sys.stderr)
        return REFUSED
    except Exception:  # no status that says that something was compared
        traceback.print_exc()
        print("tic: this is a fault of tic itself; report it with the lines above", file=sys.stderr)
        return FAILED
    return status


def _leave_unwritten() -> None:
    """Give up what is still to be printed, which would fail again when the interpreter ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _show_any_letter() -> None:
    """Escape what a terminal has no letter for, instead of failing on it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
