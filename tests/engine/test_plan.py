import pytest
from hypothesis import given
from hypothesis import strategies as st

from tic.attacks import Passes
from tic.data import CIFAR10, Digits
from tic.engine import plan as plan_module
from tic.engine import timing
from tic.engine.plan import (
    AttackedRun,
    expected_seconds,
    make_plan,
    missing,
    priced_as,
    work,
)
from tic.fitting import CosineSGD
from tic.lab import Lab
from tic.losses import AlphaLoss
from tic.models import Spiking
from tic.pruning import Pruning
from tic.recipe import Recipe
from tic.train import train


def recipe(*, size=60, epochs=2, timesteps=2, **fields):
    return Recipe(
        dataset=Digits(),
        architecture=Spiking("tiny"),
        train_size=size,
        epochs=epochs,
        timesteps=timesteps,
        **fields,
    )


# A family of three generations beside a lone Recipe.
LONG = recipe(epochs=10, seed=1)
BASE = recipe(epochs=3)
PRUNED = BASE.but(parent=BASE, rules=(Pruning(0.5),), epochs=4, timesteps=1)
TWICE = PRUNED.but(parent=PRUNED, rules=(Pruning(0.75),), epochs=2)
SIBLING = BASE.but(parent=BASE, rules=(Pruning(0.1),), epochs=1)


def test_work_is_epochs_times_images_times_timesteps():
    assert work(recipe(size=60, epochs=3, timesteps=5)) == 900
    assert work(recipe(size=None, epochs=2, timesteps=4)) == 2 * 1437 * 4
    assert (
        work(Recipe(dataset=CIFAR10(), architecture=Spiking("tiny"), epochs=300, timesteps=10))
        == 300 * 50_000 * 10
    )


def test_the_longest_waiting_chain_comes_first():
    plan = make_plan([SIBLING, TWICE, LONG])
    # By work: LONG 1200, BASE 360, PRUNED 240, TWICE 120, SIBLING 120 (60 × 1 × 2).
    assert [(run.recipe, run.work, run.urgency) for run in plan] == [
        (LONG, 1200, 1200),
        (BASE, 360, 360 + 240 + 120),
        (PRUNED, 240, 240 + 120),
        (SIBLING, 120, 120),
        (TWICE, 120, 120),
    ]


def test_each_recipe_is_planned_once_however_often_it_is_needed():
    plan = make_plan([TWICE, PRUNED, BASE, TWICE, BASE.but()])
    assert [run.recipe for run in plan] == [BASE, PRUNED, TWICE]


def test_nothing_needs_no_plan():
    assert make_plan([]) == ()


@st.composite
def families(draw):
    every = []
    for seed in range(draw(st.integers(1, 8))):
        parent = draw(st.sampled_from([None, *every]))
        every.append(recipe(epochs=draw(st.integers(1, 5)), seed=seed, parent=parent))
    return every


@given(families(), st.randoms())
def test_a_plan_is_whole_ordered_and_as_urgent_as_its_longest_chain(family, order):
    wanted = order.sample(family, order.randint(0, len(family)))
    plan = make_plan(wanted)
    planned = [run.recipe for run in plan]
    needed = {each for one in wanted for each in (one, *one.ancestors)}
    assert len(planned) == len(set(planned))
    assert set(planned) == needed

    def longest(each):
        waiting = [longest(child) for child in needed if child.parent == each]
        return work(each) + max(waiting, default=0)

    assert [run.urgency for run in plan] == sorted(map(longest, needed), reverse=True)
    for run in plan:
        assert run.urgency == longest(run.recipe)
        assert all(planned.index(a) < planned.index(run.recipe) for a in run.recipe.ancestors)


def test_what_is_missing_is_what_the_store_lacks(lab):
    plan = make_plan([SIBLING])
    assert missing(plan, lab) == plan
    train(BASE, lab)
    assert [run.recipe for run in missing(plan, lab)] == [SIBLING]
    train(SIBLING, lab)
    assert missing(plan, lab) == ()


@pytest.fixture
def timed(monkeypatch):
    """A ledger of what was timed; a presentation takes a millisecond per timestep of its Recipe."""
    ledger = []

    def time_training_step(recipe, lab):
        ledger.append(recipe)
        return 0.001 * recipe.timesteps

    monkeypatch.setattr(timing, "time_training_step", time_training_step)
    plan_module._timed.cache_clear()
    yield ledger
    plan_module._timed.cache_clear()


def test_the_expected_time_is_work_times_measured_speed(lab, timed):
    # 360 presentations at 2 ms (T = 2), 240 and 120 at 1 ms (T = 1).
    assert expected_seconds(make_plan([TWICE]), lab) == pytest.approx(0.72 + 0.24 + 0.12)
    assert expected_seconds((), lab) == 0


def test_each_kind_of_training_is_timed_once(lab, timed):
    alpha = recipe(
        loss=AlphaLoss(0.1), fitting=CosineSGD(learning_rate=1.0, momentum=0.0), checkpoints=2
    )
    plan = make_plan(
        [TWICE, SIBLING, LONG, alpha, recipe(fitting=CosineSGD(dampening=0.1, weight_decay=0.0))]
    )
    expected_seconds(plan, lab)
    assert sorted(each.timesteps for each in timed) == [1, 2]
    assert all(each == priced_as(each) for each in timed)


@pytest.mark.parametrize(
    "change",
    [
        {"timesteps": 3},
        {"architecture": Spiking("resnet19")},
        {"batch_size": 7},
        {"dataset": CIFAR10()},
        {"architecture": Spiking("tiny", batch_norm="stepwise")},
        {"precision": "bf16"},
    ],
    ids=str,
)
def test_what_changes_the_cost_of_a_step_is_another_kind(change):
    assert priced_as(BASE.but(**change)) != priced_as(BASE)


def test_another_place_is_timed_for_itself(lab, tmp_path, timed):
    for place in (lab, Lab(tmp_path / "elsewhere"), lab):
        expected_seconds(make_plan([BASE]), place)
    assert len(timed) == 2


# The attack suite


@pytest.mark.parametrize(
    ("passes", "images", "timesteps", "presentations"),
    [
        (Passes(forwards=0, gradients=10), 5, 2, 100),
        (Passes(forwards=3, gradients=0), 5, 2, 10),  # three forwards cost as much as a gradient
        (Passes(forwards=30, gradients=7), 4, 3, 17 * 12),
    ],
)
def test_the_work_of_attacks_is_that_of_a_training_with_as_many_gradients(
    passes, images, timesteps, presentations
):
    assert AttackedRun(recipe(timesteps=timesteps), images, passes).work == presentations


def test_the_time_of_attacks_is_their_work_at_the_measured_speed(lab, timed):
    attacked = [
        AttackedRun(recipe(seed=1), 5, Passes(0, 10)),  # 100 presentations at 2 ms
        AttackedRun(recipe(seed=2), 5, Passes(0, 10)),
        AttackedRun(recipe(timesteps=1), 4, Passes(3, 9)),  # 40 at 1 ms
    ]
    assert expected_seconds(attacked, lab) == pytest.approx(0.2 + 0.2 + 0.04)
    assert sorted(each.timesteps for each in timed) == [1, 2]
    assert expected_seconds((), lab) == 0
