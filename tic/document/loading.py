"""Reading an audit back, and saying in one sentence why a file is not one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tic.document.archive import AUDIT_FILE, audit_bytes, is_archive
from tic.document.audit import SCHEMA_VERSION, Audit
from tic.document.upgrade import upgraded
from tic.errors import TicError
from tic.files import parse_json, read_whole
from tic.text import quoted, shorten
from tic.writing import reason

_LONGEST_REASON, _LONGEST_PATH = 300, 200
_WAY_OUT = "name the audit.json that an audit left, or run the audit again"


def load_audit(path: Path) -> Audit:
    """Read the audit that `write_report` or the suite wrote, by this version or an older one.

    Args:
        path: The path of an `audit.json`, or of an archive that has one.

    Raises:
        TicError: There is no such file, or it is not an audit that this version reads.
    """
    document = _document(path)
    if not isinstance(document, dict):
        raise _refusal(path, f"a JSON {type(document).__name__}")
    if Audit.model_fields.keys().isdisjoint(document):
        raise _refusal(path, "a JSON object without any field of one")
    _check_version(path, document.get("schema_version"))
    try:
        return Audit.model_validate(upgraded(document))
    except ValidationError as error:
        raise _refusal(path, first_fault(error)) from None


def _document(path: Path) -> Any:
    try:
        content = audit_bytes(path) if is_archive(path) else read_whole(path)
    except FileNotFoundError:
        raise TicError(f"there is no file {_shown(path)}; {_WAY_OUT}") from None
    except IsADirectoryError:
        raise TicError(f"{_shown(path)} is a folder; {_inside(path)}") from None
    except OSError as error:
        raise TicError(
            f"{_shown(path)} cannot be read ({reason(error)}); name a file that can"
        ) from None
    try:
        return parse_json(content)
    except TicError as error:
        raise _refusal(path, str(error)) from None


def _inside(folder: Path) -> str:
    """Name an audit in a folder, or what to name else."""
    try:
        files = [path for path in folder.glob("*.json") if path.is_file()]
    except OSError:
        files = []
    audit_file = min(files, key=lambda path: (path.name != AUDIT_FILE, path.name), default=None)
    if audit_file is None:
        return _WAY_OUT
    return f"name an audit in it, such as {_shown(audit_file)}"


def _check_version(path: Path, version: object) -> None:
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise TicError(
            f"schema_version must be at most {SCHEMA_VERSION}, got {quoted(version)} in "
            f"{_shown(path)}; upgrade tic-audit, or run the audit again "
            f"with this version"
        )


def first_fault(error: ValidationError) -> str:
    """Name the first field that is wrong, and how."""
    detail = error.errors(include_url=False, include_context=False)[0]
    field = ".".join(str(part) for part in detail["loc"]) or "the document"
    reason = detail["msg"][:1].lower() + detail["msg"][1:]
    others = "" if error.error_count() == 1 else f" and {error.error_count() - 1} more"
    return shorten(f"{field}: {reason} (it is {quoted(detail['input'])})", _LONGEST_REASON) + others


def _refusal(path: Path, got: str) -> TicError:
    return TicError(
        f"{_shown(path)} must be an audit of schema {SCHEMA_VERSION}, got {got}; {_WAY_OUT}"
    )


def _shown(path: Path) -> str:
    return shorten(str(path), _LONGEST_PATH)
