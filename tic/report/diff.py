"""What became different between two audits, down to the last bit of a number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from tic.audit.evidence import Audit, Comparison, Contrast, Entry
from tic.report.numerals import number
from tic.report.parts import parts
from tic.report.tables import short
from tic.report.text import shorten, visible
from tic.stats.judge import Outcome

# Compared field by field elsewhere, or different in every execution.
_ENTRY_APART = {"id", "outcome", "own_outcome", "contrasts", "comparisons", "figures", "seconds"}
_CONTRAST_APART = {"name", "estimate"}
_RUN_APART = {"fingerprint", "seconds"}
_INFORMATIVE = ("git_commit", "git_dirty", "versions", "python", "data_digests")
_LONGEST_VALUE = 120
_ABSENT = "absent"

_Value = TypeVar("_Value")


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
class FieldChange:
    """Anything else that is not the same, named by where it stands."""

    place: str
    before: str
    after: str


@dataclass(frozen=True)
class AuditDiff:
    """All differences between two audits.

    `information` says what the audits were made with; it is not evidence.
    """

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
    old = _keyed((entry.id, entry) for entry in before.entries)
    new = _keyed((entry.id, entry) for entry in after.entries)
    pairs = [(key, old[key], new[key]) for key in old if key in new]
    return AuditDiff(
        added=tuple(key for key in new if key not in old),
        removed=tuple(key for key in old if key not in new),
        verdicts=tuple(_verdicts(pairs)),
        estimates=tuple(change for pair in pairs for change in _estimates(*pair)),
        evidence=(
            *(change for pair in pairs for change in _entry_evidence(*pair)),
            *_run_evidence(before, after),
            *_changes("completed", before.completed, after.completed),
            *_changes("protocols", _protocols(before), _protocols(after)),
            *_changes("multiplicity", _plain(before.multiplicity), _plain(after.multiplicity)),
        ),
        information=tuple(_information(before, after)),
    )


def format_diff(diff: AuditDiff) -> str:
    """Return the differences as text for a terminal, or "no difference"."""
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
        return "no difference\n"
    shown = [(name, lines) for name, lines in sections if lines or name.startswith("no ")]
    return "".join(f"{name}\n" + "".join(f"  {line}\n" for line in lines) for name, lines in shown)


def _verdicts(pairs: Iterable[tuple[str, Entry, Entry]]) -> Iterator[VerdictChange]:
    for key, old, new in pairs:
        if (old.outcome, old.own_outcome) != (new.outcome, new.own_outcome):
            yield VerdictChange(key, old.outcome, new.outcome, old.own_outcome, new.own_outcome)


def _estimates(key: str, old: Entry, new: Entry) -> Iterator[EstimateChange]:
    for name, before, after in _shared_contrasts(old, new):
        if before.estimate != after.estimate:
            yield EstimateChange(key, name, after.unit, before.estimate, after.estimate)


def _entry_evidence(key: str, old: Entry, new: Entry) -> Iterator[FieldChange]:
    yield from _changes(key, _plain(old, _ENTRY_APART), _plain(new, _ENTRY_APART))
    yield from _changes(f"{key}.comparisons", _comparisons(old), _comparisons(new))
    yield from _membership(f"{key}: contrast", _contrasts(old), _contrasts(new))
    for name, before, after in _shared_contrasts(old, new):
        place = f"{key}: {name}"
        yield from _changes(place, _plain(before, _CONTRAST_APART), _plain(after, _CONTRAST_APART))
    yield from _figure_evidence(key, old, new)


def _figure_evidence(key: str, old: Entry, new: Entry) -> Iterator[FieldChange]:
    """Sum up what moved in a figure, whose single values nobody would read here."""
    before = _keyed((figure.title, figure) for figure in old.figures)
    after = _keyed((figure.title, figure) for figure in new.figures)
    yield from _membership(f"{key}: figure", before, after)
    for title in [title for title in before if title in after]:
        count = sum(1 for _ in _changes("", _plain(before[title]), _plain(after[title])))
        if count:
            place = f"{key}: figure {title}"
            shown = f"{count} of {parts(after[title]).size} values differ"
            yield FieldChange(place, "as it was", shown)


def _run_evidence(before: Audit, after: Audit) -> Iterator[FieldChange]:
    old = _keyed((run.fingerprint, run) for run in before.runs)
    new = _keyed((run.fingerprint, run) for run in after.runs)
    yield from _membership("run", old, new)
    for key in [key for key in old if key in new]:
        place = f"run {short(key)}"
        yield from _changes(place, _plain(old[key], _RUN_APART), _plain(new[key], _RUN_APART))


def _information(before: Audit, after: Audit) -> Iterator[FieldChange]:
    for field in _INFORMATIVE:
        old, new = (getattr(audit.provenance, field) for audit in (before, after))
        yield from _changes(field, old, new)


def _membership(
    kind: str, old: Mapping[str, object], new: Mapping[str, object]
) -> Iterator[FieldChange]:
    yield from (FieldChange(f"{kind} {key}", "present", _ABSENT) for key in old if key not in new)
    yield from (FieldChange(f"{kind} {key}", _ABSENT, "present") for key in new if key not in old)


def _changes(place: str, old: Any, new: Any) -> Iterator[FieldChange]:
    """Walk two documents together and report the leaves that differ."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys([*old, *new]):
            yield from _changes(f"{place}.{key}", old.get(key, _ABSENT), new.get(key, _ABSENT))
    elif _is_list(old) and _is_list(new) and len(old) == len(new):
        for index, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _changes(f"{place}[{index}]", one, other)
    elif old != new:
        yield FieldChange(place.lstrip("."), _shown(old), _shown(new))


def _contrasts(entry: Entry) -> dict[str, Contrast]:
    return _keyed((contrast.name, contrast) for contrast in entry.contrasts)


def _comparisons(entry: Entry) -> list[dict[str, Any]]:
    return [_plain(one, _apart_of(one)) for one in entry.comparisons]


def _apart_of(comparison: Comparison) -> set[str]:
    """Leave out what rests on a clock, which is different in every execution."""
    return {"measured"} if comparison.timed else set()


def _protocols(audit: Audit) -> dict[str, str]:
    return {protocol.name: protocol.says for protocol in audit.protocols}


def _shared_contrasts(old: Entry, new: Entry) -> Iterator[tuple[str, Contrast, Contrast]]:
    after = _contrasts(new)
    for name, contrast in _contrasts(old).items():
        if name in after:
            yield name, contrast, after[name]


def _keyed(pairs: Iterable[tuple[str, _Value]]) -> dict[str, _Value]:
    """Make keys unique by numbering repetitions, so that none shadows another."""
    seen = Counter[str]()
    result = {}
    for key, value in pairs:
        seen[key] += 1
        result[key if seen[key] == 1 else f"{key} ({seen[key]})"] = value
    return result


def _plain(record: Any, apart: set[str] | None = None) -> dict[str, Any]:
    plain: dict[str, Any] = record.model_dump(exclude=apart)
    return plain


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _shown(value: object) -> str:
    return shorten(value if isinstance(value, str) else repr(value), _LONGEST_VALUE)


def _verdict_line(change: VerdictChange) -> str:
    own = ""
    if (change.own_before, change.own_after) != (change.before, change.after):
        own = f" (by itself {change.own_before} → {change.own_after})"
    return f"{visible(change.entry)}: {change.before} → {change.after}{own}"


def _estimate_line(change: EstimateChange) -> str:
    moved = number(change.after - change.before)
    unit = f" {visible(change.unit)}" if change.unit else ""
    return (
        f"{visible(change.entry)}: {visible(change.contrast)}: "
        f"{change.before!r} → {change.after!r}{unit} (moved by {moved})"
    )


def _field_line(change: FieldChange) -> str:
    return f"{visible(change.place)}: {visible(change.before)} → {visible(change.after)}"
