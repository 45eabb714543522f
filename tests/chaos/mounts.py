"""File systems made for a trial, which vanish with the process that made them."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.chaos.processes import fork

_NEW_MOUNTS, _NEW_USER = 0x00020000, 0x10000000
"""Flags of unshare(2), as sched.h numbers them."""


def with_mounts(work: Callable[[], list[str]], folder: Path) -> list[str] | None:
    """Call a function in a fork that may mount file systems which nobody else sees.

    Args:
        work: Returns what was lost.
        folder: For what it says.

    Returns:
        What it returned, or None where this machine does not allow it.
    """
    answer, output = folder / "answer.json", folder / "mounts-output"

    def answering() -> int:
        if not _may_mount():
            return 1
        answer.write_text(json.dumps(work()))
        return 0

    answer.unlink(missing_ok=True)
    ended = fork(answering, output).end(seconds=3600)
    if ended.status == 1:
        return None
    if ended.status != 0:
        return [f"the trial itself broke: {ended.text[-600:]}"]
    found: list[str] = json.loads(answer.read_text())
    return found


def small_disk(folder: Path, size: int) -> None:
    """Mount a file system of so many bytes, or give the one that is there this size."""
    folder.mkdir(parents=True, exist_ok=True)
    again = "remount," if folder.is_mount() else ""
    _mount("-t", "tmpfs", "-o", f"{again}size={size}", "tmpfs", str(folder))


def read_only(folder: Path) -> None:
    """Let nobody write below a folder."""
    _mount("--bind", str(folder), str(folder))
    _mount("-o", "remount,bind,ro", str(folder))


def writable(folder: Path) -> None:
    """Undo `read_only`."""
    subprocess.run(["umount", str(folder)], check=True, capture_output=True)


def fill(folder: Path) -> Path:
    """Leave no room on the disk of a folder; return the file that takes it."""
    filler = folder / "filler"
    handle = os.open(filler, os.O_WRONLY | os.O_CREAT, 0o666)
    try:
        while True:
            os.write(handle, bytes(4096))
    except OSError:
        return filler
    finally:
        os.close(handle)


def _may_mount() -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    if libc.unshare(_NEW_MOUNTS) != 0:
        if libc.unshare(_NEW_USER | _NEW_MOUNTS) != 0:
            return False
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    try:
        _mount("--make-rprivate", "/")
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)
