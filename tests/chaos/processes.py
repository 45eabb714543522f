"""Processes that are disturbed: forks of this one, which has imported everything, or fresh ones."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

DEADLINE = 240.0
"""Seconds after which a process counts as hanging; an audit takes some seconds."""

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ended:
    """How a process ended.

    Attributes:
        status: Exit status, negative for the signal that killed it, None when it hung.
        text: What it wrote.
    """

    status: int | None
    text: str


@dataclass(frozen=True)
class Child:
    """A fork.

    Attributes:
        process: Its id.
        output: File that takes what it writes.
    """

    process: int
    output: Path

    def ends_within(self, seconds: float) -> bool:
        """Wait; whether it has ended."""
        handle = os.pidfd_open(self.process)
        try:
            return bool(select.select([handle], [], [], seconds)[0])
        finally:
            os.close(handle)

    def kill(self) -> None:
        """End it at once."""
        os.kill(self.process, signal.SIGKILL)

    def end(self, seconds: float = DEADLINE) -> Ended:
        """Wait for its end, and kill it when it does not come."""
        in_time = self.ends_within(seconds)
        if not in_time:
            self.kill()
        _, status = os.waitpid(self.process, 0)
        text = self.output.read_text(encoding="utf-8", errors="replace")
        return Ended(os.waitstatus_to_exitcode(status) if in_time else None, text)


def fork(work: Callable[[], int], output: Path) -> Child:
    """Start a function in a copy of this process; its result is the exit status."""
    sys.stdout.flush()
    sys.stderr.flush()
    process = os.fork()
    if process == 0:
        _become(work, output)
    return Child(process, output)


def _become(work: Callable[[], int], output: Path) -> None:
    status = 70
    try:
        target = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        for stream in (1, 2):
            os.dup2(target, stream)
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        status = int(work())
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def fresh(
    program: str, arguments: list[str], folder: Path, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Start a program of Python in an interpreter of its own, in a session of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def end_of(process: subprocess.Popen[bytes], seconds: float = DEADLINE) -> Ended:
    """Wait for a fresh process, and kill it and all that it started when it hangs."""
    try:
        written, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        written, _ = process.communicate()
        return Ended(None, written.decode(errors="replace"))
    return Ended(process.returncode, written.decode(errors="replace"))
