"""The schedule of a plan on many workers, by simulation: how long, how idle, and what bounds it."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from tic.engine.plan import AttackedRun, Plan, expected_seconds
from tic.lab import Lab
from tic.recipe import Recipe


@dataclass(frozen=True)
class Task:
    """Something that occupies one worker.

    Attributes:
        name: For people.
        seconds: How long.
        after: Position of the task that has to be finished first, an earlier one, if any.
    """

    name: str
    seconds: float
    after: int | None = None


@dataclass(frozen=True)
class Schedule:
    """When each task is done, and by how many workers.

    Attributes:
        workers: Number of workers, one task each at a time.
        tasks: What is done.
        begun: Seconds after the start at which each task is begun.
    """

    workers: int
    tasks: tuple[Task, ...]
    begun: tuple[float, ...]

    @cached_property
    def ended(self) -> tuple[float, ...]:
        """Seconds after the start at which each task is done."""
        return tuple(
            start + task.seconds for start, task in zip(self.begun, self.tasks, strict=True)
        )

    @property
    def seconds(self) -> float:
        """Until the last task is done."""
        return max(self.ended, default=0.0)

    @property
    def idle_share(self) -> float:
        """Share of the workers' time in which they have nothing to do."""
        busy = sum(task.seconds for task in self.tasks)
        # Sums of the same seconds in another order may differ in their last digit.
        return max(0.0, 1 - busy / (self.workers * self.seconds)) if self.seconds else 0.0

    @property
    def critical_path(self) -> tuple[Task, ...]:
        """The longest chain of tasks that wait for each other: no number of workers beats it."""
        lengths = [_chain(self.tasks, position) for position in range(len(self.tasks))]
        return max(lengths, key=lambda chain: sum(task.seconds for task in chain), default=())


def simulate(tasks: Sequence[Task], workers: int) -> Schedule:
    """Let free workers take the task whose chain of waiting tasks is the longest.

    Args:
        tasks: Each after the one that it waits for.
        workers: At least one.
    """
    waiting = _waiting_seconds(tasks)
    followers: dict[int | None, list[int]] = {}
    for position, task in enumerate(tasks):
        followers.setdefault(task.after, []).append(position)
    ready = [(-waiting[position], position) for position in followers.get(None, ())]
    heapq.heapify(ready)
    running: list[tuple[float, int]] = []
    begun, now = [0.0] * len(tasks), 0.0
    while ready or running:
        while ready and len(running) < workers:
            position = heapq.heappop(ready)[1]
            begun[position] = now
            heapq.heappush(running, (now + tasks[position].seconds, position))
        now, done = heapq.heappop(running)
        for position in followers.get(done, ()):
            heapq.heappush(ready, (-waiting[position], position))
    return Schedule(workers, tuple(tasks), tuple(begun))


def tasks_of(plan: Plan, attacked: Iterable[AttackedRun], lab: Lab) -> list[Task]:
    """Make tasks of trainings and of the attack suite, from steps timed on the Lab's device."""
    ordered = sorted(plan, key=lambda run: len(run.recipe.ancestors))
    at = {run.recipe: position for position, run in enumerate(ordered)}
    trainings = [
        Task(run.recipe.label, expected_seconds([run], lab), _parent(run.recipe, at))
        for run in ordered
    ]
    attacks = [
        Task(f"attack suite on {run.recipe.label}", expected_seconds([run], lab), at[run.recipe])
        for run in attacked
        if run.recipe in at
    ]
    return [*trainings, *attacks]


def _parent(recipe: Recipe, at: Mapping[Recipe, int]) -> int | None:
    return None if recipe.parent is None else at.get(recipe.parent)


def _waiting_seconds(tasks: Sequence[Task]) -> list[float]:
    """Seconds of each task and of the longest chain that waits for it."""
    waiting = [task.seconds for task in tasks]
    for position in reversed(range(len(tasks))):
        after = tasks[position].after
        if after is not None:
            waiting[after] = max(waiting[after], tasks[after].seconds + waiting[position])
    return waiting


def _chain(tasks: Sequence[Task], position: int) -> tuple[Task, ...]:
    """The task and those that it waits for, first to last."""
    after = tasks[position].after
    before = () if after is None else _chain(tasks, after)
    return (*before, tasks[position])
