"""Memory: how much is free, which decides how much is done at a time, and what to do without."""

from __future__ import annotations

import ctypes
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from tic.errors import TicError

_UNKNOWN = 2**31
"""Bytes taken to be free where the system does not tell."""


def free_bytes(device: torch.device) -> int:
    """Memory that can still be had on a device, in bytes.

    On a GPU that is what no process holds and what torch keeps unused; on a CPU, what Linux calls
    available, within the limit of a container where there is one.
    """
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(free + kept)
    limits = [amount for amount in (_available(), _left_in_container()) if amount is not None]
    return min(limits, default=_UNKNOWN)


@dataclass
class SavedBytes:
    """Memory that a forward keeps for its backward."""

    bytes: int = 0
    seen: set[int] = field(default_factory=set)

    def count(self, saved: Tensor) -> Tensor:
        """Add a tensor, each piece of memory once."""
        storage = saved.untyped_storage()
        if storage.data_ptr() not in self.seen:
            self.seen.add(storage.data_ptr())
            self.bytes += storage.nbytes()
        return saved


@contextmanager
def counting_saved_bytes(parameters: Iterable[Tensor]) -> Iterator[SavedBytes]:
    """Count what is kept for the backward while the context is open, besides the parameters."""
    counted = SavedBytes(seen={parameter.untyped_storage().data_ptr() for parameter in parameters})
    with torch.autograd.graph.saved_tensors_hooks(counted.count, lambda saved: saved):
        yield counted


def is_lack_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory was asked for and not had."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    # torch has no class of its own for a CPU that has no memory left, and oneDNN gives no reason.
    signs = ("DefaultCPUAllocator", "Cannot allocate memory", "could not create a primitive")
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in signs)


@contextmanager
def memory_errors_explained(what: str, device: torch.device) -> Iterator[None]:
    """Turn a lack of memory into an error that says what needed it and what to do.

    Args:
        what: What is done, such as `training tiny-digits-T5-seed0`.
        device: Where.

    Raises:
        TicError: Memory ran out.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_lack_of_memory(error):
            raise
        _give_back(error, device)
        left = f"{free_bytes(device) / 2**30:.1f} GiB now"
        raise TicError(
            f"{what} needs more memory than {device} has left ({left}); run fewer processes (-n), "
            f"or free some"
        ) from error


def _give_back(error: BaseException, device: torch.device) -> None:
    """Free what the error came of, which whoever keeps the error would keep, for all processes."""
    traceback.clear_frames(error.__traceback__)
    if device.type == "cuda":
        torch.cuda.empty_cache()
        return
    with suppress(AttributeError, OSError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)


def _available() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    amounts = [line.split() for line in lines if line.startswith("MemAvailable:")]
    return int(amounts[0][1]) * 1024 if amounts else None


_GROUPS = (
    (Path("/sys/fs/cgroup"), "memory.max", "memory.current", "inactive_file"),
    (
        Path("/sys/fs/cgroup/memory"),
        "memory.limit_in_bytes",
        "memory.usage_in_bytes",
        "total_inactive_file",
    ),
)
"""Folders of control groups, versions 2 and 1: files of the limit and of what is used, and the name
of that part of it that only caches files and is given back where memory is short."""


def _left_in_container() -> int | None:
    for folder, limit, used, cached in _GROUPS:
        try:
            left = int((folder / limit).read_text()) - int((folder / used).read_text())
            stat = (folder / "memory.stat").read_text()
        except (OSError, ValueError):  # no such group, or "max": no limit
            continue
        amounts = dict(line.split() for line in stat.splitlines())
        return max(0, left + int(amounts.get(cached, 0)))
    return None
