"""Verdicts in words: how an outcome is shown, what came out in all, which contrast decides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tic.document.audit import Audit, Entry
from tic.document.evidence import Contrast, decisive_contrast
from tic.report import numerals
from tic.report.protocols import STANDARD
from tic.stats.judge import Outcome


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

_LEVELS = {
    "smoke": ("Smoke scale", "Says nothing yet about the paper's setting."),
    "reduced": ("Reduced scale", "Does not by itself carry over to the paper's setting."),
    "paper": ("The paper's own setting", "Speaks about the paper itself."),
}


@dataclass(frozen=True)
class ScopeGroup:
    """The verdicts of one scope, with the differences from the paper that all of them share."""

    level: str
    title: str
    meaning: str
    count: int
    differences: tuple[str, ...]


def title(audit: Audit) -> str:
    """Name the audit by its paper, or by how many there are."""
    if len(audit.papers) == 1:
        return audit.papers[0].title
    return f"Claims of {len(audit.papers)} papers"


def counts_sentence(entries: Sequence[Entry]) -> str:
    """Say in one sentence what came out."""
    if not entries:
        return "No claim was judged."
    claims = len({(entry.paper, entry.claim) for entry in entries})
    counts = Counter(entry.outcome for entry in entries)
    parts = [f"{counts[outcome]} {b.phrase}" for outcome, b in BADGES.items() if counts[outcome]]
    verdicts = numerals.counted(len(entries), "verdict")
    on = numerals.counted(claims, "claim")
    return f"{verdicts} on {on}: {numerals.enumerated(parts)}."


def scope_groups(entries: Sequence[Entry]) -> tuple[ScopeGroup, ...]:
    """Group verdicts by scope, the one that says least about the paper first."""
    groups = []
    for level, (name, meaning) in _LEVELS.items():
        members = [entry.scope.differences for entry in entries if entry.scope.level == level]
        if members:
            groups.append(ScopeGroup(level, name, meaning, len(members), _in_all(members)))
    return tuple(groups)


def decisive(entry: Entry) -> Contrast | None:
    """Return the contrast that the verdict of an entry hangs on."""
    return decisive_contrast(entry.contrasts, entry.own_outcome)


def estimate(contrast: Contrast) -> str:
    """Print the estimate of a contrast with its unit."""
    return numerals.with_unit(_estimate_and_interval(contrast)[0], contrast.unit)


def interval(contrast: Contrast) -> str:
    """Print the interval of a contrast, or a dash where there is none."""
    bounds = _estimate_and_interval(contrast)[1:]
    return f"[{bounds[0]}, {bounds[1]}]" if bounds else "–"


def parameters(entry: Entry) -> str:
    """Print the parameters of an entry."""
    return ", ".join(f"{key} = {value}" for key, value in entry.parameters.items())


def setting(entry: Entry) -> str:
    """Print what an entry was judged under: its parameters, and a protocol of its own."""
    own = "" if entry.protocol == STANDARD else f"protocol = {entry.protocol}"
    return ", ".join(filter(None, (parameters(entry), own)))


def _estimate_and_interval(contrast: Contrast) -> tuple[str, ...]:
    return numerals.aligned((contrast.estimate, *(contrast.interval or ())))


def _in_all(members: Sequence[Sequence[str]]) -> tuple[str, ...]:
    return tuple(d for d in members[0] if all(d in other for other in members[1:]))
