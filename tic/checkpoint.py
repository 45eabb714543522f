"""The state of a training after an epoch: the file that a later process goes on from."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import torch
from torch import Tensor

from tic import history
from tic.errors import TicError
from tic.files import is_plain, parse_json
from tic.tensors import read_tensors, write_tensors

UNUSABLE = (
    FileNotFoundError, safetensors.SafetensorError, KeyError, TypeError, ValueError, RecursionError,
)  # fmt: skip
"""What `read_checkpoint` and `unpack_state` raise when there is nothing to go on from."""
OPTIMISER, RULES = "optimiser.", "rules.tensors."
"""Beginnings of the names of tensors whose number and shapes only a training knows."""


@dataclass(frozen=True)
class Checkpoint:
    """Where a training stands.

    Attributes:
        progress: What is known after the last whole epoch, as JSON has it.
        kept: sha256 of the weights that were written so far, by file.
        optimiser: Its state as JSON, which names the tensors in it; see `pack_state`.
        tensors: Of network, optimiser, rules and generators.
    """

    progress: dict[str, Any]
    kept: dict[str, str]
    optimiser: dict[str, Any]
    tensors: dict[str, Tensor]


def pack_state(optimiser: torch.optim.Optimizer) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Part the state of any optimiser into JSON and the tensors that it names.

    Raises:
        TicError: It holds something that is neither.
    """
    tensors: dict[str, Tensor] = {}

    def packed(value: Any, path: str) -> Any:
        if isinstance(value, Tensor):
            tensors[path] = value
            return {"tensor": path}
        if isinstance(value, dict):
            pairs = [[key, packed(part, f"{path}.{key}")] for key, part in value.items()]
            return {"pairs": pairs}
        if isinstance(value, list | tuple):
            return [packed(part, f"{path}.{number}") for number, part in enumerate(value)]
        if isinstance(value, float) and not math.isfinite(value):
            return {"float": str(value)}  # which JSON has no number for
        if value is None or isinstance(value, bool | int | float | str):
            return value
        raise TicError(
            f"the state of an optimiser must be tensors, numbers, strings, lists and dictionaries, "
            f"so that a training can be resumed, got {type(value).__name__} in "
            f"{type(optimiser).__name__}"
        )

    document = packed(optimiser.state_dict(), OPTIMISER.removesuffix("."))
    return document, tensors


def unpack_state(document: Any, tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Join what `pack_state` parted.

    Raises:
        UNUSABLE: It is something else.
    """

    def unpacked(value: Any) -> Any:
        if isinstance(value, list):
            return [unpacked(part) for part in value]
        if not isinstance(value, dict):
            return value
        if "tensor" in value:
            return tensors[value["tensor"]]
        if "float" in value:
            return float(value["float"])
        return {key: unpacked(part) for key, part in value["pairs"]}

    state: dict[str, Any] = unpacked(document)
    return state


_DOCUMENTS = ("progress", "kept", "optimiser")


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a state atomically.

    Raises:
        TicError: It cannot be written.
    """
    metadata = {name: json.dumps(getattr(checkpoint, name)) for name in _DOCUMENTS}
    digest = _digest(metadata, checkpoint.tensors)
    write_tensors(path, checkpoint.tensors, {**metadata, "sha256": digest})


def read_checkpoint(path: Path, like: Mapping[str, Tensor]) -> Checkpoint:
    """Read a state, if it and the weights beside it are what was written.

    Args:
        path: Of the state.
        like: Tensors of the same names, shapes and types as those of the training; of those of
            the optimiser and of rules only the training that wrote them knows.

    Raises:
        UNUSABLE: There is none, it is damaged, or it belongs to another training.
    """
    if not is_plain(path):
        raise ValueError(f"{path} is not a plain file")
    with safetensors.safe_open(path, "pt") as file:
        metadata = file.metadata()
    tensors = read_tensors(path, like, free=(OPTIMISER, RULES))
    if _digest(metadata, tensors) != metadata["sha256"]:
        raise ValueError(f"{path} does not match its sha256")
    progress, kept, optimiser = (parse_json(metadata[key].encode()) for key in _DOCUMENTS)
    if not isinstance(kept, dict):
        raise ValueError(f"{path} names no files")
    if fault := history.fault(progress) or _fault_of_epoch(progress):
        raise ValueError(f"{path} has progress that no training can have: {fault}")
    for name, digest in kept.items():
        if Path(name).name != name or not is_plain(path.parent / name):
            raise ValueError(f"{name!r} is not a plain file beside {path}")
        if hashlib.sha256((path.parent / name).read_bytes()).hexdigest() != digest:
            raise ValueError(f"{path.parent / name} does not match its sha256")
    return Checkpoint(progress, kept, optimiser, tensors)


def _fault_of_epoch(progress: Mapping[str, Any]) -> str | None:
    finished = len(progress["train_loss"]) + (progress["diverged"] is not None)
    epoch = progress["epoch"]
    return None if type(epoch) is int and epoch == finished else f"epoch is not {finished}"


def _digest(metadata: Mapping[str, str], tensors: Mapping[str, Tensor]) -> str:
    """Return the sha256 of all that a state says; safetensors notices no flipped bit."""
    digest = hashlib.sha256("\n".join(metadata[name] for name in _DOCUMENTS).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"\n{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        digest.update(tensor.cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
