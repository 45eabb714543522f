"""Tensors in files. Anybody may have made one: its header is checked before any tensor is made."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
from torch import Tensor

from tic.errors import TicError
from tic.text import quoted
from tic.writing import write_atomically


def write_tensors(
    path: Path, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None
) -> str:
    """Write tensors atomically as safetensors.

    Returns:
        The sha256 of the file.

    Raises:
        TicError: It cannot be written.
    """
    whole, seen = {}, set()
    for name, tensor in tensors.items():
        contiguous = tensor.detach().cpu().contiguous()
        memory = contiguous.untyped_storage().data_ptr()
        # What shares memory, such as weights that are tied, is stored apart.
        whole[name] = contiguous.clone() if memory in seen else contiguous
        seen.add(memory)
    content = safetensors.torch.save(whole, metadata)
    write_atomically(path, content)
    return hashlib.sha256(content).hexdigest()


def read_tensors(
    path: Path, like: Mapping[str, Tensor] | None = None, free: tuple[str, ...] = ()
) -> dict[str, Tensor]:
    """Read a safetensors file.

    Args:
        path: The file.
        like: Tensors of the names, shapes and types that it must have, on any device.
        free: Beginnings of names that it may have besides, of any shape and type.

    Raises:
        OSError: It cannot be read.
        TicError: It is no such file, or holds other tensors; none was made then.
    """
    try:
        with safetensors.safe_open(path, "pt") as file:
            names = list(file.keys())
            if like is not None:
                like = {n: tensor for n, tensor in like.items() if not n.startswith(free)}
                known = (n for n in names if not n.startswith(free))
                _require(path, {n: tuple(file.get_slice(n).get_shape()) for n in known}, like)
            tensors = {name: file.get_tensor(name) for name in names}
    except safetensors.SafetensorError as error:
        raise _refusal(path, str(error)) from None
    for name, wanted in (like or {}).items():
        if tensors[name].dtype != wanted.dtype:
            raise _refusal(path, f"{name} is {tensors[name].dtype}, not {wanted.dtype}")
    return tensors


def _require(path: Path, shapes: Mapping[str, tuple[int, ...]], like: Mapping[str, Tensor]) -> None:
    if surplus := shapes.keys() - like.keys():
        raise _refusal(path, f"it holds {quoted(min(surplus))}, which its network does not have")
    if lacking := like.keys() - shapes.keys():
        raise _refusal(path, f"it does not hold {min(lacking)}")
    for name, wanted in like.items():
        if shapes[name] != tuple(wanted.shape):
            raise _refusal(path, f"{name} is {quoted(shapes[name])}, not {tuple(wanted.shape)}")


def _refusal(path: Path, reason: str) -> TicError:
    return TicError(
        f"{path.name} must hold the weights of its Recipe's network, and does not ({reason}); "
        f"remove {path.parent}, and it is made anew"
    )
