"""A bound on memory, so that whoever allocates what a number promises fails at once."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SPARE = 3 * 2**30
"""Bytes of address space beside what the process has; no case may need as much."""


def limit_memory() -> tuple[int, int]:
    """Limit the address space of this process; returns the limits that it had."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + SPARE
    resource.setrlimit(resource.RLIMIT_AS, (limit, before[1]))
    return before


@contextmanager
def limited_memory() -> Iterator[None]:
    """Limit the address space for as long as the context is open."""
    before = limit_memory()
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
