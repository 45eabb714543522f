"""The example audit, loaded by its path so that no test folder has to be a package."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import cycle
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tic.document.audit import Audit

HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(2)>\"'` | {{ 7 * 7 }} "
    "\x1b[31m\u202egpj.exe\x00\x9b2J\nsecond line " + "W" * 90
)
PAYLOADS = {
    "script": "<script>alert(1)</script></script><svg/onload=alert(2)>",
    "attribute": '" onmouseover="alert(3)" style="position:fixed" \' onfocus=\'alert(4)',
    "style": "</style><style>body{background:url(https://example.org/x)}</style>",
    "link": "javascript:alert(5)",
    "template": "{{ 7 * 7 }}{% include 'x' %}{# y #}${alert(6)}",
    "entities": "--><!-- ]]> &lt;script&gt; &#x3c;img src=x onerror=alert(7)&#x3e;",
    "bidi": "safe\u202eexe\u2066.gpj\u2069\u200b",
    "ansi": "\x1b[2J\x1b]8;;https://example.org\x07click\x1b]8;;\x07\x9b31m",
    "markdown": "[a](javascript:alert(8)) ![b](https://example.org/p.png) | `c` |\n# d\n\n---\n<i>",
}
# Mappings whose keys are free, too.
FREE = {"parameters", "versions", "data_digests", "factors"}
# Enumerations and keys, which cannot hold any text.
FIXED = {
    "outcome", "own_outcome", "flips_to", "without", "role",
    "level", "status", "design", "key", "paper", "git_commit",
}  # fmt: skip

NAMES = {"rows", "columns", "groups", "bars", "series", "names"}
"""Fields of figures with names of their own, where they are not records or numbers."""


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
    return _poison(example_audit, [HOSTILE])


@pytest.fixture(scope="session", params=PAYLOADS)
def payload(request: pytest.FixtureRequest) -> str:
    """Return one way to break out of a text."""
    return PAYLOADS[request.param]


@pytest.fixture(scope="session")
def payloads() -> tuple[str, ...]:
    """Return them all."""
    return tuple(PAYLOADS.values())


@pytest.fixture(scope="session")
def payload_audit(example_audit: Audit, payload: str) -> Audit:
    """Return the example with the payload wherever a string is free, in keys too."""
    return _poison(example_audit, [payload])


@pytest.fixture(scope="session")
def armed_audit(example_audit: Audit) -> Audit:
    """Return the example with all payloads in turn wherever a string is free, in keys too."""
    return _poison(example_audit, PAYLOADS.values())


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


def _poison(audit: Audit, texts: Iterable[str]) -> Audit:
    return Audit.model_validate(_poisoned(json.loads(audit.model_dump_json()), cycle(texts)))


def _poisoned(value: Any, texts: Iterator[str]) -> Any:
    if isinstance(value, dict):
        # The kind of a part of a figure is one of a few; that of what a Recipe has is any text.
        fixed = FIXED | ({"kind"} if "title" in value else set())
        return {
            key: inner
            if key in fixed
            else {next(texts): next(texts), **_poisoned(inner, texts)}
            if key in FREE
            else _poisoned_names(inner, texts)
            if key in NAMES
            else _poisoned(inner, texts)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_poisoned(item, texts) for item in value]
    return next(texts) if isinstance(value, str) else value


def _poisoned_names(value: Any, texts: Iterator[str]) -> Any:
    """Poison names and keep them apart, as those of one axis must be."""
    if not all(isinstance(name, str) for name in value):
        return _poisoned(value, texts)
    return [f"{next(texts)} {number}" for number in range(len(value))]
