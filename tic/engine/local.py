"""The local engine: any number of processes on one Store build a plan together."""

from __future__ import annotations

import time
from collections.abc import Iterable

from tic.engine.plan import Plan, make_plan
from tic.lab import Lab
from tic.recipe import Recipe
from tic.train import train_if_free

POLL_SECONDS = 0.2


def build(plan: Plan, lab: Lab) -> Plan:
    """Train what is missing of a plan and is not being trained by another process.

    It ends when nothing is left that this process could start.

    Returns:
        The part of the plan that is not finished but in other hands.
    """
    while _train_next(plan, lab):
        pass
    return tuple(planned for planned in plan if not lab.has(planned.recipe))


def ensure(recipes: Iterable[Recipe], plan: Plan, lab: Lab) -> None:
    """Return when all the Recipes have their Runs; until then train whatever the plan lacks."""
    waiting, everything = list(recipes), plan
    while waiting := [recipe for recipe in waiting if not lab.has(recipe, verify=True)]:
        if everything is plan:
            everything = (*plan, *make_plan(waiting))
        if not _train_next(everything, lab):
            time.sleep(POLL_SECONDS)


def _train_next(plan: Plan, lab: Lab) -> bool:
    """Train the most urgent Run that is free, or what it waits for."""
    absent = (planned.recipe for planned in plan if not lab.has(planned.recipe))
    return any(train_if_free(_eldest_absent(recipe, lab), lab) for recipe in absent)


def _eldest_absent(recipe: Recipe, lab: Lab) -> Recipe:
    """Return the first ancestor that is not there, or that is damaged; else the Recipe itself."""
    ancestors = (each for each in recipe.ancestors if not lab.has(each, verify=True))
    return next(ancestors, recipe)
