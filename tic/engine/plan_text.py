"""A plan in words: what is trained, what is there already, what the rest costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from tic.engine.plan import AttackedRun, Plan, expected_seconds, missing
from tic.engine.progress import duration
from tic.engine.schedule import simulate, tasks_of
from tic.kinds import Kind
from tic.lab import Lab
from tic.measure.cost import stored_bytes, training_operations
from tic.recipe import Recipe


def plan_text(
    plan: Plan, attacked: Sequence[AttackedRun], lab: Lab, workers: Sequence[int] = ()
) -> str:
    """List the Recipes of a plan, how many Runs of each are missing, and what those cost.

    For each number of workers the schedule of what is missing is simulated.

    The duration is measured: every kind of training is timed for a few steps on the Lab's device.
    Operations and disk space follow from the shapes. The attack suite is priced as if nothing
    of it were in the Store, and no image fell to an early attack.
    """
    left, names = missing(plan, lab), _names(plan)
    absent = Counter(names[run.recipe.with_seed(0)] for run in left)
    everything = Counter(names[run.recipe.with_seed(0)] for run in plan)
    width = max(map(len, everything), default=0)
    rows = [
        f"{name:<{width}}  {count:>3} Runs, {absent[name]:>3} to train"
        for name, count in sorted(everything.items())
    ]
    costs = [*cost_lines(plan, left, lab), *attack_lines(attacked, lab)]
    schedules = schedule_lines(left, attacked, lab, workers)
    return "\n".join([*rows, "", *costs, *schedules])


def cost_lines(plan: Plan, left: Plan, lab: Lab) -> list[str]:
    """Sum up what the missing part of a plan costs."""
    presentations = sum(run.work for run in left)
    operations = [training_operations(run.recipe) for run in left]
    known = sum(count for count in operations if count is not None)
    unknown = operations.count(None)
    disk = sum(stored_bytes(run.recipe) for run in left)
    seconds = expected_seconds(left, lab)
    return [
        f"{len(plan)} Runs, {len(left)} to train",
        f"samples × epochs × timesteps {presentations:.3g}",
        f"operations                   {_counted(known, unknown, len(left))}",
        f"disk                         {size(disk)}",
        f"training                     about {duration(seconds)} of one process on {lab.device}, "
        f"from steps timed here; -n divides it",
    ]


def _counted(operations: int, unknown: int, runs: int) -> str:
    """Tell a number of operations, and of Runs whose architecture does not say its own."""
    if unknown == runs and runs:
        return "not known, since no architecture says its own"
    return f"{operations:.3g}" + (f", those of {unknown} Runs not known" if unknown else "")


def attack_lines(attacked: Sequence[AttackedRun], lab: Lab) -> list[str]:
    """Sum up what the attack suite costs."""
    if not attacked:
        return []
    images = sum(run.images for run in attacked)
    gradients = max(run.passes.gradients for run in attacked)
    queries = max(run.passes.forwards for run in attacked)
    seconds = expected_seconds(attacked, lab)
    return [
        f"attack suite              {len(attacked)} Runs, {images} images in all, at most "
        f"{gradients} gradients and {queries} queries each: "
        f"at most {duration(seconds)} of one process"
    ]


def schedule_lines(
    left: Plan, attacked: Sequence[AttackedRun], lab: Lab, workers: Sequence[int]
) -> list[str]:
    """Tell how long the missing part of a plan takes on so many workers, and what bounds it."""
    tasks = tasks_of(left, attacked, lab)
    if not tasks or not workers:
        return []
    schedules = [simulate(tasks, number) for number in workers]
    path = schedules[0].critical_path
    alone = duration(sum(task.seconds for task in path))
    return [
        f"longest chain                {alone}: {' → '.join(task.name for task in path)}",
        *(
            f"{f'on {schedule.workers} workers':<29}{duration(schedule.seconds)}, "
            f"{schedule.idle_share:.0%} of their time idle"
            for schedule in schedules
        ),
    ]


def size(amount: int) -> str:
    """Tell a number of bytes to people: `160 kB`, `1.8 GB`."""
    value, units = float(amount), ["B", "kB", "MB", "GB", "TB", "PB"]
    while round(value) >= 1000 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{value:.3g} {units[0]}"


def _names(plan: Plan) -> dict[Recipe, str]:
    """Name every training but for its seed; of those with one label tell where they differ."""
    by_label: dict[str, dict[Recipe, None]] = {}
    for run in plan:
        label = _unseeded(run.recipe)
        by_label.setdefault(label, {})[run.recipe.with_seed(0)] = None
    return {
        recipe: label + _distinction(recipe, recipes)
        for label, recipes in by_label.items()
        for recipe in recipes
    }


def _distinction(recipe: Recipe, recipes: Collection[Recipe]) -> str:
    """The fields of a Recipe in which it differs from others of its label; "" where it is alone."""
    parts = [
        f"{name.replace('_', ' ')} {_text(value)}"
        for name, value in recipe
        if len({getattr(other, name) for other in recipes}) > 1
    ]
    return f" ({', '.join(parts)})" if parts else ""


def _text(value: object) -> str:
    if isinstance(value, Recipe):
        return _unseeded(value)
    if isinstance(value, Kind):
        return value.label
    return "none" if value is None else str(value)


def _unseeded(recipe: Recipe) -> str:
    return recipe.label.rpartition("-seed")[0]
