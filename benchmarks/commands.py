"""Commands as users type them, timed in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence

from benchmarks.harness import NotMeasuredError

PYTEST = ("-m", "pytest", "-p", "no:cacheprovider")
# What the installed script `tic` does.
TIC = ("-c", "import sys; from tic.cli import main; sys.exit(main())")


def run(arguments: Sequence[str]) -> tuple[float, str]:
    """Run this Python with arguments, one thread per process.

    It may keep compiled modules, as Python and pytest do where nobody forbids it.

    Returns:
        Wall-clock seconds, and what it printed.

    Raises:
        NotMeasuredError: It failed, as an audit does that has an ERROR.
    """
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, env=environment
    )
    took = time.perf_counter() - started
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or [""]
        command = " ".join(arguments)
        raise NotMeasuredError(f"{command} ended with {done.returncode}: {lines[-1]}")
    return took, done.stdout
