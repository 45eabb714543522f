"""The tutorial as a notebook: `python -m tools.notebook` writes docs/tutorial.ipynb from the page.

Fenced blocks become cells. One that begins with `# file: PATH` is written to that file, and shell
is run by bash, which must succeed unless a comment says that it `ends with 1`.
"""

from __future__ import annotations

import re
from pathlib import Path

import nbformat

DOCS = Path(__file__).parents[1] / "docs"
PAGE, NOTEBOOK = DOCS / "tutorial.md", DOCS / "tutorial.ipynb"
_FENCE = re.compile(r"^```(python|sh)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"\A# file: (\S+)\n")


def notebook(page: str) -> str:
    """Return a page of documentation as a Jupyter notebook, a JSON document."""
    cells, end = [], 0
    for fence in _FENCE.finditer(page):
        cells += [_text(page[end : fence.start()]), _code(fence[1], fence[2])]
        end = fence.end()
    cells.append(_text(page[end:]))
    kept = [cell for cell in cells if cell.source]
    for number, cell in enumerate(kept):
        cell.id = f"cell-{number}"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made = nbformat.v4.new_notebook(cells=kept, metadata={"kernelspec": kernel})
    return str(nbformat.writes(made)) + "\n"


def _text(source: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_markdown_cell(source.strip())


def _code(language: str, source: str) -> nbformat.NotebookNode:
    code = source.rstrip()
    if language == "sh":
        lines = ["%%bash", "set -e", *map(_line, code.splitlines())]
        return nbformat.v4.new_code_cell("\n".join(lines))
    return nbformat.v4.new_code_cell(_FILE.sub(r"%%writefile \1\n", code, count=1))


def _line(line: str) -> str:
    """Let a command end with 1 where its comment says that it does, and only there."""
    command, _, _ = line.partition("  # ends with 1")
    return f"if {command}; then exit 9; else test $? = 1; fi" if command != line else line


if __name__ == "__main__":
    NOTEBOOK.write_text(notebook(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
