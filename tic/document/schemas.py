"""JSON Schemas of what others may write or read: Recipes and audits."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from tic.document.audit import SCHEMA_VERSION, Audit
from tic.errors import TicError
from tic.recipe import Recipe

RECIPE_VERSION = 4
"""Raised when a Recipe's fields change; what they train to has a version of its own."""
DIALECT = "https://json-schema.org/draft/2020-12/schema"
_MODELS: dict[str, tuple[type[BaseModel], int]] = {
    "audit": (Audit, SCHEMA_VERSION),
    "recipe": (Recipe, RECIPE_VERSION),
}
NAMES = tuple(_MODELS)
"""Documents that have a schema."""


def schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema of a kind of document, with its version in its `$id`.

    Args:
        name: One of `NAMES`.

    Raises:
        TicError: There is none of that name.
    """
    if name not in _MODELS:
        raise TicError(f"there is no schema {name!r}; known: {', '.join(NAMES)}")
    model, version = _MODELS[name]
    return {
        "$schema": DIALECT,
        "$id": f"urn:tic-audit:{name}:{version}",
        **model.model_json_schema(mode="serialization"),
    }
