"""A badge for a README: how many claims of an audit stand, and at which scale that was seen."""

from __future__ import annotations

from markupsafe import Markup

from tic.report.drawing import svg
from tic.report.findings.rivals import standing
from tic.report.index import Index

_HEIGHT, _MARGIN, _BASELINE, _LABEL = 20.0, 7.0, 14.0, "claims"
_LEVELS = ("smoke", "reduced", "paper")
"""What says least about a paper first."""


def badge(index: Index) -> str:
    """Draw a badge.

    A claim stands where it is SUPPORTED in every setting and no rival of it may yet explain it.

    Args:
        index: That of the audit.
    """
    claims, standing_claims = standing(index)
    seen = {item.entry.scope.level for item in index.overview}
    scope = next((level for level in _LEVELS if level in seen), "")
    text = f"{len(standing_claims)} of {len(claims)} stand" if claims else "none audited"
    text += f" ({scope} scale)" if scope and scope != "paper" else ""
    whole = bool(claims) and len(standing_claims) == len(claims)
    return str(_drawn(text, "#0d6350" if whole else "#75590a")) + "\n"


def _drawn(text: str, colour: str) -> Markup:
    middle = svg.text_width(_LABEL) + 2 * _MARGIN
    width = middle + svg.text_width(text) + 2 * _MARGIN
    said = f"{_LABEL}: {text}"
    return svg.element(
        "svg",
        svg.element("title", said),
        svg.element("rect", width=middle, height=_HEIGHT, fill="#37383d"),
        svg.element("rect", x=middle, width=width - middle, height=_HEIGHT, fill=colour),
        _word(_LABEL, middle / 2),
        _word(text, (middle + width) / 2),
        xmlns="http://www.w3.org/2000/svg",
        width=width,
        height=_HEIGHT,
        role="img",
        aria_label=said,
    )


def _word(text: str, middle: float) -> Markup:
    return svg.element(
        "text", text, x=middle, y=_BASELINE, fill="#fff", text_anchor="middle",
        font_family="DejaVu Sans,Verdana,sans-serif", font_size=11,
    )  # fmt: skip
