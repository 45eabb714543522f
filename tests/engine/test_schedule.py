import pytest
from hypothesis import given
from hypothesis import strategies as st

from tic.attacks import Passes
from tic.engine import plan as plan_module
from tic.engine.plan import AttackedRun, make_plan
from tic.engine.schedule import Task, simulate, tasks_of
from tic.pruning import Pruning


def test_one_worker_takes_one_task_after_the_other_the_longest_chain_first():
    # b and what waits for it take 7 s, a alone 5 s; then a takes longer than what is left of b's
    tasks = [Task("a", 5), Task("b", 3), Task("c", 4, after=1), Task("d", 1)]
    found = simulate(tasks, 1)
    assert found.begun == (3, 0, 8, 12)
    assert found.seconds == 13
    assert found.idle_share == 0


def test_a_free_worker_waits_for_nobody_but_a_parent():
    tasks = [Task("a", 5), Task("b", 3), Task("c", 4, after=1), Task("d", 1)]
    found = simulate(tasks, 2)
    assert found.begun == (0, 0, 3, 5)
    assert found.seconds == 7
    assert found.idle_share == pytest.approx(1 - 13 / 14)


def test_more_workers_than_tasks_are_bound_by_the_longest_chain():
    tasks = [Task("a", 2), Task("b", 3, after=0), Task("c", 4, after=1), Task("d", 8)]
    found = simulate(tasks, 64)
    assert [task.name for task in found.critical_path] == ["a", "b", "c"]
    assert found.seconds == 9
    assert found.idle_share == pytest.approx(1 - 17 / (64 * 9))


def test_nothing_takes_no_time():
    found = simulate([], 8)
    assert (found.seconds, found.idle_share, found.critical_path) == (0, 0, ())


@st.composite
def task_lists(draw):
    seconds = draw(st.lists(st.integers(1, 9), min_size=1, max_size=12))
    return [
        Task(str(number), each, draw(st.none() | st.integers(0, number - 1)) if number else None)
        for number, each in enumerate(seconds)
    ]


@given(task_lists(), st.integers(1, 5))
def test_every_schedule_keeps_the_order_the_number_of_workers_and_both_bounds(tasks, workers):
    found = simulate(tasks, workers)
    for task, begun in zip(tasks, found.begun, strict=True):
        assert task.after is None or begun >= found.ended[task.after]
    for moment in found.begun:
        at_work = zip(found.begun, found.ended, strict=True)
        assert sum(begun <= moment < ended for begun, ended in at_work) <= workers
    total, chain = sum(t.seconds for t in tasks), sum(t.seconds for t in found.critical_path)
    # Graham (1969): list scheduling is never worse than both lower bounds together.
    assert max(total / workers, chain) <= found.seconds <= total / workers + chain
    assert 0 <= found.idle_share < 1


def test_tasks_are_trainings_after_their_parents_and_batteries_after_their_runs(
    quick_recipe, lab, monkeypatch
):
    monkeypatch.setattr(plan_module, "seconds_per_presentation", lambda recipe, lab: 0.5)
    parent = quick_recipe.but(checkpoints=1)
    child = parent.but(parent=parent, rules=(Pruning(0.5),), epochs=1)
    passes = Passes(gradients=3, forwards=6)
    suite = AttackedRun(child, 10, passes)
    elsewhere = AttackedRun(parent.with_seed(7), 10, passes)  # finished, so not in the plan
    found = tasks_of(make_plan([child]), [suite, elsewhere], lab)
    assert found == [
        Task(parent.label, 0.5 * 2 * 60 * 2),
        Task(child.label, 0.5 * 1 * 60 * 2, after=0),
        Task(f"attack suite on {child.label}", 0.5 * (3 + 2) * 10 * 2, after=1),
    ]
