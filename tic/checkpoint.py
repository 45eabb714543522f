"""The state of a training after an epoch: the file that a later process goes on from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import torch
from torch import Tensor

from tic import history
from tic.files import is_plain, parse_json
from tic.tensors import read_tensors, write_tensors

UNUSABLE = (FileNotFoundError, safetensors.SafetensorError, KeyError, TypeError, ValueError)
"""What `read_checkpoint` raises when there is nothing to go on from."""


@dataclass(frozen=True)
class Checkpoint:
    """Where a training stands.

    Attributes:
        progress: What is known after the last whole epoch, as JSON has it.
        kept: sha256 of the weights that were written so far, by file.
        tensors: Of network, optimiser and generator.
    """

    progress: dict[str, Any]
    kept: dict[str, str]
    tensors: dict[str, Tensor]


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a state atomically.

    Raises:
        TicError: It cannot be written.
    """
    metadata = {"progress": json.dumps(checkpoint.progress), "kept": json.dumps(checkpoint.kept)}
    digest = _digest(metadata, checkpoint.tensors)
    write_tensors(path, checkpoint.tensors, {**metadata, "sha256": digest})


def read_checkpoint(path: Path, like: Mapping[str, Tensor]) -> Checkpoint:
    """Read a state, if it and the weights beside it are what was written.

    Args:
        path: Of the state.
        like: Tensors of the same names, shapes and types as those of the training.

    Raises:
        UNUSABLE: There is none, it is damaged, or it belongs to another training.
    """
    if not is_plain(path):
        raise ValueError(f"{path} is no plain file")
    with safetensors.safe_open(path, "pt") as file:
        metadata = file.metadata()
    tensors = read_tensors(path, like)
    if _digest(metadata, tensors) != metadata["sha256"]:
        raise ValueError(f"{path} does not match its sha256")
    kept, progress = (parse_json(metadata[key].encode()) for key in ("kept", "progress"))
    if not isinstance(kept, dict):
        raise ValueError(f"{path} names no files")
    if fault := history.fault(progress) or _fault_of_epoch(progress):
        raise ValueError(f"{path} has no progress that can be: {fault}")
    for name, digest in kept.items():
        if Path(name).name != name or not is_plain(path.parent / name):
            raise ValueError(f"{name!r} is no plain file beside {path}")
        if hashlib.sha256((path.parent / name).read_bytes()).hexdigest() != digest:
            raise ValueError(f"{path.parent / name} does not match its sha256")
    return Checkpoint(progress, kept, tensors)


def _fault_of_epoch(progress: Mapping[str, Any]) -> str | None:
    finished = len(progress["train_loss"]) + (progress["diverged"] is not None)
    epoch = progress["epoch"]
    return None if type(epoch) is int and epoch == finished else f"epoch is not {finished}"


def _digest(metadata: Mapping[str, str], tensors: Mapping[str, Tensor]) -> str:
    """Return the sha256 of all that a state says; safetensors notices no flipped bit."""
    digest = hashlib.sha256(f"{metadata['progress']}\n{metadata['kept']}".encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"\n{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        digest.update(tensor.cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
