"""Documents that were right before somebody changed them: in their JSON, or in their bytes."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

from tests.fuzz.values import FINITE, TEXTS, WHOLE, texts, values

Draw = Callable[[st.SearchStrategy[Any]], Any]
_DEEP = 2000


@st.composite
def documents(draw: Draw, original: str) -> str:
    """Draw a JSON document that differs from `original` in a few places."""
    changed = [json.loads(original)]
    for _ in range(draw(st.integers(1, 3))):
        _change(draw, changed)
    return _misspelt(draw, json.dumps(changed[0]))


@st.composite
def contents(draw: Draw, original: bytes) -> bytes:
    """Draw bytes that differ from `original` in a few places, or are something else."""
    kind = draw(st.sampled_from(["flip", "cut", "insert", "other"]))
    if kind == "other":
        return draw(st.binary(max_size=200))
    place = draw(st.integers(0, max(0, len(original) - 1)))
    if kind == "cut":
        return original[:place]
    if kind == "insert":
        return original[:place] + draw(st.binary(min_size=1, max_size=20)) + original[place:]
    changed = bytearray(original)
    if changed:
        changed[place] ^= 1 << draw(st.integers(0, 7))
    return bytes(changed)


def json_or_bytes(original: str) -> st.SearchStrategy[bytes]:
    """Draw what a file of JSON may hold after somebody else had it."""
    return documents(original).map(_encoded) | contents(original.encode())


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _change(draw: Draw, holder: list[Any]) -> None:
    """Walk down to some place of the document and change what is there."""
    parent: Any = holder
    key: Any = 0
    while isinstance(parent[key], dict | list) and parent[key] and draw(st.integers(0, 7)):
        node = parent[key]
        keys = sorted(node) if isinstance(node, dict) else range(len(node))
        parent, key = node, keys[draw(st.integers(0, len(keys) - 1))]
    kind = draw(st.sampled_from(["like"] * 8 + ["value", "delete", "add", "lift"]))
    if kind == "delete" and parent is not holder:
        del parent[key]
    elif kind == "add" and isinstance(parent[key], dict):
        parent[key][draw(st.text(max_size=8))] = deepcopy(draw(values))
    elif kind == "like":
        parent[key] = _alike(draw, parent[key])
    elif kind == "lift":
        parent[key] = [parent[key]]
    else:
        parent[key] = deepcopy(draw(values))


def _alike(draw: Draw, value: Any) -> Any:
    """Return another value of the same type, which a schema may let pass."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, list):
        kept = value[: draw(st.integers(0, len(value)))]
        return kept * draw(st.sampled_from([1, 1, 2, 50]))
    if isinstance(value, dict):
        names = draw(st.lists(st.sampled_from(TEXTS), max_size=2, unique=True))
        return {**value, **dict.fromkeys(names, next(iter(value.values()), "x"))}
    if isinstance(value, int):
        return draw(st.sampled_from(WHOLE) | st.integers(-5, 20))
    if isinstance(value, float):
        return draw(st.sampled_from(FINITE) | st.floats(allow_nan=False, allow_infinity=False))
    return draw(texts) if isinstance(value, str) else deepcopy(draw(values))


def _misspelt(draw: Draw, text: str) -> str:
    """Change the text in a way that no document can express, or leave it."""
    kind = draw(st.sampled_from(["as it is"] * 15 + ["number", "constant", "twice", "deep", "cut"]))
    if kind == "number":
        return text.replace(": 1", f": {draw(st.sampled_from(['1e999', '-1e999', '1' * 5000]))}", 1)
    if kind == "constant":
        return text.replace("null", draw(st.sampled_from(["NaN", "Infinity", "-Infinity"])), 1)
    if kind == "twice" and text.startswith("{") and len(text) > 2:
        first = text[1:].partition(":")[0]
        return f"{{{first}: null, {text[1:]}"
    if kind == "deep":
        depth = draw(st.sampled_from([50, 500, _DEEP, 50 * _DEEP]))
        return text.replace("null", "[" * depth + "]" * depth, 1)
    return text[: draw(st.integers(0, len(text)))] if kind == "cut" else text
