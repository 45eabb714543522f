"""Any number of processes on one Store build a plan together, without knowing of each other."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress

from tic.engine.plan import Plan, PlannedRun, make_plan
from tic.errors import TicError, UnwritableError
from tic.lab import Lab
from tic.recipe import Recipe
from tic.train import train_if_free

POLL_SECONDS = 0.2

Failed = dict[Recipe, str]
"""Runs that this process could not train, and why."""


def train_missing(plan: Plan, lab: Lab, failed: Failed | None = None) -> Plan:
    """Train what is missing of a plan and is not being trained by another process.

    It ends when nothing is left that this process could start. What cannot be trained here is left
    to the claims that need it, and stops no other.

    Args:
        plan: The Runs.
        lab: Where they are trained.
        failed: What could not be trained before, and is not tried again; more is added to it.

    Returns:
        The part of the plan that is not finished.
    """
    failed = {} if failed is None else failed
    left = _absent(plan, lab)
    with suppress(UnwritableError):
        # What another process holds now may be free when the rest is trained.
        while any([_train(planned, lab, failed) for planned in left]):
            left = _absent(left, lab)
    return _absent(left, lab)


def _absent(plan: Plan, lab: Lab) -> Plan:
    return tuple(planned for planned in plan if not is_there(planned.recipe, lab))


def is_there(recipe: Recipe, lab: Lab) -> bool:
    """Whether a Run is finished; one that this process may not look at is not, as far as it sees.

    Why it may not is told to the claims that need it.
    """
    try:
        return lab.has(recipe)
    except TicError:
        return False


def ensure(recipes: Iterable[Recipe], plan: Plan, lab: Lab, failed: Failed | None = None) -> None:
    """Return when all the Recipes have their Runs; until then train whatever the plan lacks.

    Args:
        recipes: What is needed.
        plan: What else is trained while another process has a Run that is needed.
        lab: Where they are trained.
        failed: As of `train_missing`.

    Raises:
        TicError: One of them, or what it starts from, cannot be trained.
    """
    waiting, everything = list(recipes), plan
    failed = {} if failed is None else failed
    while waiting := [recipe for recipe in waiting if not lab.has(recipe, verify=True)]:
        if everything is plan:
            everything = (*plan, *make_plan(waiting))
        if _trained_one(everything, waiting, lab, failed):
            continue
        for recipe in waiting:
            if error := failed.get(_eldest_absent(recipe, lab)):
                raise TicError(error)
        time.sleep(POLL_SECONDS)


def _trained_one(everything: Plan, waiting: Iterable[Recipe], lab: Lab, failed: Failed) -> bool:
    """Train the next Run; where the Store cannot be written, tell it of one that is waited for."""
    try:
        return _train_next(everything, lab, failed)
    except UnwritableError:
        return _train_next(make_plan(waiting), lab, failed)


def _train_next(plan: Plan, lab: Lab, failed: Failed) -> bool:
    """Train the most urgent Run that is free, or what it waits for, as `_train` does."""
    return any(_train(planned, lab, failed) for planned in plan)


def _train(planned: PlannedRun, lab: Lab, failed: Failed) -> bool:
    """Train a Run if it is free, or what it waits for; note what cannot be trained.

    Raises:
        UnwritableError: The Store cannot be written.
    """
    recipe = planned.recipe
    try:
        if lab.has(recipe):
            return False
        recipe = _eldest_absent(recipe, lab)
        return recipe not in failed and train_if_free(recipe, lab)
    except UnwritableError:
        raise
    except TicError as error:
        # Not the error itself, whose traceback would keep the memory of that training.
        failed[recipe] = str(error)
        return False


def _eldest_absent(recipe: Recipe, lab: Lab) -> Recipe:
    """Return the first ancestor that is not there, or that is damaged; else the Recipe itself."""
    ancestors = (ancestor for ancestor in recipe.ancestors if not lab.has(ancestor, verify=True))
    return next(ancestors, recipe)
