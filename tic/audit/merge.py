"""Merging audits: several of the same claims on other seeds or machines become one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from tic.audit.assemble import correct
from tic.audit.deciding import judge_again
from tic.audit.document import Audit, Entry, Provenance, RunRecord
from tic.audit.evidence import (
    Check,
    Comparison,
    Contrast,
    Effects,
    Figure,
    ReadingVerdict,
    Table,
    TableRow,
    Trend,
    WorstCase,
)
from tic.audit.options import CONFIDENCE
from tic.audit.seal import sealed
from tic.audit.verify import verify_document
from tic.errors import TicError
from tic.stats.judge import JUDGED

_SAME = (
    "role", "threatens", "counterfeit", "claim", "version", "paper", "source", "says", "rule",
    "parameters", "protocol", "alternatives", "scope",
)  # fmt: skip
"""Fields of an entry that must agree for its seeds to be pooled."""

Item = TypeVar("Item")


def merge(audits: Sequence[Audit]) -> Audit:
    """Join audits into one with the seeds pooled, and judge every claim anew on all of them.

    An entry that is in one audit only is taken as it is; one that several have is judged on the
    seeds of all. Effects are pooled as each audit found them: what a test decided over all of its
    seeds, such as a check, was decided in each audit apart, and a check holds where it holds in
    all. A claim that could not be judged in one of them is not judged. Figures stand side by side.

    Args:
        audits: At least two, in the order in which their seeds come.

    Raises:
        TicError: An audit does not verify, or they do not belong together: the same seed twice,
            another version of a claim, other Recipes or other data.
    """
    if len(audits) < 2:
        raise TicError(f"merging needs at least two audits, got {len(audits)}; name another")
    for number, audit in enumerate(audits, start=1):
        faults = [fault for each in verify_document(audit) for fault in each.faults]
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
    entries, multiplicity = correct([_pooled(found) for found in by_id.values()], CONFIDENCE)
    return sealed(
        Audit(
            started=min(audit.started for audit in audits),
            seconds=sum(audit.seconds for audit in audits),
            completed=all(audit.completed for audit in audits),
            papers=_distinct(paper for audit in audits for paper in audit.papers),
            protocols=_distinct(each for audit in audits for each in audit.protocols),
            entries=tuple(entries),
            runs=_runs(audits),
            multiplicity=multiplicity,
            provenance=provenance,
        )
    )


def _pooled(found: Sequence[tuple[Audit, Entry]]) -> Entry:
    entries = [entry for _, entry in found]
    first = entries[0]
    if len(entries) == 1:
        return first.model_copy(update={"outcome": first.own_outcome})
    for other in entries[1:]:
        _require_same(first, other, _SAME)
    for entry in entries:
        if entry.own_outcome not in JUDGED:
            return entry
    _require_same_recipes(found)
    pooled = first.model_copy(
        update={
            "contrasts": _zipped(first.id, "contrasts", entries, _pool_contrasts),
            "comparisons": _zipped(first.id, "comparisons", entries, _pool_comparisons),
            "checks": _zipped(first.id, "checks", entries, _pool_checks),
            "left_open": _distinct(reason for entry in entries for reason in entry.left_open),
            "worst_cases": _zipped(first.id, "worst_cases", entries, _pool_worst_cases),
            "readings": _zipped(first.id, "readings", entries, _pool_readings),
            "tables": _zipped(first.id, "tables", entries, _pool_tables),
            "figures": tuple(_titled(entry, each) for entry in entries for each in entry.figures),
            "notes": (
                *_distinct(note for entry in entries for note in entry.notes),
                "Pooled from audits of seeds " + " and ".join(map(_seeds_text, entries)) + ".",
            ),
            "runs": _distinct(run for entry in entries for run in entry.runs),
            "seconds": sum(entry.seconds for entry in entries),
        }
    )
    try:
        return judge_again(pooled)
    except ValueError as error:
        raise TicError(f"{first.id} cannot be judged on the pooled seeds: {error}") from None


def _require_same(first: Entry, other: Entry, names: Iterable[str]) -> None:
    for name in names:
        ours, theirs = getattr(first, name), getattr(other, name)
        if ours != theirs:
            raise TicError(
                f"{first.id} must have the same {name.replace('_', ' ')} in all audits, got "
                f"{_text(ours)} and {_text(theirs)}; only audits of the same claim can be merged"
            )


def _require_same_recipes(found: Sequence[tuple[Audit, Entry]]) -> None:
    kinds = []
    for audit, entry in found:
        records = {record.fingerprint: record for record in audit.runs}
        kinds.append({_kind(records[fingerprint], records) for fingerprint in entry.runs})
    if any(each != kinds[0] for each in kinds[1:]):
        raise TicError(
            f"{found[0][1].id} must rest on the same Recipes in all audits, seeds apart, and does "
            "not; only audits of the same setting can be merged"
        )


def _kind(record: RunRecord, records: dict[str, RunRecord]) -> str:
    """A Recipe without its seed, and so its ancestors."""
    fields = {name: value for name, value in record.recipe.items() if name != "seed"}
    parent = fields.pop("parent", None)
    elder = "" if parent is None else _kind(records[str(parent)], records)
    return f"{sorted(fields.items())} {elder}"


def _zipped(
    name: str,
    what: str,
    entries: Sequence[Entry],
    pool: Callable[[str, Sequence[Any]], Any],
) -> tuple[Any, ...]:
    """Pool pieces of evidence by their position."""
    pieces = [getattr(entry, what) for entry in entries]
    if len({len(each) for each in pieces}) > 1:
        raise TicError(
            f"{name} must have the same {what.replace('_', ' ')} in all audits, got "
            f"{' and '.join(str(len(each)) for each in pieces)} of them; only audits of the same "
            "claim can be merged"
        )
    return tuple(pool(name, each) for each in zip(*pieces, strict=True))


def _alike(name: str, pieces: Sequence[Any], *fields: str) -> None:
    for field in fields:
        values = [getattr(each, field) for each in pieces]
        if any(value != values[0] for value in values[1:]):
            raise TicError(
                f"{name} must have the same evidence in all audits, got {field.replace('_', ' ')} "
                f"{' and '.join(map(_text, values))}; only audits of the same claim can be merged"
            )


def _pool_contrasts(name: str, pieces: Sequence[Contrast]) -> Contrast:
    return pieces[0].model_copy(update=_pooled_effects(name, pieces))


def _pooled_effects(name: str, pieces: Sequence[Effects]) -> dict[str, Any]:
    """The seeds of all, in order, with the effects and samples that belong to them."""
    _alike(name, pieces, "name", "unit", "region", "confidence")
    if not any(each.seeds for each in pieces):
        # What is exact is the same for any seeds; of readings it is counted anew.
        return {"effects": pieces[0].effects}
    seeds = [seed for each in pieces for seed in each.seeds]
    twice = sorted({seed for seed in seeds if seeds.count(seed) > 1})
    if twice:
        raise TicError(
            f"{name}: a seed counts once, and {', '.join(map(str, twice))} are in several of the "
            "audits; merge audits of other seeds (--seeds 5-9)"
        )
    order = sorted(range(len(seeds)), key=seeds.__getitem__)
    effects = [effect for each in pieces for effect in each.effects]
    trends = [each.trend for each in pieces if each.trend is not None]
    pooled: dict[str, Any] = {
        "seeds": tuple(seeds[i] for i in order),
        "effects": tuple(effects[i] for i in order),
    }
    if trends:
        _alike(name, trends, "direction")
        rows = [row for each in trends for row in each.samples]
        pooled["trend"] = Trend(
            direction=trends[0].direction, samples=tuple(rows[i] for i in order)
        )
    return pooled


def _pool_comparisons(name: str, pieces: Sequence[Comparison]) -> Comparison:
    _alike(name, pieces, "quantity", "place", "unit", "reported", "timed")
    measured = tuple(number for each in pieces for number in each.measured)
    return pieces[0].model_copy(update={"measured": measured})


def _pool_checks(name: str, pieces: Sequence[Check]) -> Check:
    _alike(name, pieces, "name", "says", "needed")
    found = "; ".join(_distinct(each.found for each in pieces))
    holds = all(each.holds for each in pieces)
    return pieces[0].model_copy(update={"found": found, "holds": holds})


def _pool_worst_cases(name: str, pieces: Sequence[WorstCase]) -> WorstCase:
    _alike(name, pieces, "figure", "reported")
    return pieces[0].model_copy(
        update={
            "attacked": tuple(number for each in pieces for number in each.attacked),
            "worst": tuple(number for each in pieces for number in each.worst),
        }
    )


def _pool_readings(name: str, pieces: Sequence[ReadingVerdict]) -> ReadingVerdict:
    _alike(name, pieces, "factors", "release")
    if len({len(each.contrasts) for each in pieces}) > 1:
        raise TicError(f"{name} must have the same contrasts by every reading in all audits")
    contrasts = tuple(
        each[0].model_copy(update=_pooled_effects(name, each))
        for each in zip(*(piece.contrasts for piece in pieces), strict=True)
    )
    left_open = _distinct(reason for each in pieces for reason in each.left_open)
    return pieces[0].model_copy(update={"contrasts": contrasts, "left_open": left_open})


def _pool_tables(name: str, pieces: Sequence[Table]) -> Table:
    _alike(name, pieces, "title", "caption", "unit", "columns")
    if len({tuple((row.group, row.name) for row in each.rows) for each in pieces}) > 1:
        raise TicError(f"{name}: {pieces[0].title} must have the same rows in all audits")
    rows = tuple(_pool_rows(each) for each in zip(*(piece.rows for piece in pieces), strict=True))
    return pieces[0].model_copy(update={"rows": rows})


def _pool_rows(rows: Sequence[TableRow]) -> TableRow:
    cells = zip(*(row.values for row in rows), strict=True)
    values = tuple(tuple(number for cell in each for number in cell) for each in cells)
    return rows[0].model_copy(update={"values": values})


def _titled(entry: Entry, figure: Figure) -> Figure:
    return figure.model_copy(update={"title": f"{figure.title}, seeds {_seeds_text(entry)}"})


def _seeds_text(entry: Entry) -> str:
    seeds = sorted({seed for contrast in entry.contrasts for seed in contrast.seeds})
    seeds = seeds or sorted({s for r in entry.readings for c in r.contrasts for s in c.seeds})
    return ", ".join(map(str, seeds)) or "none"


def _runs(audits: Sequence[Audit]) -> tuple[RunRecord, ...]:
    """All Runs; one that several audits have must have come out the same."""
    records: dict[str, RunRecord] = {}
    for audit in audits:
        for record in audit.runs:
            known = records.setdefault(record.fingerprint, record)
            if known.manifest is None:
                records[record.fingerprint] = record
            elif record.manifest is not None and known.train_loss != record.train_loss:
                raise TicError(
                    f"{record.label} must have come out the same in all audits, got training "
                    f"losses {known.train_loss} and {record.train_loss}; merge audits whose Runs "
                    "are apart"
                )
    return tuple(sorted(records.values(), key=lambda each: (each.label, each.fingerprint)))


def _provenance(audits: Sequence[Audit]) -> Provenance:
    every = [audit.provenance for audit in audits]
    digests: dict[str, str] = {}
    for each in every:
        for key, digest in each.data_digests.items():
            if digests.setdefault(key, digest) != digest:
                raise TicError(
                    f"the audits must rest on the same data, and {key} have the digests "
                    f"{digests[key]} and {digest}; only audits of the same data can be merged"
                )
    packages = _distinct(name for each in every for name in each.versions)
    commits = _distinct(each.git_commit for each in every)
    dirty = {each.git_dirty for each in every}
    return Provenance(
        command="; ".join(_distinct(each.command for each in every)),
        git_commit=commits[0] if len(commits) == 1 else None,
        git_dirty=True if True in dirty else None if None in dirty else False,
        versions={
            name: " and ".join(_distinct(each.versions.get(name, "none") for each in every))
            for name in packages
        },
        python=" and ".join(_distinct(each.python for each in every)),
        platform=" and ".join(_distinct(each.platform for each in every)),
        processor=" and ".join(_distinct(each.processor for each in every)),
        accelerator=" and ".join(_distinct(filter(None, (each.accelerator for each in every))))
        or None,
        data_digests=digests,
        merged=tuple(audit.seal for audit in audits if audit.seal is not None),
    )


def _distinct(items: Iterable[Item]) -> tuple[Item, ...]:
    """Each once, in the order in which they first come."""
    kept: list[Item] = []
    for item in items:
        if item not in kept:
            kept.append(item)
    return tuple(kept)


def _text(value: object) -> str:
    return repr(value if isinstance(value, str | int | float) else str(value))
