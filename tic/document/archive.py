"""Reading archives that `tic export` wrote; nothing is unpacked."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tic.document.artefacts import DAMAGED, ArchiveArtefacts
from tic.errors import TicError
from tic.files import LARGEST_DOCUMENT

SUFFIX = ".zip"
AUDIT_FILE = "audit.json"
STORE_FOLDER = "store/"


def is_archive(path: Path) -> bool:
    """Whether a path names an archive, by its ending."""
    return path.suffix == SUFFIX


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open an archive for reading.

    Raises:
        FileNotFoundError: There is none.
        IsADirectoryError: It is a folder.
        TicError: It is damaged.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (FileNotFoundError, IsADirectoryError):
        raise
    except (ValueError, *DAMAGED) as error:
        raise _refusal(path, f"one that cannot be read ({error})") from None
    with archive:
        yield archive


def audit_bytes(path: Path) -> bytes:
    """Read the audit in an archive.

    Raises:
        TicError: There is no archive, or none with one audit of a size that an audit can have.
    """
    with opened(path) as archive:
        try:
            content = _content(archive, _prefix(path, archive) + AUDIT_FILE)
        except DAMAGED as error:
            raise _refusal(path, f"one whose audit cannot be read ({error})") from None
    if len(content) > LARGEST_DOCUMENT:
        raise _refusal(path, f"one whose audit has more than {LARGEST_DOCUMENT:,} bytes")
    return content


def read_beside(path: Path, names: Iterable[str]) -> dict[str, bytes]:
    """Read files that lie beside the audit in an archive, without those that cannot be read.

    Raises:
        TicError: There is no archive with an audit.
    """
    files = {}
    with opened(path) as archive:
        prefix = _prefix(path, archive)
        for name in names:
            with suppress(KeyError, *DAMAGED):
                files[name] = _content(archive, prefix + name)
    return files


def _content(archive: zipfile.ZipFile, name: str) -> bytes:
    """Read a file in an archive, and no more than a byte beyond what a document can have."""
    with archive.open(name) as file:
        return file.read(LARGEST_DOCUMENT + 1)


@contextmanager
def archived(path: Path) -> Iterator[ArchiveArtefacts]:
    """Give the files of an archive that its audit rests on.

    Raises:
        TicError: There is no archive with an audit.
    """
    with opened(path) as archive:
        yield ArchiveArtefacts(archive, _prefix(path, archive) + STORE_FOLDER)


def _prefix(path: Path, archive: zipfile.ZipFile) -> str:
    """Find the one folder at the top of an archive, that its audit lies in."""
    names = set(archive.namelist())
    audits = [name for name in names if name.partition("/")[2] == AUDIT_FILE]
    if len(audits) != 1:
        raise _refusal(path, f"one with {len(audits)} folders that have an {AUDIT_FILE}")
    return audits[0].removesuffix(AUDIT_FILE)


def _refusal(path: Path, got: str) -> TicError:
    return TicError(f"{path} must be an archive that tic export wrote, got {got}; fetch it anew")
