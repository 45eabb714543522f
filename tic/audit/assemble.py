"""From the entries of single claims to the audit: Holm over all of them, Runs, completeness."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tic.audit.evidence import Entry, Multiplicity, RunRecord
from tic.engine.plan import Plan
from tic.lab import Lab
from tic.measure.measurement import AccuracyMeasurement, known
from tic.recipe import Recipe
from tic.stats import Outcome, holm


def correct(entries: Sequence[Entry], confidence: float) -> tuple[list[Entry], Multiplicity]:
    """Let SUPPORTED stand only where it survives Holm's correction over the audit.

    The family is every collected claim that rests on seeds, those that were not judged included:
    it does not shrink when some of them fail. The level is the error rate that the two-sided
    intervals leave on either side.
    """
    level = (1 - confidence) / 2
    family = [entry for entry in entries if _is_tested(entry)]
    survives = holm([1.0 if each.p_value is None else each.p_value for each in family], level)
    fallen = {entry.id for entry, stands in zip(family, survives, strict=True) if not stands}
    corrected = [
        _demote(entry, len(family))
        if entry.own_outcome is Outcome.SUPPORTED and entry.id in fallen
        else entry
        for entry in entries
    ]
    return corrected, Multiplicity(method="Holm", level=level, family=len(family))


def _is_tested(entry: Entry) -> bool:
    is_exact = bool(entry.contrasts) and not any(each.seeds for each in entry.contrasts)
    return entry.outcome is not Outcome.NOT_APPLICABLE and not is_exact


def _demote(entry: Entry, family: int) -> Entry:
    reason = f"supported alone, but not after Holm's correction over {family} claims"
    return entry.model_copy(update={"outcome": Outcome.INCONCLUSIVE, "reason": reason})


def run_records(plan: Plan, lab: Lab, test_sizes: Mapping[str, int | None]) -> list[RunRecord]:
    """Tell of every planned Run what was trained and how it went.

    Args:
        plan: The Runs.
        lab: Where they lie.
        test_sizes: By data set: the number of test images that accuracy was measured on.
    """
    recipes = sorted((each.recipe for each in plan), key=lambda each: (each.label, each.epochs))
    return [_run_record(recipe, lab, test_sizes.get(recipe.dataset)) for recipe in recipes]


def _run_record(recipe: Recipe, lab: Lab, test_size: int | None) -> RunRecord:
    fingerprint = lab.fingerprint(recipe)
    run = lab.store.get(fingerprint)
    losses = run.history["train_loss"] if run else []
    measurement = AccuracyMeasurement(epoch=recipe.epochs, size=test_size)
    tested = known(measurement, recipe, lab) if run else None
    return RunRecord(
        fingerprint=fingerprint,
        label=recipe.label,
        seed=recipe.seed,
        recipe=_flat(recipe, lab),
        status="missing" if run is None else "diverged" if run.diverged else "finished",
        seconds=run.history["seconds"] if run else None,
        train_loss=losses[-1] if losses else None,
        test_accuracy=tested["accuracy"] if tested else None,
    )


def _flat(recipe: Recipe, lab: Lab) -> dict[str, str | int | float | bool | None]:
    parent = None if recipe.parent is None else lab.fingerprint(recipe.parent)
    return {**recipe.model_dump(exclude={"parent"}), "parent": parent}


def data_digests(recipes: Iterable[Recipe], lab: Lab) -> dict[str, str]:
    """Digest of the training images of every data set used."""
    used = {(recipe.dataset, recipe.train_size) for recipe in recipes}
    return {
        f"{dataset}, {size or 'all'} training images": lab.images(dataset, "train", size).digest
        for dataset, size in sorted(used, key=str)
    }
