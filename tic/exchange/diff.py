"""What became different between two audits, down to the last bit of a number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from tic.document.audit import Audit, Entry
from tic.document.coverage import keeps_coverage
from tic.document.upgrade import without_coverage, without_later_fields
from tic.exchange.changes import FieldChange, changes, keyed, membership, plain
from tic.exchange.diff_entry import entry_evidence, shared_contrasts
from tic.report.numerals import number
from tic.report.tables import short
from tic.stats.judge import Outcome
from tic.text import visible

# Different in every execution, or what a run is found by.
# Digests cover durations; what they stand for is compared itself.
_RUN_APART = {"fingerprint", "seconds", "manifest", "measurements"}
_INFORMATIVE = ("git_commit", "git_dirty", "versions", "python", "data_digests")


@dataclass(frozen=True)
class VerdictChange:
    """An entry whose verdict is another one."""

    entry: str
    before: Outcome
    after: Outcome
    own_before: Outcome
    own_after: Outcome


@dataclass(frozen=True)
class EstimateChange:
    """A contrast whose estimate moved, by however little."""

    entry: str
    contrast: str
    unit: str
    before: float
    after: float


@dataclass(frozen=True)
class AuditDiff:
    """All differences between two audits.

    `incomplete` names those of the two that ended before every claim was judged. `information`
    says what the audits were made with; it is not evidence.
    """

    incomplete: tuple[Literal["before", "after"], ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    verdicts: tuple[VerdictChange, ...]
    estimates: tuple[EstimateChange, ...]
    evidence: tuple[FieldChange, ...]
    information: tuple[FieldChange, ...]

    @property
    def empty(self) -> bool:
        """Whether verdicts and evidence are the same, whatever they were made with."""
        return not (self.added or self.removed or self.verdicts or self.estimates or self.evidence)


def diff_audits(before: Audit, after: Audit) -> AuditDiff:
    """Compare two audits exactly, except for times and the place where they were made.

    Args:
        before: The audit to compare with.
        after: The audit to compare.
    """
    if (before.seal is None) != (after.seal is None):
        # One is of an older version, which did not keep all that a newer one does.
        before, after = without_later_fields(before), without_later_fields(after)
    if keeps_coverage(before) != keeps_coverage(after):
        before, after = without_coverage(before), without_coverage(after)
    old = keyed((entry.id, entry) for entry in before.entries)
    new = keyed((entry.id, entry) for entry in after.entries)
    pairs = [(key, old[key], new[key]) for key in old if key in new]
    both: dict[Literal["before", "after"], Audit] = {"before": before, "after": after}
    return AuditDiff(
        incomplete=tuple(name for name, audit in both.items() if not audit.completed),
        added=tuple(key for key in new if key not in old),
        removed=tuple(key for key in old if key not in new),
        verdicts=tuple(_verdicts(pairs)),
        estimates=tuple(change for pair in pairs for change in _estimates(*pair)),
        evidence=(
            *(change for pair in pairs for change in entry_evidence(*pair)),
            *_run_evidence(before, after),
            *changes("completed", before.completed, after.completed),
            *changes("protocols", _protocols(before), _protocols(after)),
            *changes("multiplicity", _multiplicity(before), _multiplicity(after)),
        ),
        information=tuple(_information(before, after)),
    )


def format_diff(diff: AuditDiff) -> str:
    """Return the differences as text for a terminal, or "no difference"."""
    head = "".join(f"{line}\n" for line in incompleteness(diff))
    sections = [
        ("added", [visible(key) for key in diff.added]),
        ("removed", [visible(key) for key in diff.removed]),
        ("verdicts", [_verdict_line(change) for change in diff.verdicts]),
        ("estimates", [_estimate_line(change) for change in diff.estimates]),
        ("evidence", [_field_line(change) for change in diff.evidence]),
    ]
    if diff.empty:
        sections = [("no difference in verdicts and evidence", [])]
    sections.append(("made with (not evidence)", [_field_line(c) for c in diff.information]))
    if diff.empty and not diff.information:
        return f"{head}no difference\n"
    shown = [(name, lines) for name, lines in sections if lines or name.startswith("no ")]
    text = (f"{name}\n" + "".join(f"  {line}\n" for line in lines) for name, lines in shown)
    return head + "".join(text)


def incompleteness(diff: AuditDiff) -> Iterator[str]:
    """Say of each audit that is incomplete that it is."""
    for name in diff.incomplete:
        yield f"The audit {name} is incomplete: it ended before every claim was judged."


def _verdicts(pairs: Iterable[tuple[str, Entry, Entry]]) -> Iterator[VerdictChange]:
    for key, old, new in pairs:
        if (old.outcome, old.own_outcome) != (new.outcome, new.own_outcome):
            yield VerdictChange(key, old.outcome, new.outcome, old.own_outcome, new.own_outcome)


def _estimates(key: str, old: Entry, new: Entry) -> Iterator[EstimateChange]:
    for name, before, after in shared_contrasts(old, new):
        if before.estimate != after.estimate:
            yield EstimateChange(key, name, after.unit, before.estimate, after.estimate)


def _run_evidence(before: Audit, after: Audit) -> Iterator[FieldChange]:
    old = keyed((run.fingerprint, run) for run in before.runs)
    new = keyed((run.fingerprint, run) for run in after.runs)
    yield from membership("run", old, new)
    for key in [key for key in old if key in new]:
        place = f"run {short(key)}"
        yield from changes(place, plain(old[key], _RUN_APART), plain(new[key], _RUN_APART))


def _information(before: Audit, after: Audit) -> Iterator[FieldChange]:
    for field in _INFORMATIVE:
        old, new = (getattr(audit.provenance, field) for audit in (before, after))
        yield from changes(field, old, new)
    yield from changes("packages", before.packages, after.packages)


def _protocols(audit: Audit) -> dict[str, dict[str, Any]]:
    return {
        f"{protocol.paper}/{protocol.name}": plain(protocol, {"paper", "name"})
        for protocol in audit.protocols
    }


def _multiplicity(audit: Audit) -> dict[str, Any]:
    families = {family.paper: plain(family, {"paper"}) for family in audit.multiplicity.families}
    return {**plain(audit.multiplicity, {"families"}), "families": families}


def _verdict_line(change: VerdictChange) -> str:
    uncorrected = ""
    if (change.own_before, change.own_after) != (change.before, change.after):
        uncorrected = f" (by itself {change.own_before} → {change.own_after})"
    return f"{visible(change.entry)}: {change.before} → {change.after}{uncorrected}"


def _estimate_line(change: EstimateChange) -> str:
    moved = number(change.after - change.before)
    unit = f" {visible(change.unit)}" if change.unit else ""
    return (
        f"{visible(change.entry)}: {visible(change.contrast)}: "
        f"{change.before!r} → {change.after!r}{unit} (moved by {moved})"
    )


def _field_line(change: FieldChange) -> str:
    return f"{visible(change.place)}: {visible(change.before)} → {visible(change.after)}"
