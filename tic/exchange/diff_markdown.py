"""What became different between two audits, short, as a comment on a pull request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tic.document.audit import Audit, Entry
from tic.document.evidence import decisive_contrast
from tic.exchange.changes import ABSENT, keyed
from tic.exchange.diff import ROLES, AuditDiff, VerdictChange, incompleteness
from tic.report.numerals import counted
from tic.report.text import markdown
from tic.report.verdicts import BADGES, estimate, interval
from tic.stats.judge import DECIDED, JUDGED, Outcome

MOST_ROWS = 40
"""Verdicts that are listed; a comment on a pull request has a largest size, and a reader, too."""
MOST_NAMES = 8
_FIELDS = {
    "git_commit": "commit",
    "git_dirty": "whether changes were uncommitted",
    "python": "Python",
    "packages": "packages that define kinds",
    "changed_code": "kinds whose code changed",
}


def diff_markdown(diff: AuditDiff, before: Audit, after: Audit) -> str:
    """Tell the verdicts that changed, those on claims first, and count everything else.

    Args:
        diff: Of the two audits.
        before: The audit that was compared with.
        after: The audit that was compared.
    """
    old, new = (keyed((entry.id, entry) for entry in audit.entries) for audit in (before, after))
    changed = sorted(
        (change for change in diff.verdicts if change.before is not change.after),
        key=_rank,
    )
    blocks = [
        markdown(diff.incomparable),
        f"### {diff.headline}",
        "\n".join(f"- {line}" for line in (*incompleteness(diff), *_rules(diff))),
        _table(changed[:MOST_ROWS], old, new),
        f"And {len(changed) - MOST_ROWS} more." if len(changed) > MOST_ROWS else "",
        "\n".join(f"- {line}" for line in _counts(diff, len(diff.verdicts) - len(changed))),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _rules(diff: AuditDiff) -> Iterator[str]:
    """Say which verdicts do not compare, since they were judged by another rule."""
    for change in diff.rules[:MOST_NAMES]:
        yield f"**Another rule**: {markdown(str(change))}."
    more = len(diff.rules) - MOST_NAMES
    if more > 0:
        yield f"**Another rule**: {counted(more, 'more entry', 'more entries')}."


def _rank(change: VerdictChange) -> tuple[bool, int, int]:
    """Sort a missed control, which makes an audit worthless, before claims, rivals and controls.

    Of each, what turns a finding round comes before what is merely open, and what was judged for
    the first time last.
    """
    missed = change.role == "control" and change.after is Outcome.SUPPORTED
    if {change.before, change.after} == {*DECIDED}:
        gravity = 0
    elif change.after is Outcome.ERROR:
        gravity = 1
    else:
        gravity = 2 if change.before in JUDGED else 3
    return not missed, ROLES.index(change.role), gravity


def _table(changed: Sequence[VerdictChange], old: dict[str, Entry], new: dict[str, Entry]) -> str:
    if not changed:
        return ""
    rows = (
        (markdown(change.entry), _verdict(old[change.entry]), _verdict(new[change.entry]))
        for change in changed
    )
    lines = [("Entry", "Before", "After"), ("---",) * 3, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _verdict(entry: Entry) -> str:
    badge = BADGES[entry.outcome]
    contrast = decisive_contrast(entry.contrasts, entry.own_outcome)
    parts = [f"{badge.symbol} {badge.word}"]
    if contrast is not None:
        parts.append(estimate(contrast))
        parts += [interval(contrast)] if contrast.interval else []
    return markdown(" ".join(parts))


def _counts(diff: AuditDiff, uncorrected: int) -> Iterator[str]:
    for what, ids in (("New", diff.added), ("Gone", diff.removed)):
        if names := [name for name in ids if name not in diff.elsewhere]:
            yield f"{what} ({len(names)}): {_named(names)}."
    if diff.estimates:
        yield f"{counted(len(diff.estimates), 'estimate')} moved."
    if other := len(diff.evidence) + uncorrected:
        yield f"{counted(other, 'other difference')} in the evidence, which `tic diff --all` lists."
    # What only one of them had or kept is nothing that they were made with differently.
    both = [c for c in diff.information if ABSENT not in (c.before, c.after)]
    if both:
        fields = list(dict.fromkeys(_in_words(change.place) for change in both))
        yield f"Not evidence, but not the same: {_named(fields)}."


def _in_words(place: str) -> str:
    """Name what audits were made with, given by its place in their record."""
    field, _, key = place.partition(".")
    if field == "versions":
        return f"version of {key}"
    if field == "data_digests":
        return f"data of {key}"
    return _FIELDS[field.partition("[")[0]]


def _named(names: Sequence[str]) -> str:
    shown = "; ".join(map(markdown, names[:MOST_NAMES]))
    more = len(names) - MOST_NAMES
    return f"{shown} and {more} more" if more > 0 else shown
