"""Audits of older versions, brought to this one."""

from __future__ import annotations

from typing import Any

from tic.audit.document import SCHEMA_VERSION

_OLDER = (1,)
"""Versions whose fields all still mean the same; what came later has a default."""


def upgraded(document: dict[str, Any]) -> dict[str, Any]:
    """Return an audit's JSON as this version writes it; one that is no older one as it is.

    Version 1 kept no seal, no digests, no samples of trends and no effects of readings: it can be
    shown and compared, but neither verified nor merged.
    """
    version = document.get("schema_version")
    if type(version) is not int or version not in _OLDER:
        return document
    return {**document, "schema_version": SCHEMA_VERSION}
