"""Reading an audit back, and saying in one sentence why a file is not one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tic.audit.document import SCHEMA_VERSION, Audit
from tic.errors import TicError
from tic.report.text import shorten, visible

_LONGEST_REASON = 300


def load_audit(path: Path) -> Audit:
    """Read the audit that `write_report` or the suite wrote.

    Args:
        path: The path of an `audit.json`.

    Raises:
        TicError: There is no such file, or it is not an audit that this version reads.
    """
    document = _json(path, _text(path))
    if not isinstance(document, dict):
        raise _refusal(path, f"a JSON {type(document).__name__}")
    _check_version(path, document.get("schema_version"))
    try:
        return Audit.model_validate(document)
    except ValidationError as error:
        raise _refusal(path, _first(error)) from None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise _refusal(path, (error.strerror or "an unreadable file").lower()) from None
    except UnicodeDecodeError as error:
        raise _refusal(path, f"a file that is not UTF-8 (byte {error.start})") from None


def _json(path: Path, text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        reason = error.msg[:1].lower() + error.msg[1:]
        raise _refusal(path, f"text that is not JSON (line {error.lineno}: {reason})") from None
    except (RecursionError, ValueError):
        raise _refusal(path, "JSON that is nested too deep or has a number too long") from None


def _check_version(path: Path, version: object) -> None:
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise TicError(
            f"schema_version must be at most {SCHEMA_VERSION}, got {version} in "
            f"{visible(str(path))}; upgrade tic-audit, or run the audit again with this version"
        )


def _first(error: ValidationError) -> str:
    """Name the first field that is wrong, and how."""
    detail = error.errors(include_url=False, include_context=False)[0]
    field = ".".join(str(part) for part in detail["loc"]) or "the document"
    reason = detail["msg"][:1].lower() + detail["msg"][1:]
    others = "" if error.error_count() == 1 else f" and {error.error_count() - 1} more"
    return shorten(f"{field}: {reason} (it is {detail['input']!r})", _LONGEST_REASON) + others


def _refusal(path: Path, got: str) -> TicError:
    return TicError(
        f"{visible(str(path))} must be an audit of schema {SCHEMA_VERSION}, got {got}; "
        "name the audit.json that an audit left, or run the audit again"
    )
