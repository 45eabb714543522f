"""Hooks of MkDocs: pages of the API reference, colours of code, and links that lead elsewhere."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from pygments.formatters import HtmlFormatter

ROOT = Path(__file__).parents[1]
REFERENCE = {
    "tic": ("Measuring", ["tic"]),
    "audit": ("Claims", ["tic.audit"]),
    "kinds": ("Recipes and kinds", ["tic.kinds", "tic.recipe", "tic.fitting", "tic.losses"]),
    "models": ("Networks", ["tic.models", "tic.neurons"]),
    "data": ("Data", ["tic.data", "tic.data.events"]),
    "measure": (
        "Measurements",
        [
            "tic.measure.fisher",
            "tic.measure.similarity",
            "tic.measure.dominance",
            "tic.measure.firing",
            "tic.measure.energy",
            "tic.measure.activations",
        ],
    ),
    "attacks": ("Attacks", ["tic.attacks"]),
    "stats": ("Statistics", ["tic.stats"]),
    "document": ("Audits as data", ["tic.document.audit", "tic.document.evidence"]),
}
"""Pages by file name: title and modules, whose docstrings they have."""
_LINK = re.compile(r"\[([^\]]+)\]\((?!https?:|#)([^)#\s]*)(#[^)\s]*)?\)")
_FENCE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)


def on_files(files: Files, config: Any) -> Files:
    """Add a page for every part of the API."""
    for name, (title, modules) in REFERENCE.items():
        text = "\n\n".join([f"---\ntitle: {title}\n---", *(f"::: {one}" for one in modules)])
        files.append(File.generated(config, f"reference/{name}.md", content=text + "\n"))
    files.append(File.generated(config, "code.css", content=_code_style()))
    return files


def _code_style() -> str:
    light, dark = (HtmlFormatter(style=name) for name in ("default", "github-dark"))
    return "\n".join(
        [light.get_style_defs(".highlight"), dark.get_style_defs("[data-bs-theme=dark] .highlight")]
    )


def on_page_markdown(markdown: str, page: Page, files: Files, **_: Any) -> str:
    """Turn links to files of the repository that are no pages into their names.

    Raises:
        PluginError: There is no such file.
    """
    folder = posixpath.dirname(page.file.src_uri)

    def linked(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, match[2]))
        if files.get_file_from_path(target) is not None:
            return match[0]
        if not (ROOT / "docs" / target).exists():
            raise PluginError(f"{page.file.src_uri} links to {match[2]}, which does not exist")
        return match[1] if match[1].startswith("`") else f"`{match[1]}`"

    parts = _FENCE.split(markdown)
    return "".join(part if part.startswith("```") else _LINK.sub(linked, part) for part in parts)
