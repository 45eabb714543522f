"""What a verdict covers: the trainings it rests on, how they may fail, and the paper's numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache

from tic.document.audit import Audit, Entry, RunRecord
from tic.document.deciding import sampled_seeds
from tic.document.evidence import Comparison, Coverage
from tic.stats import is_chance, prediction_interval, upper_bound

CONFIDENCE = 0.95
"""Of the bound of failures and of the interval of a further seed; neither decides a verdict."""
_is_chance = lru_cache(maxsize=2**14)(is_chance)


def with_coverage(entry: Entry, runs: Mapping[str, RunRecord]) -> Entry:
    """Say of an entry what its Runs tell beside its verdict.

    Args:
        entry: As it was judged.
        runs: Those of the audit, by fingerprint.
    """
    records = [runs[name] for name in entry.runs if name in runs]
    trained = [record for record in records if record.status != "missing"]
    if not trained or entry.role == "control":
        return entry
    n_seeds = len(sampled_seeds(entry))
    return entry.model_copy(
        update={
            "coverage": _coverage(trained),
            "comparisons": tuple(
                _predicted(comparison, n_seeds) if entry.scope.level == "paper" else comparison
                for comparison in entry.comparisons
            ),
        }
    )


def with_former_bound(entry: Entry, recorded: Coverage) -> Entry:
    """Give an entry the recorded bound where that counts seeds as healthy that nobody tested.

    So audits once did, which must verify as they stand.

    Args:
        entry: With its coverage as it is reckoned today.
        recorded: What an audit says of it.
    """
    former = upper_bound(recorded.failed_seeds, recorded.seeds, confidence=CONFIDENCE)
    if entry.coverage is None or not entry.coverage.untested:
        return entry
    if not math.isclose(recorded.most_failing, former, rel_tol=1e-9):
        return entry
    bound = {"most_failing": recorded.most_failing}
    return entry.model_copy(update={"coverage": entry.coverage.model_copy(update=bound)})


def keeps_coverage(audit: Audit) -> bool:
    """Whether an audit says what its verdicts cover, as those before schema 6 do not."""
    return any(entry.coverage is not None for entry in audit.entries)


def has_collapsed(record: RunRecord) -> bool | None:
    """Whether a training ended no better than guessing; None where nobody measured it."""
    if record.test_accuracy is None or record.tested is None:
        return None
    if record.guessing is None:  # there was nothing to learn
        return False
    correct = round(record.test_accuracy * record.tested / 100)
    return _is_chance(correct, record.tested, record.guessing / 100)


def _coverage(records: Sequence[RunRecord]) -> Coverage:
    diverged = [record for record in records if record.status == "diverged"]
    finished = [record for record in records if record.status == "finished"]
    fates = [has_collapsed(record) for record in finished]
    collapsed = [record for record, fate in zip(finished, fates, strict=True) if fate]
    unknown = [record for record, fate in zip(finished, fates, strict=True) if fate is None]
    seeds = {record.seed for record in records}
    failed = {record.seed for record in (*diverged, *collapsed)}
    # Of a seed with a training that nobody tested it is not known that it did not fail.
    known = failed | seeds.difference(record.seed for record in unknown)
    bound = upper_bound(len(failed), len(known), confidence=CONFIDENCE) if known else 1.0
    return Coverage(
        trainings=len(records),
        diverged=len(diverged),
        collapsed=len(collapsed),
        untested=len(unknown),
        seeds=len(seeds),
        failed_seeds=len(failed),
        most_failing=bound,
    )


def _predicted(comparison: Comparison, n_seeds: int) -> Comparison:
    """Add where a further seed lies, where there is one number per seed and no clock ran."""
    if comparison.timed or len(comparison.measured) != n_seeds:
        return comparison
    interval = prediction_interval(comparison.measured, confidence=CONFIDENCE)
    return comparison.model_copy(update={"prediction": interval})
