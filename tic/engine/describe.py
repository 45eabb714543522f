"""A plan in words: what is trained, what is there already, how long the rest takes."""

from __future__ import annotations

from collections import Counter

from tic.engine.plan import Plan, expected_seconds, missing
from tic.engine.progress import duration
from tic.lab import Lab


def describe_plan(plan: Plan, lab: Lab) -> str:
    """List the Recipes of a plan, how many Runs of each are missing, and the expected duration.

    The duration is measured: every kind of training is timed for a few steps on the Lab's device.
    """
    left = missing(plan, lab)
    absent = Counter(_name(planned.recipe.label) for planned in left)
    everything = Counter(_name(planned.recipe.label) for planned in plan)
    width = max(map(len, everything), default=0)
    rows = [
        f"{name:<{width}}  {count:>3} Runs, {absent[name]:>3} to train"
        for name, count in sorted(everything.items())
    ]
    seconds = expected_seconds(left, lab)
    return "\n".join(
        [
            *rows,
            "",
            f"{len(plan)} Runs, {len(left)} to train: about {duration(seconds)} of one process on "
            f"{lab.device}, from training steps timed here; -n divides it.",
        ]
    )


def _name(label: str) -> str:
    return label.rpartition("-seed")[0]
