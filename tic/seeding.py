"""Independent random streams from one seed, without global state."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def derive(seed: int, purpose: str) -> int:
    """Derive a seed for one purpose, so that two purposes never share a stream."""
    digest = hashlib.sha256(f"{seed}/{purpose}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator(seed: int, purpose: str, device: torch.device | str = "cpu") -> torch.Generator:
    """Make a generator for one purpose on the device that it draws on."""
    return torch.Generator(device).manual_seed(derive(seed, purpose))


@contextmanager
def own_random_numbers(seed: int, device: torch.device) -> Iterator[None]:
    """Let torch's own generators draw by a seed, and go on afterwards where they were.

    What draws from them, such as dropout, then draws the same whenever it is called so.
    """
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        # torch.manual_seed would seed accelerators too, which no fork restores.
        torch.default_generator.manual_seed(seed)
        if device.type == "cuda":
            with torch.cuda.device(device):  # manual_seed means the current one
                torch.cuda.manual_seed(seed)
        yield
