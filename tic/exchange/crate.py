"""The description of an exported audit that other tools read: RO-Crate 1.1, JSON-LD."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from tic.document.audit import Audit, Paper

METADATA_FILE = "ro-crate-metadata.json"
_CONTEXT = "https://w3id.org/ro/crate/1.1/context"
_PROFILE = "https://w3id.org/ro/crate/1.1"
_FORMATS = {
    ".json": "application/json",
    ".html": "text/html",
    ".md": "text/markdown",
    ".safetensors": "application/octet-stream",
}
_SOFTWARE = "#tic-audit"
_ACTION = "#audit"


def metadata(
    audit: Audit, files: Sequence[str], *, name: str, licence: str | None
) -> dict[str, Any]:
    """Describe an archive.

    Args:
        audit: What is in it.
        files: Paths in the archive's folder.
        name: Of the archive.
        licence: Under which it may be used, a URL or a name.

    Returns:
        A JSON-LD document.
    """
    papers = [_paper(paper) for paper in audit.papers]
    verdicts = [f"{entry.outcome} {entry.id}" for entry in audit.entries if entry.role == "claim"]
    root: dict[str, Any] = {
        "@id": "./",
        "@type": "Dataset",
        "name": name,
        "description": f"Audit of {_titles(audit)}. Verdicts: {'; '.join(verdicts)}.",
        "datePublished": audit.started,
        "identifier": f"sha256:{audit.seal}",
        "hasPart": [{"@id": file} for file in files],
        "about": [{"@id": paper["@id"]} for paper in papers],
        "citation": [{"@id": paper["@id"]} for paper in papers],
        "mentions": {"@id": _ACTION},
    }
    if licence:
        root["license"] = licence
    return {
        "@context": _CONTEXT,
        "@graph": [
            {
                "@id": METADATA_FILE,
                "@type": "CreativeWork",
                "conformsTo": {"@id": _PROFILE},
                "about": {"@id": "./"},
            },
            root,
            *papers,
            *_making(audit),
            *(_file(file) for file in files),
        ],
    }


def _titles(audit: Audit) -> str:
    return " and ".join(f"{paper.authors}, {paper.title} ({paper.year})" for paper in audit.papers)


def _paper(paper: Paper) -> dict[str, Any]:
    return {
        "@id": paper.url or f"#{paper.key}",
        "@type": "ScholarlyArticle",
        "name": paper.title,
        "author": paper.authors,
        "isPartOf": paper.venue,
        "datePublished": str(paper.year),
        "url": paper.url,
    }


def _making(audit: Audit) -> list[dict[str, Any]]:
    provenance = audit.provenance
    software = {
        "@id": _SOFTWARE,
        "@type": "SoftwareApplication",
        "name": "tic-audit",
        "version": provenance.versions.get("tic-audit", "unknown"),
        "softwareRequirements": [
            f"{name} {version}" for name, version in provenance.versions.items()
        ],
    }
    action = {
        "@id": _ACTION,
        "@type": "CreateAction",
        "name": provenance.command,
        "startTime": audit.started,
        "instrument": {"@id": _SOFTWARE},
        "result": {"@id": "audit.json"},
    }
    return [software, action]


def _file(path: str) -> dict[str, Any]:
    place = PurePosixPath(path)
    return {
        "@id": path,
        "@type": "File",
        "name": place.name,
        "encodingFormat": _FORMATS.get(place.suffix, "application/octet-stream"),
    }
