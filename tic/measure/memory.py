"""Free memory, which decides how much is kept or done at a time."""

from __future__ import annotations

from pathlib import Path

import torch

_UNKNOWN = 2**31
"""Bytes taken to be free where the system does not tell."""


def free_bytes(device: torch.device) -> int:
    """Memory that can still be had on a device, in bytes.

    On a GPU that is what no process holds; on a CPU, what Linux calls available, within the limit
    of a container where there is one.
    """
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return int(free)
    limits = [amount for amount in (_available(), _left_in_container()) if amount is not None]
    return min(limits, default=_UNKNOWN)


def _available() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    amounts = [line.split() for line in lines if line.startswith("MemAvailable:")]
    return int(amounts[0][1]) * 1024 if amounts else None


def _left_in_container() -> int | None:
    group = Path("/sys/fs/cgroup")
    try:
        limit, used = (int((group / f"memory.{name}").read_text()) for name in ("max", "current"))
    except (OSError, ValueError):  # no such group, or "max": no limit
        return None
    return max(0, limit - used)
