"""Merging audits: several of the same claims on other seeds or machines become one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tic.document.audit import Audit, Entry, Family, Multiplicity, Provenance, RunRecord
from tic.document.correction import CONFIDENCE, is_former, rejudge_by_rule
from tic.document.coverage import with_coverage
from tic.document.deciding import sampled_seeds
from tic.document.former_correction import correct_by_holm
from tic.document.seal import sealed
from tic.errors import TicError
from tic.exchange.pooling import (
    distinct,
    pool_checks,
    pool_comparisons,
    pool_contrasts,
    pool_readings,
    pool_tables,
    pool_worst_cases,
    pooled,
    require_one_confidence,
    require_same_arithmetic,
    text,
)
from tic.exchange.pooling_figures import pool_figures, seeds_text
from tic.exchange.repetitions import require_other_trainings
from tic.exchange.verify_audit import verify_document
from tic.report.numerals import enumerated
from tic.stats.judge import Outcome

_SAME = (
    "role", "threatens", "control", "claim", "version", "paper", "source", "says", "rule",
    "setting", "parameters", "protocol", "alternatives", "scope", "offered",
)  # fmt: skip
"""Fields of an entry that must agree for its seeds to be pooled."""
_PREVAILING = (Outcome.ERROR, Outcome.NOT_APPLICABLE)
"""Outcomes of some seeds that are those of all, the graver first."""


@dataclass(frozen=True)
class _Part:
    """What one of the audits has of a claim."""

    name: str
    audit: Audit
    entry: Entry


def merge(audits: Sequence[Audit], names: Sequence[str] = ()) -> Audit:
    """Join audits into one with the seeds pooled, and judge every claim anew on all of them.

    An entry that is in one audit only is taken as it is; one that several have is judged on the
    seeds of all. Effects are pooled as each audit found them: what a test decided over all of its
    seeds, such as a check, was decided in each audit apart, and a check holds where it holds in
    all. So it is with a claim that ended in an error in one of them, or does not apply to its
    seeds: one audit of all seeds would have come to the same. What one did not run says nothing,
    and is left out where another did; a claim that rests on no Runs must be the same in all, and is
    taken as it is. Figures are pooled where their numbers are one per seed, and stand side by side
    otherwise.

    Args:
        audits: At least two, in the order in which their seeds come.
        names: What messages call them, such as their files; their numbers without it.

    Raises:
        TicError: An audit does not verify, or they do not belong together: the same seed twice,
            another version of a claim, other Recipes or other data.
    """
    if len(audits) < 2:
        raise TicError(f"merging needs at least two audits, got {len(audits)}; name another")
    names = names or [f"number {position}" for position in range(1, len(audits) + 1)]
    named = tuple(zip(names, audits, strict=True))
    for name, audit in named:
        _require_verified(name, audit)
    provenance = _provenance(named)
    require_other_trainings(named)
    by_id: dict[str, list[_Part]] = {}
    for name, audit in named:
        for entry in audit.entries:
            by_id.setdefault(entry.id, []).append(_Part(name, audit, entry))
    multiplicity = _multiplicity(named)
    records = _runs(named)
    runs = {record.fingerprint: record for record in records}
    entries = [_pooled(parts, multiplicity) for parts in by_id.values()]
    entries = [
        with_coverage(entry, runs) if entry.coverage is not None else entry for entry in entries
    ]
    if is_former(multiplicity):
        entries, multiplicity = correct_by_holm(entries, CONFIDENCE)
    return sealed(
        Audit(
            started=min(audit.started for audit in audits),
            seconds=sum(audit.seconds for audit in audits),
            completed=all(audit.completed for audit in audits),
            papers=distinct(paper for audit in audits for paper in audit.papers),
            packages=tuple(sorted({package for audit in audits for package in audit.packages})),
            changed_code=tuple(sorted({kind for audit in audits for kind in audit.changed_code})),
            protocols=distinct(protocol for audit in audits for protocol in audit.protocols),
            entries=tuple(entries),
            runs=records,
            multiplicity=multiplicity,
            provenance=provenance,
        )
    )


@contextmanager
def _refusals_of(*names: str) -> Iterator[None]:
    """Begin what is refused with the audits that it speaks of."""
    try:
        yield
    except TicError as error:
        raise TicError(f"{enumerated(names)}: {error}") from None


def _require_verified(name: str, audit: Audit) -> None:
    try:
        faults = [fault for examined in verify_document(audit) for fault in examined.faults]
    except TicError as error:
        faults = [str(error)]
    if faults:
        raise TicError(
            f"an audit must verify to be merged, and {name} does not: {faults[0]}"
            f"{f' (and {len(faults) - 1} more)' if len(faults) > 1 else ''}; see tic verify"
        )


def _multiplicity(named: Sequence[tuple[str, Audit]]) -> Multiplicity:
    """The families of all, which must agree where several audits have one."""
    of_first, first = named[0][0], named[0][1].multiplicity
    families: dict[tuple[str, str], tuple[str, Family]] = {}
    for name, audit in named:
        other = audit.multiplicity
        if (first.method, first.level) != (other.method, other.level):
            raise TicError(
                f"audits must be corrected by one rule to be merged, got {first.method} at level "
                f"{first.level:g} in {of_first} and {other.method} at level {other.level:g} in "
                f"{name}; run the older one again with this version"
            )
        for family in other.families:
            of_known, known = families.setdefault((family.paper, family.setting), (name, family))
            if known != family and not is_former(first):
                raise TicError(
                    f"in all audits as many claims of {family.paper} must share the error rate, "
                    f"got {known.claims} with {known.rivals} rivals in {of_known} and "
                    f"{family.claims} with {family.rivals} in {name}; state the numbers in its Pack"
                )
    return first.model_copy(update={"families": tuple(family for _, family in families.values())})


def _pooled(parts: Sequence[_Part], multiplicity: Multiplicity) -> Entry:
    first, *others = parts
    for later in others:
        with _refusals_of(first.name, later.name):
            _require_same(first.entry, later.entry, _SAME)
    ran = [part for part in parts if part.entry.own_outcome is not Outcome.NOT_RUN] or [first]
    for outcome in _PREVAILING:
        for part in ran:
            if part.entry.own_outcome is outcome:
                return part.entry
    entries = [part.entry for part in ran]
    if len(entries) == 1:
        return rejudge_by_rule(entries[0], multiplicity)
    with _refusals_of(*(part.name for part in ran)):
        if not any(entry.runs or sampled_seeds(entry) for entry in entries):
            require_same_arithmetic(entries)
            return rejudge_by_rule(entries[0], multiplicity)
        _require_same_recipes(ran)
        return _joined(entries, multiplicity)


def _joined(entries: Sequence[Entry], multiplicity: Multiplicity) -> Entry:
    """The entry of all seeds, judged anew."""
    first = entries[0]
    joined = first.model_copy(
        update={
            # What readings contradict each other by is counted anew.
            "contrasts": first.contrasts
            if first.readings
            else pooled(first.id, "contrasts", entries, pool_contrasts),
            "comparisons": pooled(first.id, "comparisons", entries, pool_comparisons),
            "checks": pooled(first.id, "checks", entries, pool_checks),
            "left_open": distinct(reason for entry in entries for reason in entry.left_open),
            "worst_cases": pooled(first.id, "worst_cases", entries, pool_worst_cases),
            "readings": pooled(first.id, "readings", entries, pool_readings),
            "tables": pooled(first.id, "tables", entries, pool_tables),
            "figures": pool_figures(entries),
            "notes": (
                *distinct(note for entry in entries for note in entry.notes),
                "Pooled from audits of seeds " + " and ".join(map(seeds_text, entries)) + ".",
            ),
            "runs": distinct(run for entry in entries for run in entry.runs),
            "coverage": first.coverage if all(entry.coverage for entry in entries) else None,
            "samples": distinct(sample for entry in entries for sample in entry.samples),
            "seconds": sum(entry.seconds for entry in entries),
            # Whoever pools them has seen the parts: it is another look at the same question.
            "design": "sequential",
        }
    )
    if is_former(multiplicity):  # any other rule gives the pooled seeds a confidence
        require_one_confidence(entries)
    try:
        return rejudge_by_rule(joined, multiplicity)
    except ValueError as error:
        raise TicError(f"the pooled seeds: {error}") from None


def _require_same(first: Entry, second: Entry, names: Iterable[str]) -> None:
    for name in names:
        ours, theirs = getattr(first, name), getattr(second, name)
        if ours != theirs:
            raise TicError(
                f"{first.id} must have the same {name.replace('_', ' ')} in all audits, got "
                f"{text(ours)} and {text(theirs)}; only audits of the same claim can be merged"
            )


def _require_same_recipes(parts: Sequence[_Part]) -> None:
    kinds = []
    for part in parts:
        records = {record.fingerprint: record for record in part.audit.runs}
        kinds.append({_kind(records[fingerprint], records) for fingerprint in part.entry.runs})
    if any(recipes != kinds[0] for recipes in kinds[1:]):
        raise TicError(
            f"{parts[0].entry.id} must rest on the same Recipes in all audits, seeds apart, and "
            "does not; only audits of the same setting can be merged"
        )


def _kind(record: RunRecord, records: dict[str, RunRecord]) -> str:
    """A Recipe without its seed, and so its ancestors."""
    fields = {name: value for name, value in record.recipe.items() if name != "seed"}
    parent = fields.pop("parent", None)
    elder = "" if parent is None else _kind(records[str(parent)], records)
    return f"{json.dumps(fields, sort_keys=True)} {elder}"


def _runs(named: Sequence[tuple[str, Audit]]) -> tuple[RunRecord, ...]:
    """All Runs; one that several audits have must have come out the same."""
    records: dict[str, RunRecord] = {}
    first: dict[str, str] = {}
    for name, audit in named:
        for record in audit.runs:
            known = records.get(record.fingerprint, record)
            with _refusals_of(first.setdefault(record.fingerprint, name), name):
                records[record.fingerprint] = _same_run(known, record)
    return tuple(sorted(records.values(), key=lambda record: (record.label, record.fingerprint)))


def _same_run(first: RunRecord, second: RunRecord) -> RunRecord:
    """Join what two audits tell of a Run: what one of them lacks, and the measurements of both."""
    if first.manifest is None or second.manifest is None:
        return second if first.manifest is None else first
    what = "training losses"
    values: tuple[object, object] = (first.train_loss, second.train_loss)
    shared = first.measurements.keys() & second.measurements.keys()
    if differing := sorted(n for n in shared if first.measurements[n] != second.measurements[n]):
        what = differing[0]
        values = (first.measurements[what], second.measurements[what])
    if values[0] != values[1]:
        raise TicError(
            f"{first.label} must have come out the same in all audits, got {what} {values[0]} and "
            f"{values[1]}; merge audits that share no Run"
        )
    return first.model_copy(update={"measurements": {**first.measurements, **second.measurements}})


def _provenance(named: Sequence[tuple[str, Audit]]) -> Provenance:
    audits = [audit for _, audit in named]
    every = [audit.provenance for audit in audits]
    digests = _data_digests(named)
    packages = distinct(name for provenance in every for name in provenance.versions)
    commits = distinct(provenance.git_commit for provenance in every)
    dirty = {provenance.git_dirty for provenance in every}
    return Provenance(
        command="; ".join(distinct(provenance.command for provenance in every)),
        git_commit=commits[0] if len(commits) == 1 else None,
        git_dirty=True if True in dirty else None if None in dirty else False,
        versions={
            name: " and ".join(
                distinct(provenance.versions.get(name, "none") for provenance in every)
            )
            for name in packages
        },
        python=" and ".join(distinct(provenance.python for provenance in every)),
        platform=" and ".join(distinct(provenance.platform for provenance in every)),
        processor=" and ".join(distinct(provenance.processor for provenance in every)),
        accelerator=" and ".join(
            distinct(filter(None, (provenance.accelerator for provenance in every)))
        )
        or None,
        data_digests=digests,
        merged=tuple(audit.seal for audit in audits if audit.seal is not None),
    )


def _data_digests(named: Sequence[tuple[str, Audit]]) -> dict[str, str]:
    """The digests of all data, which must agree where several audits rest on the same."""
    digests: dict[str, tuple[str, str]] = {}
    for name, audit in named:
        for key, digest in audit.provenance.data_digests.items():
            of_known, known = digests.setdefault(key, (name, digest))
            if known != digest:
                raise TicError(
                    f"the audits must rest on the same data, and {key} have the digests {known} "
                    f"in {of_known} and {digest} in {name}; only audits of the same data can be "
                    "merged"
                )
    return {key: digest for key, (_, digest) in digests.items()}
