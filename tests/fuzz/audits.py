"""A short real audit, of which cases are changes."""

from __future__ import annotations

import json
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from tic.document.audit import Audit
from tic.document.loading import load_audit
from tic.document.seal import sealed

REPORTS = Path(__file__).parents[2] / "reports"


@cache
def audit_text() -> str:
    """Return a short real audit with every kind of evidence."""
    document = json.loads((REPORTS / "reference" / "digits-tiny.json").read_text("utf-8"))
    kinds = ("figures", "tables", "readings", "worst_cases", "comparisons", "checks", "contrasts")
    chosen: dict[str, Any] = {}
    for entry in document["entries"]:
        for kind in (entry["role"], entry["outcome"], *(k for k in kinds if entry[k])):
            smallest = chosen.setdefault(kind, entry)
            if len(json.dumps(entry)) < len(json.dumps(smallest)):
                chosen[kind] = entry
    document["entries"] = list({entry["id"]: entry for entry in chosen.values()}.values())
    document["runs"] = document["runs"][:4]
    return json.dumps(document)


@cache
def original() -> Audit:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "audit.json"
        path.write_text(audit_text(), encoding="utf-8")
        return load_audit(path)


@cache
def sealed_text() -> str:
    """Return it with its seal."""
    return sealed(original()).model_dump_json()
