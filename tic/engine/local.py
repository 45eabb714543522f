"""The local engine: any number of processes on one Store build a plan together."""

from __future__ import annotations

import time
from collections.abc import Iterable

from tic.engine.plan import Plan
from tic.lab import Lab
from tic.recipe import Recipe
from tic.train import train_if_free

POLL_SECONDS = 0.2


def build(plan: Plan, lab: Lab) -> None:
    """Train what is missing of a plan and is not being trained by another process.

    Returns when nothing is left that this process could start; the rest is then finished or in
    other hands.
    """
    while _train_next(plan, lab):
        pass


def ensure(recipes: Iterable[Recipe], plan: Plan, lab: Lab) -> None:
    """Return when all the Recipes have their Runs; until then train whatever the plan lacks."""
    waiting = list(recipes)
    while waiting := [recipe for recipe in waiting if not lab.has(recipe, verify=True)]:
        if not _train_next(plan, lab):
            time.sleep(POLL_SECONDS)


def _train_next(plan: Plan, lab: Lab) -> bool:
    """Train the most urgent Run that is free and whose parent is there."""
    for planned in plan:
        recipe = planned.recipe
        if lab.has(recipe) or (recipe.parent is not None and not lab.has(recipe.parent)):
            continue
        if train_if_free(recipe, lab):
            return True
    return False
