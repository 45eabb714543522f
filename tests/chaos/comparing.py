"""What an audit left, as far as two of them must agree bit by bit; and what is left in halves."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import safetensors

from tests.chaos.places import Place
from tic.run import HISTORY, MANIFEST

TIMED = {"started", "seconds", "provenance", "seal", "manifest"}
"""Fields that tell of one execution: times, paths, and digests of files that have times in them."""

UNCOUTH = re.compile(
    r"Traceback \(most recent|INTERNALERROR|Unicode\w+Error|^E   +\w*(?:Error|Exception)\b", re.M
)
"""What no user may see, whatever happens."""


def essence(place: Place) -> dict[str, str]:
    """Return what must be the same, by a name that people can read."""
    found = {"the audit": _canonical(json.loads(place.audit.read_bytes()))}
    for folder in sorted(place.store.glob("runs/*")):
        for name in json.loads((folder / MANIFEST).read_bytes()):
            path = folder / name
            history = name == HISTORY
            found[f"{folder.name}/{name}"] = (
                _canonical(json.loads(path.read_bytes())) if history else _sha256(path)
            )
    for path in sorted(place.store.glob("measurements/*/*.json")):
        found[f"{path.parent.name}/{path.name}"] = _sha256(path)
    return found


def differences(expected: dict[str, str], place: Place) -> list[str]:
    """Say what an audit lacks or has otherwise than expected."""
    if not place.audit.exists():
        return ["there is no audit"]
    found = essence(place)
    names = sorted(expected.keys() | found.keys())
    return [f"{name} is not the same" for name in names if expected.get(name) != found.get(name)]


def halves(place: Place) -> list[str]:
    """Say which files have their name and not all of their content."""
    files = [
        path
        for root in (place.store, place.report)
        for path in root.rglob("*")
        if path.is_file() and not path.name.startswith(".") and path.suffix != ".lock"
    ]
    return [f"{path.name} is half written" for path in files if not _is_whole(path)] + [
        f"{folder.name} does not match its manifest"
        for folder in place.store.glob("runs/*")
        if not _is_as_listed(folder)
    ]


def unreadable(text: str) -> list[str]:
    """Say what a user would have seen that is no sentence."""
    return [f"the user saw {found!r}" for found in sorted(set(UNCOUTH.findall(text)))]


def _canonical(document: Any) -> str:
    return json.dumps(_timeless(document), sort_keys=True)


def _timeless(document: Any) -> Any:
    if isinstance(document, dict):
        return {key: _timeless(each) for key, each in document.items() if key not in TIMED}
    return [_timeless(each) for each in document] if isinstance(document, list) else document


def _is_whole(path: Path) -> bool:
    try:
        if path.suffix == ".json":
            json.loads(path.read_bytes())
        elif path.suffix == ".safetensors":
            with safetensors.safe_open(path, "np"):
                pass
        elif path.suffix == ".html":
            return path.read_bytes().rstrip().endswith(b"</html>")
    except (ValueError, safetensors.SafetensorError):
        return False
    return path.stat().st_size > 0


def _is_as_listed(folder: Path) -> bool:
    try:
        listed = json.loads((folder / MANIFEST).read_bytes())
        return all(_sha256(folder / name) == digest for name, digest in listed.items())
    except (OSError, ValueError):
        return False


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
