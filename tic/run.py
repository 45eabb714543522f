"""A Run: the folder that a finished training left, and whether it is whole."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from tic import history
from tic.errors import TicError
from tic.files import parse_json, read_stored
from tic.tensors import read_tensors
from tic.text import quoted
from tic.writing import reason

MANIFEST = "manifest.json"
HISTORY = "history.json"
RECIPE = "recipe.json"
STATE = "state.safetensors"
LARGEST_FILE = 4 * 2**30
"""Bytes of a file of a Run at most; a ResNet-19 takes a tenth of a gigabyte."""

_BLOCK = 2**16  # bytes

_OF_THE_READER = {errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE, errno.ENOMEM}
"""Errors that say nothing of the file: this process may not read it, or has no means to."""


def weights_name(epoch: int) -> str:
    """File name of the weights after an epoch."""
    return f"weights-{epoch:04d}.safetensors"


class Digests(NamedTuple):
    """What tells a Run's files from others.

    Attributes:
        manifest: sha256 of the manifest, which has that of every other file.
        weights: sha256 of the weights; None where the Run kept none, as when it diverged.
    """

    manifest: str
    weights: str | None


@dataclass(frozen=True)
class Run:
    """A finished training in the Store.

    Attributes:
        fingerprint: Identity of its Recipe and data.
        folder: Where its files lie.
        history: What was recorded: per-epoch training loss, duration, device, `diverged` reason.
    """

    fingerprint: str
    folder: Path
    history: dict[str, Any]

    @property
    def diverged(self) -> str | None:
        """Why the training has no result, or None."""
        reason: str | None = self.history["diverged"]
        return reason

    def curve(self, name: str) -> list[Any]:
        """What the training's loss kept of every epoch under a name; see `Loss.curves`.

        Raises:
            TicError: It kept no such curve.
        """
        kept = history.curves(self.history)
        if name not in kept:
            known = ", ".join(kept) or "none"
            raise TicError(
                f"the loss of {self.folder.name} keeps no curve {quoted(name)}; it keeps {known}"
            )
        return kept[name]

    def digests(self, epoch: int) -> Digests:
        """sha256 of the manifest and, as it says, of the weights after an epoch.

        Raises:
            TicError: There is no manifest any more, or it cannot be read.
        """
        with _explained(self.folder):
            content = read_stored(self.folder / MANIFEST)
        weights: str | None = _parsed(content, MANIFEST).get(weights_name(epoch))
        return Digests(hashlib.sha256(content).hexdigest(), weights)

    def weights(self, epoch: int, like: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
        """Read the weights after an epoch.

        Args:
            epoch: After which.
            like: Tensors of the names, shapes and types that they must have.

        Raises:
            TicError: The Run kept no weights at that epoch, or not those of its network.
        """
        path = self.folder / weights_name(epoch)
        if not path.exists():
            numbers = (file.stem.rpartition("-")[2] for file in self.folder.glob("weights-*"))
            kept = sorted(int(number) for number in numbers if number.isdecimal())
            raise TicError(f"{self.folder.name} has no weights of epoch {epoch}; kept: {kept}")
        return read_tensors(path, like)


def sha256_of(path: Path) -> str:
    """Digest a file, in hexadecimal."""
    digest = hashlib.sha256()
    # hashlib.file_digest clears a buffer of 256 KB first, longer than most files take.
    with path.open("rb", buffering=0) as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def unreadable(folder: Path, error: OSError) -> TicError:
    """The error of a process that may not read a Run, or has no means to."""
    return TicError(
        f"{folder} cannot be read ({reason(error)}); make it readable, or choose another Store "
        f"with --store"
    )


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """Raise what the system says of a file of a Run that was whole before, as a TicError."""
    try:
        yield
    except OSError as error:
        raise unreadable(folder, error) from error


def fault_of(folder: Path) -> str | None:
    """Say what is wrong with a Run's folder, which may have come from elsewhere; None if nothing.

    Raises:
        TicError: This process cannot read it, which is no fault of the Run.
    """
    try:
        return _mismatch(folder)
    except OSError as error:
        if error.errno in _OF_THE_READER:
            raise unreadable(folder, error) from error
        return f"{Path(error.filename or folder).name} cannot be read ({reason(error)})"
    except TicError as error:
        return str(error)
    except (ValueError, AttributeError, TypeError) as error:
        return f"{MANIFEST} is not a manifest ({type(error).__name__}: {error})"


def _mismatch(folder: Path) -> str | None:
    with os.scandir(folder) as entries:
        inside = {entry.name: entry for entry in entries}
    if folder.is_symlink() or (MANIFEST in inside and inside[MANIFEST].is_symlink()):
        return "the folder or its manifest is a link"
    manifest = _parsed(read_stored(folder / MANIFEST), MANIFEST)
    if not isinstance(manifest, dict) or HISTORY not in manifest:
        return f"the manifest does not name {HISTORY}"
    for name, digest in manifest.items():
        file = inside.get(name)
        if file is None and Path(name).name == name:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        # No name and no link is followed out of the folder.
        if file is None or not file.is_file(follow_symlinks=False):
            return f"{name!r} of {MANIFEST} is not a plain file of the folder"
        if (size := file.stat(follow_symlinks=False).st_size) > LARGEST_FILE:
            return f"{name} has {size:,} bytes; no file of a Run has more than {LARGEST_FILE:,}"
        if sha256_of(folder / name) != digest:
            return f"{name} does not match its sha256 in the manifest"
    unnamed = (name for name in inside if name.startswith("weights-") and name not in manifest)
    if name := next(unnamed, None):
        return f"{name} is not in the manifest"
    fault = history.fault(_parsed(read_stored(folder / HISTORY), HISTORY))
    return f"{HISTORY}: {fault}" if fault else None


def _parsed(content: bytes, name: str) -> Any:
    try:
        return parse_json(content)
    except TicError as error:
        raise TicError(f"{name} is {error}") from None
