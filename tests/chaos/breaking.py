"""What holds the promises, taken away on purpose: the bench must notice."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def break_rename() -> None:
    """Copy a file into its place piece by piece."""
    rename = os.replace

    def copied(source: Any, target: Any, **options: Any) -> None:
        if not Path(source).is_file():
            rename(source, target, **options)
            return
        content = Path(source).read_bytes()
        with Path(target).open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(source).unlink()

    os.replace = copied


def break_lock() -> None:
    """Let everybody have every lock at once."""
    from tic.store import Store

    @contextmanager
    def free(store: Store, name: str, **options: Any) -> Iterator[bool]:
        yield True

    Store.lock = free  # type: ignore[method-assign]


def break_manifest() -> None:
    """Take every Run that has a manifest for whole."""
    from tic import store

    store.fault_of = lambda folder: None  # type: ignore[assignment]


BREAKS: dict[str, Callable[[], None]] = {
    "rename": break_rename,
    "lock": break_lock,
    "manifest": break_manifest,
}
