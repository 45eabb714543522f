"""Findings that an audit makes twice: one verdict from the very numbers of another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tic.document.audit import Entry
from tic.document.evidence import Contrast, Trend
from tic.stats.judge import JUDGED


@dataclass(frozen=True)
class _Question:
    """What a contrast asks, so that two that are equal are one.

    `called` is its name and unit where numbers may agree by chance, and else empty: a claim about
    several data sets has other names for the contrasts of one.
    """

    seeds: tuple[int, ...]
    effects: tuple[float, ...]
    low: float | None
    high: float | None
    trend: Trend | None
    rate: bool
    resolution: float | None
    called: tuple[str, ...]


def repeated(entries: Sequence[Entry]) -> dict[str, str]:
    """Find the entries whose finding is another's.

    One asks nothing of its own where each of its contrasts has the seeds, effects and region of one
    of another entry of its paper, role and protocol, is judged in the same way, and both came to
    the same verdict. So it is with a claim about several data sets on the one that the whole audit
    is on. Effects that are all equal, trends and rates have few values, which unlike contrasts may
    share: those must have the same name and unit, too.

    Returns:
        Id of the entry, and of the one that has its numbers: with more contrasts, or earlier.
        Arithmetic, and what was not judged, repeats nothing.
    """
    asked = {
        entry.id: frozenset(map(_question, entry.contrasts))
        for entry in entries
        if entry.role != "control" and entry.outcome in JUDGED and entry.contrasts
    }
    by_id = {entry.id: entry for entry in entries}
    # What asks most comes first, so that nothing repeats what itself is a repetition.
    ordered = sorted(asked, key=lambda identity: -len(asked[identity]))
    originals: dict[str, str] = {}
    kept: list[str] = []
    for identity in ordered:
        same = (other for other in kept if _repeats(by_id[identity], by_id[other], asked))
        original = next(same, None)
        if original is None:
            kept.append(identity)
        else:
            originals[identity] = original
    return {entry.id: originals[entry.id] for entry in entries if entry.id in originals}


def _repeats(entry: Entry, other: Entry, asked: dict[str, frozenset[_Question]]) -> bool:
    alike = all(
        getattr(entry, name) == getattr(other, name)
        for name in ("paper", "role", "protocol", "outcome")
    )
    questions = asked[entry.id]
    return alike and questions <= asked[other.id] and all(question.seeds for question in questions)


def _question(contrast: Contrast) -> _Question:
    few_values = contrast.rate or contrast.trend is not None or len(set(contrast.effects)) == 1
    return _Question(
        seeds=contrast.seeds,
        effects=contrast.effects,
        low=contrast.region.low,
        high=contrast.region.high,
        trend=contrast.trend,
        rate=contrast.rate,
        resolution=contrast.resolution,
        called=(contrast.name, contrast.unit) if few_values else (),
    )
