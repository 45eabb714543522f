"""From an audit to the files that people read: one self-contained page and a short summary."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tic.audit.document import Audit
from tic.report import numerals, svg, verdicts, view
from tic.report.markdown import render_markdown
from tic.report.reading import load_audit
from tic.report.rivals import consequence
from tic.report.roles import name_of
from tic.report.tables import Value, recipe_value, run_anchor, short
from tic.report.text import finalize

__all__ = ["load_audit", "render_html", "render_markdown", "write_report"]

AUDIT_FILE, REPORT_FILE, SUMMARY_FILE = "audit.json", "report.html", "summary.md"


def render_html(audit: Audit) -> str:
    """Return the report as one HTML page that loads nothing and runs nothing.

    Args:
        audit: What an execution of the suite left.
    """
    environment = _environment()
    style, style_hash = _style()
    return environment.get_template("report.html.j2").render(
        audit=audit,
        view=view.audit_view(audit),
        badges=verdicts.BADGES,
        key=_keys(),
        style=style,
        style_hash=style_hash,
    )


def write_report(audit: Audit, folder: Path) -> Path:
    """Write `audit.json`, `report.html` and `summary.md`, each whole or not at all.

    Args:
        audit: What an execution of the suite left.
        folder: Where the files go; it is made where it does not exist.

    Returns:
        The path of the page.
    """
    contents = {
        AUDIT_FILE: audit.model_dump_json(indent=2) + "\n",
        SUMMARY_FILE: render_markdown(audit),
        REPORT_FILE: render_html(audit),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        _replace(folder / name, content)
    return folder / REPORT_FILE


def _replace(path: Path, content: str) -> None:
    """Write beside the file and rename, so that a reader never meets half of it."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        beside.write_text(content, encoding="utf-8", newline="\n")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("tic.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "estimate": verdicts.estimate,
        "interval": verdicts.interval,
        "setting": verdicts.setting,
        "parameters": verdicts.parameters,
        "claim_name": name_of,
        "consequence": consequence,
        "numbers": numerals.aligned,
        "counted": numerals.counted,
        "number": numerals.number,
        "percent": numerals.percent,
        "level": numerals.level,
        "seed_names": numerals.seed_names,
        "duration": numerals.duration,
        "p_value": numerals.p_value,
        "p_statement": numerals.p_statement,
        "recipe": _recipe,
        "run_anchor": run_anchor,
        "short": short,
        "is_link": _is_link,
    }
    return environment


@cache
def _style() -> tuple[Markup, str]:
    """Return the style sheet and its hash, which is all that the page's policy lets in."""
    loader = _environment().loader
    assert loader is not None
    css = loader.get_source(_environment(), "style.css")[0].strip()
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return Markup(css), f"sha256-{digest}"


@cache
def _keys() -> dict[str, Markup]:
    """Draw the signs of the interval plots once more, for their key."""
    drawings = {
        "region": [svg.box(0, 0, 20, 12, "region"), svg.line((0, 0), (0, 12), "edge")],
        "estimate": [
            svg.line((0, 6), (20, 6), "interval not_run"),
            svg.diamond((10, 6), 5, "estimate not_run"),
        ],
        "seed": [svg.element("circle", cx=10, cy=6, r=3, class_="seed")],
        "reported": [svg.line((10, 0), (10, 12), "reported")],
    }
    return {
        name: svg.element("svg", *parts, viewBox="0 0 20 12", aria_hidden="true")
        for name, parts in drawings.items()
    }


def _recipe(recipe: dict[str, Value]) -> Iterable[tuple[str, str]]:
    return [(key, recipe_value(value)) for key, value in recipe.items()]


def _is_link(url: str) -> bool:
    return url.startswith(("https://", "http://"))
