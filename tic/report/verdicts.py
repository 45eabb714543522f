"""Verdicts in words: how an outcome is shown, its estimate, and what it was judged under."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tic.document.audit import STANDARD_PROTOCOL, Entry
from tic.document.evidence import Contrast
from tic.report import numerals
from tic.stats.judge import Outcome

# Nothing was found out, so nothing disagrees with what was found elsewhere.
SILENT: Final = frozenset({Outcome.NOT_RUN, Outcome.ERROR})


@dataclass(frozen=True)
class Badge:
    """How an outcome is shown: never by colour alone."""

    symbol: str
    word: str
    css: str
    phrase: str


BADGES = {
    Outcome.SUPPORTED: Badge("✓", "SUPPORTED", "supported", "supported"),
    Outcome.REFUTED: Badge("✗", "REFUTED", "refuted", "refuted"),
    Outcome.INCONCLUSIVE: Badge("?", "INCONCLUSIVE", "inconclusive", "inconclusive"),
    Outcome.NOT_APPLICABLE: Badge("–", "NOT APPLICABLE", "not_applicable", "not applicable"),
    Outcome.NOT_RUN: Badge("○", "NOT RUN", "not_run", "not run"),
    Outcome.ERROR: Badge("!", "ERROR", "error", "ended in an error"),
}


def estimate(contrast: Contrast) -> str:
    """Print the estimate of a contrast with its unit."""
    return numerals.with_unit(_estimate_and_interval(contrast)[0], contrast.unit)


def interval(contrast: Contrast) -> str:
    """Print the interval of a contrast, or a dash where there is none."""
    bounds = _estimate_and_interval(contrast)[1:]
    return f"[{bounds[0]}, {bounds[1]}]" if bounds else "–"


def region(contrast: Contrast) -> str:
    """Print what a claim allows of a contrast; computed bounds, such as ln 2, with four digits."""
    low, high = contrast.region.low, contrast.region.high
    if high is None:
        return contrast.region.text if low is None else f"above {low:.4g}"
    return f"below {high:.4g}" if low is None else f"within [{low:.4g}, {high:.4g}]"


def leveled_interval(contrast: Contrast) -> str:
    """Print the interval of a contrast with its confidence; exact effects have none."""
    if contrast.interval is None or not contrast.seeds:
        return interval(contrast)
    return f"{interval(contrast)} at {numerals.level(contrast.confidence)}"


def parameters(entry: Entry) -> str:
    """Print the parameters of an entry."""
    return ", ".join(f"{key} = {value}" for key, value in entry.parameters.items())


def setting(entry: Entry) -> str:
    """Print what an entry was judged under: its parameters, and a protocol of its own."""
    own = "" if entry.protocol == STANDARD_PROTOCOL else f"protocol = {entry.protocol}"
    return ", ".join(filter(None, (parameters(entry), own)))


def _estimate_and_interval(contrast: Contrast) -> tuple[str, ...]:
    edges = [edge for edge in (contrast.region.low, contrast.region.high) if edge is not None]
    return numerals.aligned((contrast.estimate, *(contrast.interval or ())), edges)
