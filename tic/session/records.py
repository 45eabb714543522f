"""What an audit records of what it rests on: its Runs and its data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from tic.audit.runs import tested
from tic.data import Dataset
from tic.document.audit import RunRecord
from tic.engine.plan import Plan, PlannedRun
from tic.errors import TicError
from tic.lab import Lab
from tic.measure.measurement import NotMeasuredError, rehearsal, samples_of
from tic.measure.robustness import final_answers
from tic.recipe import Recipe

_UNTESTED = {"test_accuracy": None, "tested": None, "guessing": None}


def run_records(
    plan: Plan,
    lab: Lab,
    test_sizes: Sequence[int | None],
    evidence: Mapping[str, Mapping[str, str]],
) -> list[RunRecord]:
    """Tell of every planned Run what was trained and how it went.

    Args:
        plan: The Runs.
        lab: Where they lie.
        test_sizes: Numbers of test images that accuracy may have been measured on.
        evidence: By Run the sha256 of every measurement that the verdicts rest on, by file.
    """
    recipes = sorted(
        (planned.recipe for planned in plan), key=lambda recipe: (recipe.label, recipe.epochs)
    )
    return [_run_record(recipe, lab, test_sizes, evidence) for recipe in recipes]


def _run_record(
    recipe: Recipe,
    lab: Lab,
    test_sizes: Sequence[int | None],
    evidence: Mapping[str, Mapping[str, str]],
) -> RunRecord:
    fingerprint = lab.fingerprint(recipe)
    run = digests = None
    with suppress(TicError):  # one that cannot be read is none, nor is one that went away
        if finished := lab.finished(recipe):
            digests = finished.digests(recipe.epochs)
            run = finished
    losses = run.history.get("train_loss", []) if run else []
    return RunRecord(
        fingerprint=fingerprint,
        label=recipe.label,
        seed=recipe.seed,
        recipe=recipe.described() | {"parent": _parent(recipe, lab)},
        status="missing" if run is None else "diverged" if run.diverged else "finished",
        seconds=run.history["seconds"] if run else None,
        train_loss=losses[-1] if losses else None,
        **(_tested(recipe, lab, test_sizes) if run else _UNTESTED),
        weights=digests and digests.weights,
        manifest=digests and digests.manifest,
        measurements=dict(sorted(evidence.get(fingerprint, {}).items())),
    )


def _tested(recipe: Recipe, lab: Lab, sizes: Sequence[int | None]) -> dict[str, Any]:
    """Final test accuracy of a Run, and that of guessing, on the first size that was measured."""
    with suppress(TicError), rehearsal():  # there may be fewer images now; nothing is measured
        for size in sizes:
            with suppress(NotMeasuredError):
                accuracy = tested(recipe, size, lab)
                labels = samples_of(final_answers(recipe.epochs, size), recipe, lab).labels
                guessing = 100 * float(labels.bincount().max()) / len(labels)
                return {
                    "test_accuracy": accuracy,
                    "tested": len(labels),
                    "guessing": guessing if recipe.dataset.facts.informative else None,
                }
    return _UNTESTED


def _parent(recipe: Recipe, lab: Lab) -> str | None:
    return None if recipe.parent is None else lab.fingerprint(recipe.parent)


def loadable(plan: Plan, lab: Lab) -> tuple[Plan, tuple[str, ...]]:
    """Leave out Runs whose data went since they were planned: without, a Run has no fingerprint.

    Returns:
        The other Runs, and for each reason a sentence.
    """
    kept: list[PlannedRun] = []
    reasons: dict[str, None] = {}
    for planned in plan:
        try:
            lab.fingerprint(planned.recipe)
        except TicError as error:
            reasons[str(error)] = None
        else:
            kept.append(planned)
    return tuple(kept), tuple(reasons)


def data_digests(recipes: Iterable[Recipe], lab: Lab) -> dict[str, str]:
    """Digest of the training samples of every data set used."""
    used = {(recipe.dataset, recipe.train_size) for recipe in recipes}
    return {
        digest_key(dataset, size): lab.training_digest(dataset, size)
        for dataset, size in sorted(used, key=str)
    }


def digest_key(dataset: Dataset, train_size: int | None) -> str:
    """What the digest of these training samples is listed under."""
    return f"{dataset.label}, {train_size or 'all'} training {dataset.facts.noun}"
