"""Findings that an audit makes twice: one verdict from the very numbers of another."""

from __future__ import annotations

from collections.abc import Sequence

from tic.document.audit import Entry
from tic.document.evidence import Contrast
from tic.stats.judge import JUDGED

Question = tuple[tuple[int, ...], tuple[float, ...], float | None, float | None]


def repeated(entries: Sequence[Entry]) -> dict[str, str]:
    """Find the entries whose finding is another's.

    One asks nothing of its own where each of its contrasts has the seeds, effects and region of one
    of another entry of its paper, role and protocol, and both came to the same verdict. So it is
    with a claim about several data sets on the one that the whole audit is on.

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


def _repeats(entry: Entry, other: Entry, asked: dict[str, frozenset[Question]]) -> bool:
    alike = all(
        getattr(entry, name) == getattr(other, name)
        for name in ("paper", "role", "protocol", "outcome")
    )
    questions = asked[entry.id]
    return alike and questions <= asked[other.id] and all(seeds for seeds, *_ in questions)


def _question(contrast: Contrast) -> Question:
    return contrast.seeds, contrast.effects, contrast.region.low, contrast.region.high
