"""The Store: what trainings left behind, content-addressed, shared by all workers.

    <root>/runs/<fingerprint>/      recipe.json, weights-<epoch>.safetensors, history.json and,
                                    written last, manifest.json with a sha256 per file
    <root>/work/<fingerprint>/      the same folder while training, with the state of the last epoch
    <root>/measurements/<fingerprint>/<name>-<key>.json
    <root>/locks/                   one lock file per Run and per measurement

A folder appears under `runs` in one rename, so it is either whole or not there. Locks belong to
the operating system and vanish with the process that held them.
"""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
from filelock import FileLock, Timeout
from torch import Tensor

from tic import history
from tic.errors import TicError, UnwritableError
from tic.files import is_plain, parse_json, read_stored
from tic.tensors import read_tensors
from tic.text import shorten
from tic.writing import reason, told_when_unwritable, write_atomically

MANIFEST = "manifest.json"
HISTORY = "history.json"
RECIPE = "recipe.json"
STATE = "state.safetensors"
FAULT = "fault.json"
_LONGEST_NOTE = 500
LARGEST_FILE = 4 * 2**30
"""Bytes of a file of a Run at most; the paper's networks take a tenth of a gigabyte."""

_OF_THE_READER = {errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE, errno.ENOMEM}
"""Errors that say nothing of the file: this process may not read it, or has no means to."""


def weights_name(epoch: int) -> str:
    """File name of the weights after an epoch."""
    return f"weights-{epoch:04d}.safetensors"


def write_json(path: Path, document: Any) -> None:
    """Write a JSON document atomically.

    Raises:
        TicError: It cannot be written.
    """
    write_atomically(path, json.dumps(document, indent=1, allow_nan=False).encode())


def write_tensors(
    path: Path, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None
) -> str:
    """Write tensors atomically as safetensors.

    Returns:
        The sha256 of the file.

    Raises:
        TicError: It cannot be written.
    """
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    content = safetensors.torch.save(whole, metadata)
    write_atomically(path, content)
    return hashlib.sha256(content).hexdigest()


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

    @property
    def manifest_digest(self) -> str:
        """sha256 of the manifest, which has that of every other file."""
        return _sha256(self.folder / MANIFEST)

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


class Store:
    """Content-addressed folder of Runs and measurements.

    Args:
        root: Folder; made when something is first written.

    Attributes:
        evidence: sha256 of every measurement that was asked for through this object, by its path.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.evidence: dict[Path, str] = {}
        self._verified: dict[str, Run] = {}

    def run_folder(self, fingerprint: str) -> Path:
        """Where the finished Run lies or will lie."""
        return self.root / "runs" / fingerprint

    def work_folder(self, fingerprint: str) -> Path:
        """Where the Run is while it is trained."""
        return self._inside("work", fingerprint)

    def measurement_path(self, fingerprint: str, name: str, key: str) -> Path:
        """Where a measurement on a Run lies or will lie."""
        return self._inside("measurements", fingerprint) / f"{name}-{key}.json"

    def _inside(self, kind: str, fingerprint: str) -> Path:
        folder = self.root / kind / fingerprint
        if folder.is_symlink():
            raise TicError(f"{folder} is a link, and nothing follows links in a Store; remove it")
        return folder

    def has(self, fingerprint: str) -> bool:
        """Whether the Run is finished.

        Raises:
            TicError: This process may not look.
        """
        folder = self.run_folder(fingerprint)
        try:
            return (folder / MANIFEST).exists()
        except OSError as error:
            raise _unreadable(folder, error) from error

    def get(self, fingerprint: str) -> Run | None:
        """Return the finished Run with all its files verified, or None.

        A Run whose files do not match their manifest is set aside under `damaged`, so that it is
        made again; what is left of it stays there for inspection. Verified once per process.

        Raises:
            TicError: This process cannot read it, or it is damaged and the Store cannot be written.
        """
        if run := self._verified.get(fingerprint):
            return run
        if not self._is_whole(fingerprint):
            return None
        folder = self.run_folder(fingerprint)
        run = Run(fingerprint, folder, json.loads((folder / HISTORY).read_bytes()))
        self._verified[fingerprint] = run
        return run

    def _is_whole(self, fingerprint: str) -> bool:
        """Whether the Run is there and matches its manifest; one that does not is set aside."""
        folder = self.run_folder(fingerprint)
        if not self.has(fingerprint):
            return False
        if not (seen := _fault(folder)):
            return True
        with self.lock(f"damaged-{fingerprint}", wanted=f"a whole Run {fingerprint} ({seen})"):
            # Another process may have set it aside meanwhile, and even made it again.
            fault = _fault(folder)
            if fault and self.has(fingerprint):
                self._set_aside(folder, fault)
            return fault is None

    def finish(self, fingerprint: str, digests: Mapping[str, str] | None = None) -> Run:
        """Turn the work folder into a finished Run: manifest last, then one rename.

        Args:
            fingerprint: Of the Run.
            digests: sha256 of files as they were written; of others, what is read back counts.

        Raises:
            TicError: The Store cannot be written, or a file is not what was written.
        """
        work, folder = self.work_folder(fingerprint), self.run_folder(fingerprint)
        kept = [path for path in sorted(work.iterdir()) if path.name not in (STATE, MANIFEST)]
        manifest = {path.name: _sha256(path) for path in kept}
        write_json(work / MANIFEST, {**manifest, **(digests or {})})
        with told_when_unwritable(folder):
            folder.parent.mkdir(parents=True, exist_ok=True)
            if folder.exists():
                self._set_aside(folder, f"there is no {MANIFEST}")
            work.rename(folder)
            # Removed last: a process that is killed before the rename goes on from this state.
            (folder / STATE).unlink(missing_ok=True)
        run = self.get(fingerprint)
        if run is None:
            raise TicError(f"{folder} was damaged while it was written; is the disk sound?")
        return run

    def damaged(self) -> dict[str, str]:
        """What was wrong with each Run that was set aside, by its folder under `damaged`."""
        notes = sorted(self.root.glob(f"damaged/*/{FAULT}"))
        return {path.parent.name: _noted(path) for path in notes}

    def _set_aside(self, folder: Path, fault: str) -> None:
        target = self.root / "damaged"
        with told_when_unwritable(target):
            target.mkdir(parents=True, exist_ok=True)
            aside = Path(tempfile.mkdtemp(dir=target, prefix=f"{folder.name}-"))
            write_json(aside / FAULT, {"fault": fault})
            shutil.move(folder, aside / folder.name)

    @contextmanager
    def lock(self, name: str, *, wait: bool = True, wanted: str | None = None) -> Iterator[bool]:
        """Hold the named lock; yields whether it was had (always, when waiting).

        Args:
            name: Of the lock.
            wait: Until it is free.
            wanted: What is missing and would be written, for the error.

        Raises:
            UnwritableError: The Store cannot be written.
        """
        path = self.root / "locks" / f"{name}.lock"
        lock = FileLock(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=-1 if wait else 0)
        except Timeout:
            yield False
            return
        except OSError as error:
            lacking = f"{wanted} is missing, and " if wanted else ""
            raise UnwritableError(
                f"{lacking}the Store {self.root} cannot be written ({reason(error)}); "
                f"make it writable or choose another with --store"
            ) from error
        try:
            yield True
        finally:
            lock.release()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _noted(path: Path) -> str:
    try:
        return shorten(str(parse_json(read_stored(path))["fault"]), _LONGEST_NOTE)
    except (OSError, ValueError, KeyError, TypeError):
        return "what was wrong with it can no longer be read"


def _unreadable(folder: Path, error: OSError) -> TicError:
    return TicError(
        f"{folder} cannot be read ({reason(error)}); see that it can, or choose another Store "
        f"with --store"
    )


def _fault(folder: Path) -> str | None:
    """What is wrong with a Run's folder, which may have come from elsewhere.

    Raises:
        TicError: This process cannot read it, which is no fault of the Run.
    """
    try:
        return _mismatch(folder)
    except OSError as error:
        if error.errno in _OF_THE_READER:
            raise _unreadable(folder, error) from error
        return f"{Path(error.filename or folder).name} cannot be read ({reason(error)})"
    except TicError as error:
        return str(error)
    except (ValueError, AttributeError, TypeError) as error:
        return f"{MANIFEST} is no manifest ({type(error).__name__}: {error})"


def _mismatch(folder: Path) -> str | None:
    if folder.is_symlink() or (folder / MANIFEST).is_symlink():
        return "the folder or its manifest is a link"
    manifest = _document(folder / MANIFEST)
    if not isinstance(manifest, dict) or HISTORY not in manifest:
        return f"the manifest does not name {HISTORY}"
    for name, digest in manifest.items():
        # No name and no link is followed out of the folder.
        if Path(name).name != name or not is_plain(folder / name):
            return f"{name!r} of {MANIFEST} is no plain file of the folder"
        if (size := (folder / name).stat().st_size) > LARGEST_FILE:
            return f"{name} has {size:,} bytes; no file of a Run has more than {LARGEST_FILE:,}"
        if _sha256(folder / name) != digest:
            return f"{name} does not match its sha256 in the manifest"
    unnamed = (path.name for path in folder.glob("weights-*") if path.name not in manifest)
    if name := next(unnamed, None):
        return f"{name} is not in the manifest"
    fault = history.fault(_document(folder / HISTORY))
    return f"{HISTORY}: {fault}" if fault else None


def _document(path: Path) -> Any:
    content = read_stored(path)
    try:
        return parse_json(content)
    except TicError as error:
        raise TicError(f"{path.name} is {error}") from None
