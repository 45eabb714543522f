"""What became different between two audits, down to the last bit of a number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from tic.document.audit import Audit, Entry, Role
from tic.document.coverage import keeps_coverage
from tic.document.upgrade import without_coverage, without_later_fields
from tic.exchange.changes import FieldChange, changes, keyed, membership, plain, shared
from tic.exchange.diff_entry import entry_evidence, shared_contrasts
from tic.report.numerals import counted, enumerated, number
from tic.report.tables import short
from tic.stats.judge import JUDGED, Outcome
from tic.text import visible

# Different in every execution, or what a run is found by.
# Digests cover durations; what they stand for is compared itself.
_RUN_APART = {"fingerprint", "seconds", "manifest", "measurements"}
SHOWN = 40
"""Lines of a kind of difference that are enough to see what it is."""
ROLES: tuple[Role, ...] = get_args(Role)
"""In the order in which a reader asks for them: what is said of the papers, and then its tests."""
_INFORMATIVE = ("git_commit", "git_dirty", "versions", "python", "data_digests")


@dataclass(frozen=True)
class VerdictChange:
    """An entry whose verdict is another one."""

    entry: str
    role: Role
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
class RuleChange:
    """A claim or rival that is judged by another rule, so that its verdicts answer two questions.

    Attributes:
        entry: Its id.
        versions: Of the claim, before and after.
        regions: Of contrasts that both have, what was allowed before and after, by name.
    """

    entry: str
    versions: tuple[int, int]
    regions: Mapping[str, tuple[str, str]]

    def __str__(self) -> str:
        """Say what changed, and that a version is missing where it is."""
        was, now = self.versions
        allowed = [
            f"{name}, {before} before, {after} after"
            for name, (before, after) in self.regions.items()
        ]
        if was != now:
            parts = [f"version {was} before, {now} after", *allowed]
        elif allowed:
            parts = [*allowed, f"both are version {now}: raise it"]
        else:
            parts = ["its rule has another text", f"raise version {now} where it means another"]
        return f"{self.entry}: {'; '.join(parts)}"


@dataclass(frozen=True)
class AuditDiff:
    """All differences between two audits.

    Attributes:
        incomplete: Which of the two ended before every claim was judged.
        compared: How many entries of both had a verdict before, by role; no role has none.
        added: Ids that only the later audit has.
        removed: Ids that only the earlier one has.
        elsewhere: Those of the added and the removed whose claim the other audit has, too, in
            another setting.
        setting: How that differs, in words; "" where nothing that both name tells it.
        rules: Of claims and rivals of both.
        verdicts: Of entries of both, in the order of their roles.
        estimates: Of contrasts of both.
        evidence: All else that verdicts rest on.
        information: What the audits were made with; it is not evidence.
    """

    incomplete: tuple[Literal["before", "after"], ...]
    compared: Mapping[Role, int]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    elsewhere: frozenset[str]
    setting: str
    rules: tuple[RuleChange, ...]
    verdicts: tuple[VerdictChange, ...]
    estimates: tuple[EstimateChange, ...]
    evidence: tuple[FieldChange, ...]
    information: tuple[FieldChange, ...]

    @property
    def empty(self) -> bool:
        """Whether verdicts and evidence are the same, whatever they were made with."""
        return not (self.added or self.removed or self.verdicts or self.estimates or self.evidence)

    @property
    def incomparable(self) -> str:
        """Say how many entries have another setting in the other audit; "" where none has."""
        if not self.elsewhere:
            return ""
        before, after = (
            len(self.elsewhere.intersection(ids)) for ids in (self.removed, self.added)
        )
        how = f": {self.setting}" if self.setting else ""
        return (
            f"{counted(before, 'entry', 'entries')} of the first audit and {after} of the second "
            f"cannot be compared, since their setting differs{how}."
        )

    @property
    def headline(self) -> str:
        """Count the verdicts that changed, and those that are the first of their entries."""
        outcomes = [change for change in self.verdicts if change.before is not change.after]
        changed = Counter(change.role for change in outcomes if change.before in JUDGED)
        first = Counter(
            change.role
            for change in outcomes
            if change.before not in JUDGED and change.after in JUDGED
        )
        sentences = [_changed(changed, self.compared), _judged_first(first)]
        return "; ".join(filter(None, sentences)) or "No verdict to compare"


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
    pairs = list(shared(old, new))
    only_old = {key: entry for key, entry in old.items() if key not in new}
    only_new = {key: entry for key, entry in new.items() if key not in old}
    elsewhere, setting = _elsewhere(only_old, only_new)
    both: dict[Literal["before", "after"], Audit] = {"before": before, "after": after}
    return AuditDiff(
        incomplete=tuple(name for name, audit in both.items() if not audit.completed),
        compared=_by_role(old.role for _, old, _ in pairs if old.outcome in JUDGED),
        added=tuple(only_new),
        removed=tuple(only_old),
        elsewhere=elsewhere,
        setting=setting,
        rules=tuple(_rules(pairs)),
        verdicts=tuple(_verdicts(pairs)),
        estimates=tuple(change for pair in pairs for change in _estimates(*pair)),
        evidence=(
            *(change for pair in pairs for change in entry_evidence(*pair)),
            *_run_evidence(before, after),
            *changes("completed", before.completed, after.completed),
            *changes("papers", _papers(before), _papers(after)),
            *changes("protocols", _protocols(before), _protocols(after)),
            *changes("multiplicity", _multiplicity(before), _multiplicity(after)),
        ),
        information=tuple(_information(before, after)),
    )


def _rules(pairs: Iterable[tuple[str, Entry, Entry]]) -> Iterator[RuleChange]:
    for key, old, new in pairs:
        regions = {
            name: (before.region.text, after.region.text)
            for name, before, after in shared_contrasts(old, new)
            if before.region != after.region
        }
        versions = (old.version, new.version)
        same = old.rule == new.rule and old.version == new.version and not regions
        if old.role != "control" and not same:
            yield RuleChange(key, versions, regions)


def _by_role(roles: Iterable[Role]) -> dict[Role, int]:
    counts = Counter(roles)
    return {role: counts[role] for role in ROLES if counts[role]}


def _changed(changed: Counter[Role], compared: Mapping[Role, int]) -> str:
    """Say how many verdicts changed; a verdict is one on a claim where no others were compared."""
    clauses: list[str] = []
    for role, count in compared.items():
        on = "" if [*compared] == ["claim"] else f" on {role}s"
        of = f"{count}{on}" if clauses else f"{counted(count, 'verdict')}{on} changed"
        clauses.append(f"{changed[role] or ('none' if clauses else 'None')} of {of}")
    return enumerated(clauses)


def _judged_first(first: Counter[Role]) -> str:
    if not first:
        return ""
    entries = enumerated([counted(first[role], role) for role in ROLES if first[role]])
    return f"{entries} {'was' if first.total() == 1 else 'were'} judged for the first time"


def format_diff(diff: AuditDiff, *, whole: bool = False) -> str:
    """Return the differences as text for a terminal, or "no difference".

    Args:
        diff: Of two audits.
        whole: Whether all of them are listed, or of each kind but the verdicts the first `SHOWN`.
    """
    opening = list(incompleteness(diff))
    if diff.empty and not diff.information:
        opening.append("no difference")
    elif diff.empty:
        opening.append("no difference in verdicts and evidence")
    else:
        opening += [line for line in (visible(diff.incomparable), diff.headline) if line]
    sections = [
        ("judged by another rule", [visible(str(change)) for change in diff.rules]),
        ("verdicts", [_verdict_line(change) for change in diff.verdicts]),
        ("estimates", [_estimate_line(change) for change in diff.estimates]),
        ("added", [visible(key) for key in diff.added]),
        ("removed", [visible(key) for key in diff.removed]),
        ("evidence", [_field_line(change) for change in diff.evidence]),
        ("made with, not evidence", [_field_line(change) for change in diff.information]),
    ]
    for name, lines in sections:
        if lines:
            shown = lines if whole or name == "verdicts" else lines[:SHOWN]
            opening += [f"{name} ({len(lines)})", *(f"  {line}" for line in shown)]
            if more := len(lines) - len(shown):
                opening.append(f"  and {more} more, which --all lists")
    return "".join(f"{line}\n" for line in opening)


def incompleteness(diff: AuditDiff) -> Iterator[str]:
    """Say of each audit that is incomplete that it is."""
    for name in diff.incomplete:
        yield f"The audit {name} is incomplete: it ended before every claim was judged."


def _elsewhere(old: Mapping[str, Entry], new: Mapping[str, Entry]) -> tuple[frozenset[str], str]:
    """Find the entries that the other audit has in another setting, and say how it differs."""
    questions = {_question(entry) for entry in old.values()} & {
        _question(entry) for entry in new.values()
    }
    before, after = (
        {key: entry for key, entry in entries.items() if _question(entry) in questions}
        for entries in (old, new)
    )
    differing = [
        f"{name} {' and '.join(was)} before, {' and '.join(now)} after"
        for name, was, now in shared(_values(before.values()), _values(after.values()))
        if was.keys().isdisjoint(now)
    ]
    return frozenset([*before, *after]), "; ".join(differing)


def _question(entry: Entry) -> tuple[object, ...]:
    planted = "" if entry.control is None else entry.control.name
    return entry.role, entry.claim, entry.protocol, planted


def _values(entries: Iterable[Entry]) -> dict[str, dict[str, None]]:
    """Values of each parameter, as they first occur."""
    values: dict[str, dict[str, None]] = {}
    for entry in entries:
        for name, value in entry.parameters.items():
            values.setdefault(name, {})[value] = None
    return values


def _verdicts(pairs: Iterable[tuple[str, Entry, Entry]]) -> Iterator[VerdictChange]:
    for key, old, new in sorted(pairs, key=lambda pair: ROLES.index(pair[2].role)):
        if (old.outcome, old.own_outcome) != (new.outcome, new.own_outcome):
            yield VerdictChange(
                key, new.role, old.outcome, new.outcome, old.own_outcome, new.own_outcome
            )


def _estimates(key: str, old: Entry, new: Entry) -> Iterator[EstimateChange]:
    for name, before, after in shared_contrasts(old, new):
        if before.estimate != after.estimate:
            yield EstimateChange(key, name, after.unit, before.estimate, after.estimate)


def _run_evidence(before: Audit, after: Audit) -> Iterator[FieldChange]:
    old = keyed((run.fingerprint, run) for run in before.runs)
    new = keyed((run.fingerprint, run) for run in after.runs)
    yield from membership("run", old, new)
    for key, run, other in shared(old, new):
        place = f"run {short(key)}"
        yield from changes(place, plain(run, _RUN_APART), plain(other, _RUN_APART))


def _information(before: Audit, after: Audit) -> Iterator[FieldChange]:
    for field in _INFORMATIVE:
        old, new = (getattr(audit.provenance, field) for audit in (before, after))
        yield from changes(field, old, new)
    yield from changes("packages", before.packages, after.packages)
    yield from changes("changed_code", before.changed_code, after.changed_code)


def _papers(audit: Audit) -> dict[str, dict[str, Any]]:
    return keyed((paper.key, plain(paper, {"key"})) for paper in audit.papers)


def _protocols(audit: Audit) -> dict[str, dict[str, Any]]:
    return {
        f"{protocol.paper}/{protocol.name}": plain(protocol, {"paper", "name"})
        for protocol in audit.protocols
    }


def _multiplicity(audit: Audit) -> dict[str, Any]:
    families = {
        f"{family.paper}[{family.setting}]" if family.setting else family.paper: plain(
            family, {"paper", "setting"}
        )
        for family in audit.multiplicity.families
    }
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
