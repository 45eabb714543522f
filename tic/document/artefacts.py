"""Where the files that an audit rests on are read from: a Store's folder, or an archive."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from abc import ABC, abstractmethod
from pathlib import Path, PurePosixPath
from typing import IO

from tic.errors import TicError
from tic.text import quoted

MOST_BYTES = 2**28
"""No manifest or measurement is larger; what says it is gets not read."""
_CHUNK = 2**20

DAMAGED = (
    OSError, EOFError, RuntimeError, NotImplementedError, zlib.error, zipfile.BadZipFile,
)  # fmt: skip
"""What reading from an archive raises that is damaged, encrypted or packed in an unknown way."""


class Artefacts(ABC):
    """Files by their path in a Store, such as `runs/<fingerprint>/manifest.json`."""

    @property
    @abstractmethod
    def has_weights(self) -> bool:
        """Whether weights should be among them."""

    @abstractmethod
    def open(self, path: str) -> IO[bytes] | None:
        """Open a plain file inside; None where there is none of that path."""

    def read(self, path: str) -> bytes | None:
        """Read a small file; None where there is none, or a large one."""
        if (file := self.open(path)) is None:
            return None
        try:
            with file:
                content = file.read(MOST_BYTES + 1)
        except DAMAGED:
            return None
        return content if len(content) <= MOST_BYTES else None

    def digest(self, path: str) -> str | None:
        """Take the sha256 of a file of any size; None where there is none."""
        if (file := self.open(path)) is None:
            return None
        digest = hashlib.sha256()
        try:
            with file:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
        except DAMAGED:
            return None
        return digest.hexdigest()


class StoreArtefacts(Artefacts):
    """Files in the folder of a Store; no link is followed.

    Args:
        root: Of the Store.

    Raises:
        TicError: There is no such folder.
    """

    has_weights = True

    def __init__(self, root: Path) -> None:
        try:
            is_folder = root.is_dir()
        except OSError:  # such as of a name that is too long
            is_folder = False
        if not is_folder:
            raise TicError(
                f"a Store must be a folder, got {quoted(str(root))}; name the one that was audited"
            )
        self._root = root

    def open(self, path: str) -> IO[bytes] | None:
        """See `Artefacts.open`."""
        place = self._root
        for part in PurePosixPath(path).parts:
            place /= part
            if part in ("..", "/") or place.is_symlink():
                return None
        try:
            return place.open("rb") if place.is_file() else None
        except (OSError, ValueError):
            return None


class ArchiveArtefacts(Artefacts):
    """Files in an archive that `tic export` wrote; nothing is unpacked.

    Args:
        archive: Opened.
        prefix: Folder of the archive that the Store's files lie in, with its slash.
    """

    def __init__(self, archive: zipfile.ZipFile, prefix: str) -> None:
        self._archive, self._prefix = archive, prefix

    @property
    def has_weights(self) -> bool:
        """See `Artefacts.has_weights`."""
        return any("/weights-" in name for name in self._archive.namelist())

    def open(self, path: str) -> IO[bytes] | None:
        """See `Artefacts.open`."""
        try:
            return self._archive.open(self._prefix + path)
        except (KeyError, *DAMAGED):
            return None  # not there, damaged, or packed or encrypted in a way that nobody asked for
