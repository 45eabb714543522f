"""Makes the features of the spoken digits again; see `tic.data.speech.corpus`."""

from __future__ import annotations

import sys
from pathlib import Path

from tic.data.speech.corpus import write
from tic.errors import TicError


def main(arguments: list[str]) -> int:
    """Write them to the file that is named; returns the exit status."""
    if len(arguments) != 1:
        print("usage: python -m tic.data.speech FILE", file=sys.stderr)
        return 2
    try:
        write(Path(arguments[0]))
    except (OSError, TicError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
