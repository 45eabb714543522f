"""The table of verdicts for LaTeX, with what the page's has in it and what stands on top of it."""

from __future__ import annotations

from collections.abc import Sequence

from tic.errors import TicError
from tic.report import overview
from tic.report.index import Index, Item
from tic.report.notices import notices
from tic.report.numerals import THIN
from tic.text import shorten, visible


def latex_table(index: Index, items: Sequence[Item]) -> str:
    """Return a `tabular` that needs no package; what it covers stands over it as a comment.

    Args:
        index: That of the audit.
        items: The verdicts.

    Raises:
        TicError: pylatexenc, which knows what each character is in LaTeX, is not installed.
    """
    scopes = ", ".join(group.title for group in overview.scope_groups(index))
    about = (
        overview.title(index.audit),
        *(notice.sentence for notice in notices(index.audit)),
        overview.counts_sentence(index),
        f"{scopes}.",
    )
    alignment = "".join("r" if column.kind == "number" else "l" for column in overview.COLUMNS)
    heads = [latex(column.head) for column in overview.COLUMNS]
    lines = [
        *(f"% {shorten(line, 2 * len(line) + 2)}" for line in about),
        rf"\begin{{tabular}}{{{alignment}}}",
        r"\hline",
        _row(heads),
        r"\hline",
        *(_row([_cell(column, item) for column in overview.COLUMNS]) for item in items),
        r"\hline",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def latex(text: str) -> str:
    """Return a text as LaTeX prints it: nothing in it is a command, and it is one line."""
    try:
        from pylatexenc.latexencode import UnicodeToLatexEncoder
    except ImportError:
        raise TicError(
            "a LaTeX table needs pylatexenc, which is not installed; "
            "pip install 'tic-audit[latex]', or take a csv table"
        ) from None
    encoder = UnicodeToLatexEncoder(unknown_char_policy="keep", unknown_char_warning=False)
    line = " ".join(visible(text).replace(THIN, "\u2009").split())
    return str(encoder.unicode_to_latex(line))


def _cell(column: overview.Column, item: Item) -> str:
    parts = column.cell(item)
    # The sign of a verdict is for the screen; its word says the same.
    return latex(" ".join(parts[-1:] if column.kind == "verdict" else parts))


def _row(cells: Sequence[str]) -> str:
    return rf"{' & '.join(cells)} \\"
