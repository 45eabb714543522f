"""From an audit to the files that people read: one self-contained page and a short summary."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tic.document.archive import AUDIT_FILE
from tic.document.audit import Audit
from tic.document.correction import is_former
from tic.report import numerals, verdicts
from tic.report.drawing import svg
from tic.report.extracts.drawings import claim_drawing
from tic.report.extracts.numbers import numbers
from tic.report.extracts.spreadsheet import spreadsheet
from tic.report.findings.rivals import consequence
from tic.report.index import index_of
from tic.report.markdown import render_markdown
from tic.report.overview import COLUMNS, families, family_of
from tic.report.protocols import protocols_sentence
from tic.report.styles import style_sheet
from tic.report.tables import Value, recipe_value, run_anchor, short
from tic.report.text import finalize, slug
from tic.report.view import audit_view
from tic.writing import write_atomically

REPORT_FILE, SUMMARY_FILE = "report.html", "summary.md"
MOST_UNFOLDED = 20
"""Effects or Runs of one claim that are read at a glance; more are folded."""
# No text of JSON has a line break, so this is a list with neither texts nor lists in it.
_NUMBERS = re.compile(r"\[\n([^]\[{}\"]+)\n *\]")


def render_html(audit: Audit) -> str:
    """Return the report as one HTML page that loads nothing and runs nothing.

    Args:
        audit: What an execution of the suite left.
    """
    index = index_of(audit)
    style, style_hash = _style()
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            audit=audit,
            index=index,
            view=audit_view(index),
            columns=COLUMNS,
            badges=verdicts.BADGES,
            key=_keys(),
            style=style,
            style_hash=style_hash,
        )
    )


def write_report(audit: Audit, folder: Path) -> Path:
    """Write `audit.json`, `summary.md` and `report.html`, each whole or not at all.

    The audit comes first: the others can be made from it again, it cannot.

    Args:
        audit: What an execution of the suite left.
        folder: Where the files go; it is made where it does not exist.

    Returns:
        The path of the page.

    Raises:
        TicError: A file cannot be written.
    """
    write_atomically(folder / AUDIT_FILE, audit_json(audit).encode())
    for name, content in report_files(audit).items():
        write_atomically(folder / name, content.encode())
    return folder / REPORT_FILE


def audit_json(audit: Audit) -> str:
    """Return the document as it is written to a file: indented, numbers of one list on one line."""
    return f"{_NUMBERS.sub(_on_one_line, audit.model_dump_json(indent=2))}\n"


def _on_one_line(numbers: re.Match[str]) -> str:
    return f"[{' '.join(numbers[1].split())}]"


def report_files(audit: Audit) -> dict[str, str]:
    """Render what people read of an audit, by file name."""
    return {SUMMARY_FILE: render_markdown(audit), REPORT_FILE: render_html(audit)}


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
    environment.globals["most_unfolded"] = MOST_UNFOLDED
    environment.filters |= {
        "estimate": verdicts.estimate,
        "interval": verdicts.interval,
        "setting": verdicts.setting,
        "parameters": verdicts.parameters,
        "families": families,
        "slug": slug,
        "capitalize_first": lambda text: text[:1].upper() + text[1:],
        "family_of": family_of,
        "is_former": is_former,
        "protocols_sentence": protocols_sentence,
        "consequence": consequence,
        "numbers": numerals.aligned,
        "counted": numerals.counted,
        "number": numerals.number,
        "percent": numerals.percent,
        "level": numerals.level,
        "seed_names": numerals.seed_names,
        "seed_range": numerals.seed_range,
        "duration": numerals.duration,
        "p_value": numerals.p_value,
        "p_statement": numerals.p_statement,
        "recipe": _recipe,
        "run_anchor": run_anchor,
        "short": short,
        "is_link": _is_link,
        "as_svg": lambda item: _data("image/svg+xml", claim_drawing(item)),
        "as_csv": lambda item: _data("text/csv", numbers(item.entry)),
        "as_spreadsheet": lambda items: _data("text/csv", spreadsheet(items)),
    }
    return environment


@cache
def _style() -> tuple[Markup, str]:
    """Return the style sheet and its hash, which is all that the page's policy lets in."""
    css = "\n".join(style_sheet(name) for name in ("drawing.css", "style.css"))
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


def _data(kind: str, text: str) -> str:
    """The address of a file that lies in the page itself."""
    return f"data:{kind};base64,{base64.b64encode(text.encode()).decode()}"


def _is_link(url: str) -> bool:
    return url.startswith(("https://", "http://"))
