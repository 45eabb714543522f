"""Whether seeds are as many trainings: those of an entry's Runs, and none that is there twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from tic.document.audit import Audit, Entry, RunRecord
from tic.errors import TicError


def require_other_trainings(named: Iterable[tuple[str, Audit]]) -> None:
    """Refuse audits that count one training twice.

    A seed is a label. On another processor the same one gives other weights, and a training that is
    as good as one of another seed; yet a Run is kept under its Recipe and data, so that neither a
    Store nor an audit can hold both.

    Args:
        named: The audits, each with what messages call it.

    Raises:
        TicError: A Run is in several audits and came out otherwise, or two seeds have the same
            weights.
    """
    known: dict[str, tuple[str, RunRecord]] = {}
    of_all = [(name, run) for name, audit in named for run in audit.runs if run.weights is not None]
    for name, record in of_all:
        of_known, same_run = known.setdefault(record.fingerprint, (name, record))
        if same_run.weights != record.weights:
            raise TicError(
                f"{record.label} must be one training in all audits, got other weights in {name} "
                f"than in {of_known}. It is as good as another seed, as on another processor, but "
                "has the same identity; run one of the audits with other seeds (--seeds 5-9)"
            )
    for first, second in twins(record for _, record in of_all):
        of_each = " and ".join(known[record.fingerprint][0] for record in (first, second))
        raise TicError(
            f"{one_under_two_names(first, second)} (in {of_each}); leave one of them out"
        )


def twins(records: Iterable[RunRecord]) -> Iterator[tuple[RunRecord, RunRecord]]:
    """Yield pairs of Runs of one Recipe that have other seeds, and the same weights."""
    by_weights: dict[str, RunRecord] = {}
    for record in records:
        if record.weights is None:
            continue
        twin = by_weights.setdefault(record.weights, record)
        if twin.seed != record.seed and _of_one_recipe(twin, record):
            yield twin, record


def one_under_two_names(first: RunRecord, second: RunRecord) -> str:
    """Say of two seeds that they are one training."""
    return (
        f"{first.label} and {second.label} must have different weights to be two seeds, got the "
        "same: one training under two names"
    )


def _of_one_recipe(first: RunRecord, second: RunRecord) -> bool:
    """Whether two Runs differ in nothing but their seed and that of their ancestors."""
    apart = {"seed", "parent"}
    fields = [
        {name: value for name, value in record.recipe.items() if name not in apart}
        for record in (first, second)
    ]
    return fields[0] == fields[1]


def seed_faults(entry: Entry, records: Sequence[RunRecord]) -> Iterator[str]:
    """Yield where the seeds that an entry was judged on are not those of as many trainings.

    Args:
        entry: A claim or a rival; what is exact in it rests on no seeds.
        records: Its Runs.
    """
    of_readings = (effects for reading in entry.readings for effects in reading.contrasts)
    judged = dict.fromkeys(each.seeds for each in (*entry.contrasts, *of_readings) if each.seeds)
    if not judged:
        return
    runs = Counter(record.seed for record in records)
    for seeds in judged:
        if set(seeds) != runs.keys():
            yield (
                f"{entry.id}: was judged on the seeds {_listed(seeds)}, and its Runs have "
                f"{_listed(sorted(runs))}"
            )
    if len(set(runs.values())) > 1:
        counts = ", ".join(f"{count} of seed {seed}" for seed, count in sorted(runs.items()))
        yield f"{entry.id}: must rest on as many Runs of each seed, got {counts}"
    if not entry.left_open:  # where they are told to be one, nothing is said of the claim
        yield from (f"{entry.id}: {one_under_two_names(*pair)}" for pair in twins(records))


def _listed(seeds: Sequence[int]) -> str:
    return ", ".join(map(str, seeds)) or "none"
