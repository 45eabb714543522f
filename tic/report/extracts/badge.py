"""A badge for a README: how many claims of an audit stand, and at which scale that was seen."""

from __future__ import annotations

from markupsafe import Markup

from tic.document.rivals import Standing, standing
from tic.document.seal import is_altered
from tic.report.drawing import svg
from tic.report.index import Index

_HEIGHT, _MARGIN, _BASELINE, _LABEL = 20.0, 7.0, 14.0, "claims"
_LEVELS = ("smoke", "reduced", "paper")
"""What says least about a paper first."""
_WHOLE, _OPEN, _GRAVE = "#0d6350", "#75590a", "#a5330f"


def badge(index: Index) -> str:
    """Draw a badge.

    A claim stands where it is SUPPORTED in every setting, with a rival in the audit, every one of
    them REFUTED, and no negative control of it SUPPORTED; a finding that is another's is not asked
    again. An audit that was changed after it was made counts nothing, and one that did not run to
    its end is partial.

    Args:
        index: That of the audit.
    """
    if is_altered(index.audit):
        return _drawn("audit altered", _GRAVE)
    claims = {item.entry.claim for item in index.counted}
    falling = {
        item.entry.claim
        for item in index.counted
        if standing(item.entry, index.audit.entries) is not Standing.STANDS
    }
    if not claims:
        return _drawn("none audited", _OPEN)
    seen = {item.entry.scope.level for item in index.overview}
    scope = next((level for level in _LEVELS if level in seen), "paper")
    completed = index.audit.completed
    remarks = [f"{scope} scale"] * (scope != "paper") + ["partial"] * (not completed)
    text = f"{len(claims - falling)} of {len(claims)} stand"
    text += f" ({', '.join(remarks)})" if remarks else ""
    whole = completed and not falling
    return _drawn(text, _WHOLE if whole else _OPEN)


def _drawn(text: str, colour: str) -> str:
    middle = svg.text_width(_LABEL) + 2 * _MARGIN
    width = middle + svg.text_width(text) + 2 * _MARGIN
    said = f"{_LABEL}: {text}"
    drawn = svg.element(
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
    return f"{drawn}\n"


def _word(text: str, middle: float) -> Markup:
    return svg.element(
        "text", text, x=middle, y=_BASELINE, fill="#fff", text_anchor="middle",
        font_family="DejaVu Sans,Verdana,sans-serif", font_size=11,
    )  # fmt: skip
