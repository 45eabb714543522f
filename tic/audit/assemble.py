"""From the entries of single claims to the audit: Holm over all of them, Runs, completeness."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tic.audit.evidence import Entry, Multiplicity, RunRecord
from tic.engine.plan import Plan
from tic.lab import Lab
from tic.recipe import Recipe
from tic.stats import Outcome, holm


def correct(entries: Sequence[Entry], confidence: float) -> tuple[list[Entry], Multiplicity]:
    """Let SUPPORTED stand only where it survives Holm's correction over the audit.

    The family is every claim with a p-value. The level is the error rate that the two-sided
    intervals leave on either side.
    """
    level = (1 - confidence) / 2
    tested = [entry for entry in entries if entry.p_value is not None]
    survivors = dict(
        zip(
            (entry.id for entry in tested),
            holm([entry.p_value or 0.0 for entry in tested], level),
            strict=True,
        )
    )
    corrected = [
        _demote(entry, len(tested))
        if entry.own_outcome is Outcome.SUPPORTED and not survivors.get(entry.id, True)
        else entry
        for entry in entries
    ]
    return corrected, Multiplicity(method="Holm", level=level, family=len(tested))


def _demote(entry: Entry, family: int) -> Entry:
    reason = f"supported alone, but not after Holm's correction over {family} claims"
    return entry.model_copy(update={"outcome": Outcome.INCONCLUSIVE, "reason": reason})


def run_records(plan: Plan, lab: Lab, test_size: dict[str, int | None]) -> list[RunRecord]:
    """Tell of every planned Run what was trained and how it went."""
    return [_run_record(planned.recipe, lab, test_size) for planned in _by_label(plan)]


def _by_label(plan: Plan) -> list[Any]:
    return sorted(plan, key=lambda each: (each.recipe.label, each.recipe.epochs))


def _run_record(recipe: Recipe, lab: Lab, test_size: dict[str, int | None]) -> RunRecord:
    from tic.measure.measurement import AccuracyMeasurement, known

    fingerprint = lab.fingerprint(recipe)
    fields: dict[str, Any] = {
        "fingerprint": fingerprint,
        "label": recipe.label,
        "seed": recipe.seed,
        "recipe": _flat(recipe, lab),
    }
    run = lab.store.get(fingerprint)
    if run is None:
        return RunRecord(
            **fields, status="missing", seconds=None, train_loss=None, test_accuracy=None
        )
    losses = run.history["train_loss"]
    accuracy = None
    if not run.diverged:
        measurement = AccuracyMeasurement(epoch=recipe.epochs, size=test_size.get(recipe.dataset))
        accuracy = (known(measurement, recipe, lab) or {}).get("accuracy")
    return RunRecord(
        **fields,
        status="diverged" if run.diverged else "finished",
        seconds=run.history["seconds"],
        train_loss=losses[-1] if losses else None,
        test_accuracy=accuracy,
    )


def _flat(recipe: Recipe, lab: Lab) -> dict[str, Any]:
    fields = recipe.model_dump(exclude={"parent"})
    parent = None if recipe.parent is None else lab.fingerprint(recipe.parent)
    return {**fields, "parent": parent}


def data_digests(recipes: Iterable[Recipe], lab: Lab) -> dict[str, str]:
    """Digest of the training images of every data set used."""
    used = {(recipe.dataset, recipe.train_size) for recipe in recipes}
    return {
        f"{dataset}, {size or 'all'} training images": lab.images(dataset, "train", size).digest
        for dataset, size in sorted(used, key=str)
    }
