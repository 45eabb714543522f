"""The Store: what trainings left behind, content-addressed, shared by all workers.

    <root>/runs/<fingerprint>/      recipe.json, weights-<epoch>.safetensors, history.json and,
                                    written last, manifest.json with a sha256 per file
    <root>/work/<fingerprint>/      the same folder while training, with the state of the last epoch
    <root>/measurements/<fingerprint>/<name>-<key>.json
    <root>/code.json                version and sha256 of the code of kinds from outside of tic
    <root>/locks/                   one lock file per Run and per measurement

A folder appears under `runs` in one rename, so it is either whole or not there. Locks belong to
the operating system and vanish with the process that held them.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from tic.data.facts import Subset
from tic.errors import TicError, UnwritableError
from tic.files import parse_json, read_stored
from tic.run import HISTORY, MANIFEST, STATE, Run, fault_of, sha256_of, unreadable
from tic.text import shorten
from tic.writing import reason, write_errors_explained, write_json

FAULT = "fault.json"
_LONGEST_NOTE = 500


class Store:
    """Content-addressed folder of Runs and measurements.

    Args:
        root: Folder; made when something is first written.

    Attributes:
        evidence: sha256 of every measurement that was asked for through this object, by its path.
        packages: Those outside of `tic` that define such measurements.
        versions: Of such measurements, by name.
        looked_at: Samples that claims' measurements on Runs looked at.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.evidence: dict[Path, str] = {}
        self.packages: set[str] = set()
        self.versions: dict[str, int] = {}
        self.looked_at: set[Subset] = set()
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
        folder = Path(f"{self.root}/{kind}/{fingerprint}")
        if folder.is_symlink():
            raise TicError(f"{folder} must be a folder, and it is a link; remove it")
        return folder

    def has(self, fingerprint: str) -> bool:
        """Whether the Run is finished.

        Raises:
            TicError: This process may not look.
        """
        try:
            Path(f"{self.root}/runs/{fingerprint}/{MANIFEST}").stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise unreadable(self.run_folder(fingerprint), error) from error
        return True

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
        if not (seen := fault_of(folder)):
            return True
        with self.lock(f"damaged-{fingerprint}", wanted=f"a whole Run {fingerprint} ({seen})"):
            # Another process may have set it aside meanwhile, and even made it again.
            fault = fault_of(folder)
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
        manifest = {path.name: sha256_of(path) for path in kept}
        write_json(work / MANIFEST, {**manifest, **(digests or {})})
        with write_errors_explained(folder):
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
        with write_errors_explained(target):
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


def _noted(path: Path) -> str:
    try:
        return shorten(str(parse_json(read_stored(path))["fault"]), _LONGEST_NOTE)
    except (OSError, ValueError, KeyError, TypeError):
        return "what was wrong with it can no longer be read"
