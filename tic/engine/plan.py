"""The plan: which Runs an audit needs, in which order, and what they cost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from tic.attacks.attack import Passes
from tic.lab import Lab
from tic.recipe import Recipe


@dataclass(frozen=True)
class PlannedRun:
    """One Run of a plan.

    Attributes:
        recipe: What is trained.
        work: Sample presentations, epochs × samples × timesteps.
        urgency: Its work and that of the longest chain of Runs that waits for it.
    """

    recipe: Recipe
    work: int
    urgency: int


Plan = tuple[PlannedRun, ...]


@dataclass(frozen=True)
class AttackedRun:
    """A Run that the attack suite is put to.

    Attributes:
        recipe: What was trained.
        images: How many are attacked.
        passes: Per image, at most.
    """

    recipe: Recipe
    images: int
    passes: Passes

    @property
    def work(self) -> float:
        """Sample presentations of a training that cost as much, at most."""
        # A backward pass takes about twice the operations of a forward pass.
        return (
            (self.passes.gradients + self.passes.forwards / 3) * self.images * self.recipe.timesteps
        )


def make_plan(recipes: Iterable[Recipe]) -> Plan:
    """Order the Recipes and their ancestors, each once, the longest waiting chain first."""
    every = with_ancestors(recipes)
    urgency = {recipe: work(recipe) for recipe in every}
    # Descendants are settled before their parents: a longer line of ancestors comes first.
    for recipe in sorted(every, key=lambda key: -len(key.ancestors)):
        if recipe.parent is not None:
            parent = recipe.parent
            urgency[parent] = max(urgency[parent], work(parent) + urgency[recipe])
    planned = (PlannedRun(recipe, work(recipe), urgency[recipe]) for recipe in every)
    return tuple(sorted(planned, key=lambda run: -run.urgency))


def with_ancestors(recipes: Iterable[Recipe]) -> list[Recipe]:
    """Recipes and those that they start from, each once."""
    return list(
        dict.fromkeys(needed for recipe in recipes for needed in (*recipe.ancestors, recipe))
    )


def work(recipe: Recipe) -> int:
    """Sample presentations of a training: epochs × samples × timesteps."""
    samples = recipe.train_size or recipe.dataset.facts.train_size
    return recipe.epochs * samples * recipe.timesteps


def missing(plan: Plan, lab: Lab) -> Plan:
    """The part of a plan that the Store does not have yet; nothing is downloaded to find out."""
    here = {dataset: lab.holds_data(dataset) for dataset in {run.recipe.dataset for run in plan}}

    def has(recipe: Recipe) -> bool:
        return all(here[each.dataset] for each in (*recipe.ancestors, recipe)) and lab.has(recipe)

    return tuple(run for run in plan if not has(run.recipe))


def expected_seconds(runs: Iterable[PlannedRun | AttackedRun], lab: Lab) -> float:
    """Estimate how long one worker takes to train Runs, or to attack them at most.

    Training steps of every distinct price are timed here and now on the Lab's device.
    """
    return sum(run.work * seconds_per_presentation(run.recipe, lab) for run in runs)


def seconds_per_presentation(recipe: Recipe, lab: Lab) -> float:
    """Time training steps on random samples: seconds per sample and timestep."""
    return _timed(priced_as(recipe), lab)


def priced_as(recipe: Recipe) -> Recipe:
    """The Recipe with no more than what the cost of one step follows from."""
    return Recipe(
        dataset=recipe.dataset.priced_as(),
        architecture=recipe.architecture.priced_as(),
        timesteps=recipe.timesteps,
        loss=recipe.loss.priced_as(),
        fitting=recipe.fitting.priced_as(),
        parent=recipe.parent if recipe.fitting.needs_parent else None,
        epochs=1,
        batch_size=recipe.batch_size,
        precision=recipe.precision,
    )


@lru_cache(maxsize=64)
def _timed(recipe: Recipe, lab: Lab) -> float:
    from tic.engine.timing import time_training_step

    return time_training_step(recipe, lab)
