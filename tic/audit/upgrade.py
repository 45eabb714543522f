"""Audits of older versions, brought to this one."""

from __future__ import annotations

from typing import Any

from tic.audit.document import SCHEMA_VERSION, Audit, Entry

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


def told_by_every_version(audit: Audit) -> Audit:
    """Return an audit without what older versions did not keep, to be compared with one of them."""
    return audit.model_copy(update={"entries": tuple(map(_told, audit.entries))})


def _told(entry: Entry) -> Entry:
    nothing = {"left_open": (), "contrasts": ()}
    return entry.model_copy(
        update={
            "left_open": (),
            "contrasts": tuple(each.model_copy(update={"trend": None}) for each in entry.contrasts),
            "readings": tuple(each.model_copy(update=nothing) for each in entry.readings),
        }
    )
