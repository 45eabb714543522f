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

import hashlib
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
from filelock import FileLock, Timeout
from torch import Tensor

from tic.errors import TicError

MANIFEST = "manifest.json"
HISTORY = "history.json"
RECIPE = "recipe.json"
STATE = "state.safetensors"


def weights_name(epoch: int) -> str:
    """File name of the weights after an epoch."""
    return f"weights-{epoch:04d}.safetensors"


def write_atomically(path: Path, content: bytes) -> None:
    """Write beside the target and rename, so that no reader ever sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def remove_half_written(folder: Path) -> None:
    """Remove what processes that were killed while writing left in a folder that is locked now."""
    for path in folder.glob(".*"):
        path.unlink()


def write_json(path: Path, document: Any) -> None:
    """Write a JSON document atomically."""
    write_atomically(path, json.dumps(document, indent=1, allow_nan=False).encode())


def write_tensors(
    path: Path, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None
) -> None:
    """Write tensors atomically as safetensors."""
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_atomically(path, safetensors.torch.save(whole, metadata))


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

    def weights(self, epoch: int) -> dict[str, Tensor]:
        """Read the weights after an epoch.

        Raises:
            TicError: The Run kept no weights at that epoch.
        """
        path = self.folder / weights_name(epoch)
        if not path.exists():
            kept = sorted(
                int(file.stem.rpartition("-")[2]) for file in self.folder.glob("weights-*")
            )
            raise TicError(f"{self.folder.name} has no weights of epoch {epoch}; kept: {kept}")
        return safetensors.torch.load_file(path)


class Store:
    """Content-addressed folder of Runs and measurements.

    Args:
        root: Folder; made when something is first written.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._verified: dict[str, Run] = {}

    def run_folder(self, fingerprint: str) -> Path:
        """Where the finished Run lies or will lie."""
        return self.root / "runs" / fingerprint

    def work_folder(self, fingerprint: str) -> Path:
        """Where the Run is while it is trained."""
        return self.root / "work" / fingerprint

    def measurement_path(self, fingerprint: str, name: str, key: str) -> Path:
        """Where a measurement on a Run lies or will lie."""
        return self.root / "measurements" / fingerprint / f"{name}-{key}.json"

    def has(self, fingerprint: str) -> bool:
        """Whether the Run is finished."""
        return (self.run_folder(fingerprint) / MANIFEST).exists()

    def get(self, fingerprint: str) -> Run | None:
        """Return the finished Run with all its files verified, or None.

        A Run whose files do not match their manifest is set aside under `damaged`, so that it is
        made again; what is left of it stays there for inspection. Verified once per process.
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
        if not _fault(folder):
            return True
        with self.lock(f"damaged-{fingerprint}"):
            # Another process may have set it aside meanwhile, and even made it again.
            fault = _fault(folder)
            if fault and self.has(fingerprint):
                self._set_aside(folder, fault)
            return fault is None

    def finish(self, fingerprint: str) -> Run:
        """Turn the work folder into a finished Run: manifest last, then one rename."""
        work, folder = self.work_folder(fingerprint), self.run_folder(fingerprint)
        kept = [path for path in sorted(work.iterdir()) if path.name not in (STATE, MANIFEST)]
        write_json(work / MANIFEST, {path.name: _sha256(path) for path in kept})
        folder.parent.mkdir(parents=True, exist_ok=True)
        if folder.exists():
            self._set_aside(folder, "no manifest")
        work.rename(folder)
        # Removed last: a process that is killed before the rename goes on from this state.
        (folder / STATE).unlink(missing_ok=True)
        run = self.get(fingerprint)
        if run is None:
            raise TicError(f"{folder} was damaged while it was written; is the disk sound?")
        return run

    def _set_aside(self, folder: Path, fault: str) -> None:
        target = self.root / "damaged"
        target.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(dir=target, prefix=f"{folder.name}-"))
        write_json(aside / "fault.json", {"fault": fault})
        shutil.move(folder, aside / folder.name)

    @contextmanager
    def lock(self, name: str, *, wait: bool = True) -> Iterator[bool]:
        """Hold the named lock; yields whether it was had (always, when waiting).

        Raises:
            TicError: The Store cannot be written.
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
            raise TicError(
                f"the Store {self.root} cannot be written ({error}); choose another with --store"
            ) from error
        try:
            yield True
        finally:
            lock.release()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fault(folder: Path) -> str | None:
    """What is wrong with a Run's folder, which may have come from elsewhere."""
    try:
        if folder.is_symlink() or (folder / MANIFEST).is_symlink():
            return "the folder or its manifest is a link"
        manifest = json.loads((folder / MANIFEST).read_bytes())
        if HISTORY not in manifest:
            return f"the manifest does not name {HISTORY}"
        for name, digest in manifest.items():
            # No name and no link is followed out of the folder.
            if Path(name).name != name or (folder / name).is_symlink():
                return f"{name!r} is no plain file of the folder"
            if _sha256(folder / name) != digest:
                return f"{name} does not match its sha256 in the manifest"
        for path in folder.glob("weights-*"):
            if path.name not in manifest:
                return f"{path.name} is not in the manifest"
    except (OSError, ValueError, AttributeError, TypeError) as error:
        return f"{type(error).__name__}: {error}"
    return None
