"""What was measured on one page: `python -m tools.benchmarks_page` writes docs/benchmarks.md.

The numbers come from the JSON that `make bench` left and from the kept audits, the words between
them are the page's own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks import decided, scaling, table

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
MEASURED = ROOT / "docs" / "benchmarks.json"


def benchmarks_page(page: str, measured: Mapping[str, Any]) -> str:
    """Return the page with its numbers.

    Args:
        page: With a pair of comments such as `<!-- rows -->` and `<!-- end of rows -->` around each
            part that is written here.
        measured: What `make bench` wrote as JSON.

    Raises:
        ValueError: A pair is missing.
    """
    growths = [
        scaling.Growth(**{**growth, "x": tuple(growth["x"]), "y": tuple(growth["y"])})
        for growth in measured["scaling"]
    ]
    parts = {
        "machine": _machine(measured),
        "rows": _rows(measured["rows"]),
        "growth": scaling.markdown(growths),
        "decided": decided.markdown(decided.yields()),
    }
    for name, part in parts.items():
        page = _with_part(page, name, part)
    return page


def _with_part(page: str, name: str, part: str) -> str:
    start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, begun, rest = page.partition(start)
    _, ended, after = rest.partition(end)
    if not (begun and ended):
        raise ValueError(f"the page must have {start} and, behind it, {end}")
    return f"{before}{start}\n\n{part}\n\n{end}{after}"


def _machine(measured: Mapping[str, Any]) -> str:
    machine = measured["machine"]
    versions = machine["versions"]
    named = ("torch", "spikingjelly", "torchattacks", *table.PEERS)
    of = ", ".join(f"{name} {versions[name]}" for name in named if name in versions)
    # Rows that were measured again later have a commit of their own.
    commits = [row.get("commit", machine["commit"])[:7] for row in measured["rows"]]
    return (
        f"{machine['processor']}, {machine['cores']} cores, "
        f"{machine['accelerator'] or 'no GPU'}; Python {machine['python']}, {of}. "
        f"At {', '.join(dict.fromkeys([*commits, machine['commit'][:7]]))}."
    )


def _rows(rows: list[dict[str, Any]]) -> str:
    limits = table.Limits()
    measured = [row for row in rows if not row["name"].startswith("gpu/")]
    lines = "\n".join(table.line(row, limits) for row in measured)
    return f"{table.HEADING}\n{lines}\n\nNot reached, since:\n\n{limits}"


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    document = json.loads(MEASURED.read_text(encoding="utf-8"))
    PAGE.write_text(benchmarks_page(text, document), encoding="utf-8")
