"""Audits as archives that a reader can verify and render without training anything.

    <name>/ro-crate-metadata.json       what is in it and how to cite it (RO-Crate 1.1)
    <name>/audit.json, report.html, summary.md
    <name>/schemas/                     JSON Schemas of audits and Recipes
    <name>/store/runs/, measurements/   what the verdicts rest on, with weights if asked for

An archive is read where it lies and never unpacked.
"""

from __future__ import annotations

import json
import secrets
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tic.document.archive import AUDIT_FILE, STORE_FOLDER, SUFFIX, is_archive
from tic.document.artefacts import Artefacts, StoreArtefacts
from tic.document.audit import Audit
from tic.document.schemas import NAMES, schema
from tic.document.seal import seal
from tic.errors import TicError
from tic.exchange.crate import METADATA_FILE, metadata
from tic.exchange.verify_audit import is_weights, stored_files
from tic.report.render import audit_json, report_files
from tic.text import quoted
from tic.writing import named_file, write_errors_explained

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""Of every file: the same audit gives the same archive."""
_CHUNK = 2**20


def export(
    audit: Audit, store: Path, target: Path, *, weights: bool = False, licence: str | None = None
) -> Path:
    """Write an archive with an audit and what it rests on.

    Args:
        audit: With its seal.
        store: Root of the Store that has its Runs and measurements.
        target: The archive, ending in `.zip`; its stem names the folder in it.
        weights: Whether the weights of the Runs are put in, which can be large.
        licence: Under which the archive may be used, a URL or a name.

    Returns:
        The target.

    Raises:
        TicError: The audit was changed, the Store lacks a file of it or has another one, or the
            archive cannot be written.
    """
    if not is_archive(target):
        raise TicError(
            f"the name of an archive must end in {SUFFIX}, got {target}; change the name"
        )
    # Half a character, for which UTF-8 has no bytes, is not printable either.
    if not target.name.isprintable():
        raise TicError(
            f"the name of an archive names the folder in it and must be printable text, got "
            f"{quoted(target.name)}; change the name"
        )
    if audit.seal is None or seal(audit) != audit.seal:
        raise TicError("only an audit with a seal that holds can be exported; see tic verify")
    artefacts = StoreArtefacts(store)
    stored = {
        path: digest
        for _, path, digest in stored_files(audit, artefacts)
        if weights or not is_weights(path)
    }
    written = {AUDIT_FILE: audit_json(audit), **report_files(audit)} | {
        f"schemas/{name}.json": json.dumps(schema(name), indent=1) for name in NAMES
    }
    names = [*written, *(STORE_FOLDER + path for path in stored)]
    described = metadata(audit, names, name=target.stem, licence=licence)
    written[METADATA_FILE] = json.dumps(described, indent=1, ensure_ascii=False)
    with _archive(target) as archive:
        for name, content in written.items():
            archive.writestr(_info(f"{target.stem}/{name}"), content)
        for path, digest in stored.items():
            inside = f"{target.stem}/{STORE_FOLDER}{path}"
            _copy(artefacts, path, digest, archive, inside)
    return target


@contextmanager
def _archive(target: Path) -> Iterator[zipfile.ZipFile]:
    """Write an archive beside its place and rename it, so that nobody meets half of it."""
    place = named_file(target)
    if place is None:
        raise TicError(f"an archive must be a plain file, got {target}; name another")
    part = place.with_name(f".{place.name}-{secrets.token_hex(8)}")
    with write_errors_explained(target):
        try:
            with zipfile.ZipFile(part, "x") as archive:
                yield archive
            part.replace(place)
        finally:
            part.unlink(missing_ok=True)


def _copy(
    artefacts: Artefacts, path: str, digest: str, archive: zipfile.ZipFile, inside: str
) -> None:
    # Looked at before it is put in: a fault is found whole, and named.
    if artefacts.digest(path) != digest:
        raise TicError(
            f"{path} must be in the Store as it was audited and is not; see tic verify --store"
        )
    source = artefacts.open(path)
    assert source is not None
    with source, archive.open(_info(inside), "w", force_zip64=True) as file:
        while chunk := source.read(_CHUNK):
            file.write(chunk)


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    return info
