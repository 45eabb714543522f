"""The example audit, loaded by its path so that no test folder has to be a package."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tic.audit.document import Audit

HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(2)>\"'` | {{ 7 * 7 }} "
    "\x1b[31m\u202egpj.exe\x00\x9b2J\nsecond line " + "W" * 90
)
# Enumerations and keys, which cannot hold any text.
FIXED = {
    "outcome", "own_outcome", "flips_to", "without", "role",
    "level", "status", "key", "paper", "git_commit",
}  # fmt: skip


@pytest.fixture(scope="session")
def example() -> ModuleType:
    """Return the module that builds examples."""
    path = Path(__file__).with_name("example.py")
    spec = importlib.util.spec_from_file_location("report_example", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def example_audit(example: ModuleType) -> Audit:
    """Return an audit with every kind of outcome and figure."""
    audit: Audit = example.build_audit()
    return audit


@pytest.fixture(scope="session")
def hostile_text() -> str:
    """Return markup, scripts, escapes and a long word in one string."""
    return HOSTILE


@pytest.fixture(scope="session")
def hostile_audit(example_audit: Audit) -> Audit:
    """Return the example with a hostile string wherever a string is free."""
    return Audit.model_validate(_poisoned(json.loads(example_audit.model_dump_json())))


@pytest.fixture
def edited(example_audit: Audit) -> Callable[..., Audit]:
    """Return a function that changes fields of the audit, or of one of its entries."""

    def edit(entry: int | None = None, **changes: Any) -> Audit:
        if entry is None:
            return example_audit.model_copy(update=changes)
        entries = list(example_audit.entries)
        entries[entry] = entries[entry].model_copy(update=changes)
        return example_audit.model_copy(update={"entries": tuple(entries)})

    return edit


def _poisoned(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: v if k in FIXED else _poisoned(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_poisoned(item) for item in value]
    return HOSTILE if isinstance(value, str) else value
