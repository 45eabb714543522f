"""Every write, seen from inside the process that writes: a log of them, and a hook at each."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

Act = Callable[[str, int | None], None]
"""Takes the kind of moment, and the handle of the file that is being written where there is one."""

SYNC, BEFORE, AFTER = "sync", "before", "after"
"""A file has its content; it is about to get its name; it has it."""


def watch(log: Path, act: Act) -> None:
    """From now on log what this process renames, and act at every moment of a write."""
    sync = os.fsync

    def watched_sync(handle: int) -> None:
        act(SYNC, handle)
        sync(handle)

    os.fsync = watched_sync
    os.replace = _watched(os.replace, log, act)
    os.rename = _watched(os.rename, log, act)


def _watched(rename: Callable[..., None], log: Path, act: Act) -> Callable[..., None]:
    def watched(source: Any, target: Any, **options: Any) -> None:
        act(BEFORE, None)
        rename(source, target, **options)
        # After it: a write counts when it cannot be lost any more.
        with log.open("ab", buffering=0) as file:
            file.write(os.fsencode(target) + b"\n")
        act(AFTER, None)

    return watched


def nothing(kind: str, handle: int | None) -> None:
    """Disturb nothing."""


def counting(total: Path) -> Act:
    """Keep count of the moments, one byte each."""

    def act(kind: str, handle: int | None) -> None:
        with total.open("ab", buffering=0) as file:
            file.write(kind[:1].encode())

    return act


def killed_at(number: int) -> Act:
    """Die at the n-th moment; a file that is being written is left half."""
    moments = count(1)

    def act(kind: str, handle: int | None) -> None:
        if next(moments) == number:
            if handle is not None:
                os.ftruncate(handle, os.fstat(handle).st_size // 2)
            os.kill(os.getpid(), signal.SIGKILL)

    return act


def after_write(number: int, happens: Callable[[], None]) -> Act:
    """Let something happen once n files have been written."""
    writes = count(1)

    def act(kind: str, handle: int | None) -> None:
        if kind == AFTER and next(writes) == number:
            happens()

    return act


def written(log: Path, store: Path) -> Counter[str]:
    """How often each result was written: states of epochs, whole Runs, measurements."""
    lines = log.read_bytes().splitlines() if log.exists() else []
    targets = (Path(os.fsdecode(line)) for line in lines)
    inside = (path.relative_to(store) for path in targets if path.is_relative_to(store))
    return Counter(str(path) for path in inside if _is_result(path))


def _is_result(path: Path) -> bool:
    kind = path.parts[0]
    return (
        (kind == "work" and path.name == "state.safetensors")
        or (kind == "runs" and len(path.parts) == 2)
        or kind == "measurements"
    )
