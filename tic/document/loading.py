"""Reading an audit back, and saying in one sentence why a file is not one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tic.document.archive import audit_bytes, is_archive
from tic.document.audit import SCHEMA_VERSION, Audit
from tic.document.upgrade import upgraded
from tic.errors import TicError
from tic.files import parse_json, read_whole
from tic.text import quoted, shorten

_LONGEST_REASON, _LONGEST_PATH = 300, 200


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
    _check_version(path, document.get("schema_version"))
    try:
        return Audit.model_validate(upgraded(document))
    except ValidationError as error:
        raise _refusal(path, first_fault(error)) from None


def _document(path: Path) -> Any:
    try:
        content = audit_bytes(path) if is_archive(path) else read_whole(path)
    except OSError as error:
        raise _refusal(path, (error.strerror or "an unreadable file").lower()) from None
    try:
        return parse_json(content)
    except TicError as error:
        raise _refusal(path, str(error)) from None


def _check_version(path: Path, version: object) -> None:
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise TicError(
            f"schema_version must be at most {SCHEMA_VERSION}, got {quoted(version)} in "
            f"{shorten(str(path), _LONGEST_PATH)}; upgrade tic-audit, or run the audit again "
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
        f"{shorten(str(path), _LONGEST_PATH)} must be an audit of schema {SCHEMA_VERSION}, "
        f"got {got}; "
        "name the audit.json that an audit left, or run the audit again"
    )
