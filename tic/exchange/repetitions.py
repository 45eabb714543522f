"""Trainings that several audits count: repetitions and others of one name, by their weights."""

from __future__ import annotations

from collections.abc import Sequence

from tic.document.audit import Audit, RunRecord
from tic.errors import TicError


def require_other_trainings(audits: Sequence[Audit]) -> None:
    """Refuse audits that count one training twice.

    A seed is a label. On another processor the same one gives other weights, and a training that is
    as good as one of another seed; yet a Run is kept under its Recipe and data, so that neither a
    Store nor an audit can hold both.

    Raises:
        TicError: A Run is in several audits and came out otherwise, or two seeds have the same
            weights.
    """
    known: dict[str, RunRecord] = {}
    by_weights: dict[str, RunRecord] = {}
    for record in (record for audit in audits for record in audit.runs):
        if record.weights is None:
            continue
        same_run = known.setdefault(record.fingerprint, record)
        if same_run.weights != record.weights:
            raise TicError(
                f"{record.label} must be one training in all audits, got other weights in one of "
                "them. It is as good as another seed, as on another processor, but has the same "
                "identity; run one of the audits with other seeds (--seeds 5-9)"
            )
        twin = by_weights.setdefault(record.weights, record)
        if twin.seed != record.seed and _of_one_recipe(twin, record):
            raise TicError(
                f"{twin.label} and {record.label} must have different weights to be two seeds, got "
                "the same: one training under two names; leave one of them out"
            )


def _of_one_recipe(first: RunRecord, second: RunRecord) -> bool:
    """Whether two Runs differ in nothing but their seed and that of their ancestors."""
    apart = {"seed", "parent"}
    fields = [
        {name: value for name, value in record.recipe.items() if name not in apart}
        for record in (first, second)
    ]
    return fields[0] == fields[1]
