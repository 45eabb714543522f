"""Independent random streams from one seed, without global state."""

from __future__ import annotations

import hashlib

import torch


def derive(seed: int, purpose: str) -> int:
    """Derive a seed for one purpose, so that two purposes never share a stream."""
    digest = hashlib.sha256(f"{seed}/{purpose}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator(seed: int, purpose: str, device: torch.device | str = "cpu") -> torch.Generator:
    """Make a generator for one purpose on the device that it draws on."""
    return torch.Generator(device).manual_seed(derive(seed, purpose))
