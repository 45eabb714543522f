import pytest
from hypothesis import given
from hypothesis import strategies as st

from tic.attacks import Passes
from tic.engine import plan as plan_module
from tic.engine.plan import AttackedRun, make_plan
from tic.engine.plan_text import plan_text, size
from tic.measure.cost import stored_bytes, training_operations
from tic.pruning import Pruning
from tic.train import train


@pytest.fixture(autouse=True)
def a_second_per_presentation(monkeypatch):
    monkeypatch.setattr(plan_module, "seconds_per_presentation", lambda recipe, lab: 1.0)


def test_a_plan_is_told_by_kind_of_training_with_what_is_missing_and_what_it_costs(
    lab, quick_recipe
):
    base = quick_recipe.but(checkpoints=1)
    pruned = base.but(parent=base, rules=(Pruning(0.5),), timesteps=1, epochs=1)
    wanted = [pruned.with_seed(seed) for seed in range(10)]
    train(base, lab)
    # Left are nine of 2 × 60 × 2 presentations and ten of 1 × 60 × 1: 2760, and as many seconds.
    operations = 9 * training_operations(base) + 10 * training_operations(pruned)
    # One epoch of weights each: 19 × 160 696 bytes.
    assert stored_bytes(base) == stored_bytes(pruned) == 160_696
    assert plan_text(make_plan(wanted), (), lab) == (
        "tiny-digits-T1-pruned50.0%   10 Runs,  10 to train\n"
        "tiny-digits-T2               10 Runs,   9 to train\n"
        "\n"
        "20 Runs, 19 to train\n"
        "samples × epochs × timesteps 2.76e+03\n"
        f"operations                   {operations:.3g}\n"
        "disk                         3.05 MB\n"
        "training                     about 46 min of one process on cpu, "
        "from steps timed here; -n divides it"
    )


def test_trainings_of_one_label_are_told_apart_by_where_they_differ(lab, quick_recipe):
    longer, child = quick_recipe.but(epochs=3), quick_recipe.but(parent=quick_recipe)
    rows = plan_text(
        make_plan([quick_recipe, longer, longer.with_seed(1), child]), (), lab
    ).splitlines()
    assert rows[:3] == [
        "tiny-digits-T2 (epochs 2, parent none)              1 Runs,   1 to train",
        "tiny-digits-T2 (epochs 2, parent tiny-digits-T2)    1 Runs,   1 to train",
        "tiny-digits-T2 (epochs 3, parent none)              2 Runs,   2 to train",
    ]


def test_a_finished_plan_costs_nothing(lab, quick_recipe):
    train(quick_recipe, lab)
    assert plan_text(make_plan([quick_recipe]), (), lab) == (
        "tiny-digits-T2    1 Runs,   0 to train\n"
        "\n"
        "1 Runs, 0 to train\n"
        "samples × epochs × timesteps 0\n"
        "operations                   0\n"
        "disk                         0 B\n"
        "training                     about 0 s of one process on cpu, "
        "from steps timed here; -n divides it"
    )


def test_an_empty_plan_can_be_told(lab):
    told = plan_text((), (), lab)
    assert "0 Runs, 0 to train\n" in told
    assert "about 0 s of one process on cpu" in told


def test_every_checkpoint_takes_its_place_on_the_disk(lab, quick_recipe):
    # Kept are the epochs 0, 1 and 2: 3 × 160 696 bytes.
    assert quick_recipe.checkpoint_epochs == (0, 1, 2)
    assert "\ndisk                         482 kB\n" in plan_text(
        make_plan([quick_recipe]), (), lab
    )


def test_the_suite_is_told_with_its_images_and_the_passes_that_an_image_takes(lab, quick_recipe):
    # Three Runs of (10 + 6/3) × 50 images × 2 timesteps: 3600 presentations, and as many seconds.
    attacked = [AttackedRun(quick_recipe.with_seed(k), 50, Passes(6, 10)) for k in range(3)]
    told = plan_text((), attacked, lab).splitlines()
    assert told[-1] == (
        "attack suite              3 Runs, 150 images in all, at most 10 gradients and "
        "6 queries each: at most 60 min of one process"
    )
    assert told[:-1] == plan_text((), (), lab).splitlines()


def test_of_two_levels_the_suite_tells_the_larger_number_of_passes(lab, quick_recipe):
    attacked = [
        AttackedRun(quick_recipe, 7, Passes(forwards=3, gradients=20)),
        AttackedRun(quick_recipe.but(timesteps=1), 5, Passes(forwards=90, gradients=4)),
    ]
    for order in (attacked, attacked[::-1]):
        assert "12 images in all, at most 20 gradients and 90 queries each" in plan_text(
            (), order, lab
        )


def test_without_attacks_nothing_is_told_of_them(lab, quick_recipe):
    assert "attack_suite" not in plan_text(make_plan([quick_recipe]), (), lab)


@pytest.mark.parametrize(
    ("amount", "told"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (1234, "1.23 kB"),
        (160_000, "160 kB"),
        (999_499, "999 kB"),
        (999_700, "1 MB"),
        (1_000_000, "1 MB"),
        (1_800_000_000, "1.8 GB"),
        (25 * 10**11, "2.5 TB"),
        (4 * 10**15, "4 PB"),
    ],
)
def test_bytes_are_told_in_the_largest_unit_that_leaves_a_whole(amount, told):
    assert size(amount) == told


@given(st.integers(1, 10**17))
def test_what_is_told_is_the_amount_to_three_digits(amount):
    number, unit = size(amount).split()
    factor = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "PB": 1e15}[unit]
    assert float(number) * factor == pytest.approx(amount, rel=0.005)


def test_schedules_are_told_for_every_number_of_workers(lab, quick_recipe):
    base = quick_recipe.but(checkpoints=1)
    wanted = [base.with_seed(seed) for seed in range(4)]  # of 240 seconds each
    told = plan_text(make_plan(wanted), (), lab, workers=(1, 3))
    assert told.splitlines()[-3:] == [
        "longest chain                4 min: tiny-digits-T2-seed0",
        "on 1 workers                 16 min, 0% of their time idle",
        "on 3 workers                 8 min, 33% of their time idle",
    ]


def test_a_finished_plan_has_no_schedule(lab, quick_recipe):
    train(quick_recipe, lab)
    told = plan_text(make_plan([quick_recipe]), (), lab, workers=(1, 3))
    assert told == plan_text(make_plan([quick_recipe]), (), lab)
