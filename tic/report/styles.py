"""The style sheets of the report."""

from __future__ import annotations

from importlib.resources import files


def style_sheet(name: str) -> str:
    """Return one of the report's style sheets; `drawing.css` has all that drawings need."""
    return files("tic.report").joinpath("templates", name).read_text(encoding="utf-8").strip()
