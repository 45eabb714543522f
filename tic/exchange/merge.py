"""Merging audits: several of the same claims on other seeds or machines become one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from tic.document.audit import Audit, Entry, Provenance, RunRecord
from tic.document.correction import CONFIDENCE, correct_entries
from tic.document.deciding import judge_again
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
    text,
)
from tic.exchange.pooling_figures import pool_figures, seeds_text
from tic.exchange.verify_audit import verify_document
from tic.stats.judge import JUDGED

_SAME = (
    "role", "threatens", "control", "claim", "version", "paper", "source", "says", "rule",
    "parameters", "protocol", "alternatives", "scope", "offered",
)  # fmt: skip
"""Fields of an entry that must agree for its seeds to be pooled."""


def merge(audits: Sequence[Audit]) -> Audit:
    """Join audits into one with the seeds pooled, and judge every claim anew on all of them.

    An entry that is in one audit only is taken as it is; one that several have is judged on the
    seeds of all. Effects are pooled as each audit found them: what a test decided over all of its
    seeds, such as a check, was decided in each audit apart, and a check holds where it holds in
    all. A claim that could not be judged in one of them is not judged. Figures are pooled where
    their numbers are one per seed, and stand side by side otherwise.

    Args:
        audits: At least two, in the order in which their seeds come.

    Raises:
        TicError: An audit does not verify, or they do not belong together: the same seed twice,
            another version of a claim, other Recipes or other data.
    """
    if len(audits) < 2:
        raise TicError(f"merging needs at least two audits, got {len(audits)}; name another")
    for number, audit in enumerate(audits, start=1):
        faults = [fault for check in verify_document(audit) for fault in check.faults]
        if faults:
            raise TicError(
                f"an audit must verify to be merged, and number {number} does not: {faults[0]}"
                f"{f' (and {len(faults) - 1} more)' if len(faults) > 1 else ''}; see tic verify"
            )
    provenance = _provenance(audits)
    by_id: dict[str, list[tuple[Audit, Entry]]] = {}
    for audit in audits:
        for entry in audit.entries:
            by_id.setdefault(entry.id, []).append((audit, entry))
    entries, multiplicity = correct_entries(
        [_pooled(members) for members in by_id.values()], CONFIDENCE
    )
    return sealed(
        Audit(
            started=min(audit.started for audit in audits),
            seconds=sum(audit.seconds for audit in audits),
            completed=all(audit.completed for audit in audits),
            papers=distinct(paper for audit in audits for paper in audit.papers),
            packages=tuple(sorted({name for audit in audits for name in audit.packages})),
            protocols=distinct(record for audit in audits for record in audit.protocols),
            entries=tuple(entries),
            runs=_runs(audits),
            multiplicity=multiplicity,
            provenance=provenance,
        )
    )


def _pooled(members: Sequence[tuple[Audit, Entry]]) -> Entry:
    entries = [entry for _, entry in members]
    first = entries[0]
    if len(entries) == 1:
        return judge_again(first)
    for other in entries[1:]:
        _require_same(first, other, _SAME)
    for entry in entries:
        if entry.own_outcome not in JUDGED:
            return entry
    _require_same_recipes(members)
    joined = first.model_copy(
        update={
            "contrasts": pooled(first.id, "contrasts", entries, pool_contrasts),
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
            "seconds": sum(entry.seconds for entry in entries),
        }
    )
    try:
        return judge_again(joined)
    except ValueError as error:
        raise TicError(f"{first.id} cannot be judged on the pooled seeds: {error}") from None


def _require_same(first: Entry, other: Entry, names: Iterable[str]) -> None:
    for name in names:
        ours, theirs = getattr(first, name), getattr(other, name)
        if ours != theirs:
            raise TicError(
                f"{first.id} must have the same {name.replace('_', ' ')} in all audits, got "
                f"{text(ours)} and {text(theirs)}; only audits of the same claim can be merged"
            )


def _require_same_recipes(members: Sequence[tuple[Audit, Entry]]) -> None:
    kinds = []
    for audit, entry in members:
        records = {record.fingerprint: record for record in audit.runs}
        kinds.append({_kind(records[fingerprint], records) for fingerprint in entry.runs})
    if any(other != kinds[0] for other in kinds[1:]):
        raise TicError(
            f"{members[0][1].id} must rest on the same Recipes in all audits, seeds apart, and "
            "does not; only audits of the same setting can be merged"
        )


def _kind(record: RunRecord, records: dict[str, RunRecord]) -> str:
    """A Recipe without its seed, and so its ancestors."""
    fields = {name: value for name, value in record.recipe.items() if name != "seed"}
    parent = fields.pop("parent", None)
    elder = "" if parent is None else _kind(records[str(parent)], records)
    return f"{json.dumps(fields, sort_keys=True)} {elder}"


def _runs(audits: Sequence[Audit]) -> tuple[RunRecord, ...]:
    """All Runs; one that several audits have must have come out the same."""
    records: dict[str, RunRecord] = {}
    for audit in audits:
        for record in audit.runs:
            known = records.get(record.fingerprint, record)
            records[record.fingerprint] = _same_run(known, record)
    return tuple(sorted(records.values(), key=lambda record: (record.label, record.fingerprint)))


def _same_run(one: RunRecord, other: RunRecord) -> RunRecord:
    """Join what two audits tell of a Run: what one of them lacks, and the measurements of both."""
    if one.manifest is None or other.manifest is None:
        return other if one.manifest is None else one
    what = "training losses"
    values: tuple[object, object] = (one.train_loss, other.train_loss)
    shared = one.measurements.keys() & other.measurements.keys()
    if differing := sorted(n for n in shared if one.measurements[n] != other.measurements[n]):
        what = differing[0]
        values = (one.measurements[what], other.measurements[what])
    if values[0] != values[1]:
        raise TicError(
            f"{one.label} must have come out the same in all audits, got {what} {values[0]} and "
            f"{values[1]}; merge audits whose Runs are apart"
        )
    return one.model_copy(update={"measurements": {**one.measurements, **other.measurements}})


def _provenance(audits: Sequence[Audit]) -> Provenance:
    every = [audit.provenance for audit in audits]
    digests: dict[str, str] = {}
    for one in every:
        for key, digest in one.data_digests.items():
            if digests.setdefault(key, digest) != digest:
                raise TicError(
                    f"the audits must rest on the same data, and {key} have the digests "
                    f"{digests[key]} and {digest}; only audits of the same data can be merged"
                )
    packages = distinct(name for one in every for name in one.versions)
    commits = distinct(one.git_commit for one in every)
    dirty = {one.git_dirty for one in every}
    return Provenance(
        command="; ".join(distinct(one.command for one in every)),
        git_commit=commits[0] if len(commits) == 1 else None,
        git_dirty=True if True in dirty else None if None in dirty else False,
        versions={
            name: " and ".join(distinct(one.versions.get(name, "none") for one in every))
            for name in packages
        },
        python=" and ".join(distinct(one.python for one in every)),
        platform=" and ".join(distinct(one.platform for one in every)),
        processor=" and ".join(distinct(one.processor for one in every)),
        accelerator=" and ".join(distinct(filter(None, (one.accelerator for one in every))))
        or None,
        data_digests=digests,
        merged=tuple(audit.seal for audit in audits if audit.seal is not None),
    )
