import pytest

from tic.engine import plan as plan_module
from tic.engine.describe import describe_plan
from tic.engine.plan import make_plan
from tic.train import train


@pytest.fixture(autouse=True)
def a_second_per_presentation(monkeypatch):
    monkeypatch.setattr(plan_module, "seconds_per_presentation", lambda recipe, lab: 1.0)


def test_a_plan_is_told_by_kind_of_training_with_what_is_missing(lab, quick_recipe):
    base = quick_recipe.but(checkpoints=1)
    pruned = base.but(parent=base, sparsity=0.5, timesteps=1, epochs=1)
    wanted = [pruned.with_seed(seed) for seed in range(10)]
    train(base, lab)
    # Left are nine of 2 × 60 × 2 presentations and ten of 1 × 60 × 1: 2760 s.
    assert describe_plan(make_plan(wanted), lab) == (
        "tiny-digits-T1-pruned50.0%   10 Runs,  10 to train\n"
        "tiny-digits-T2               10 Runs,   9 to train\n"
        "\n"
        "20 Runs, 19 to train: about 46 min of one process on cpu, from training steps timed here; "
        "-n divides it."
    )


def test_a_finished_plan_takes_no_time(lab, quick_recipe):
    train(quick_recipe, lab)
    assert describe_plan(make_plan([quick_recipe]), lab) == (
        "tiny-digits-T2    1 Runs,   0 to train\n"
        "\n"
        "1 Runs, 0 to train: about 0 s of one process on cpu, from training steps timed here; "
        "-n divides it."
    )


def test_an_empty_plan_can_be_told(lab):
    assert "0 Runs, 0 to train: about 0 s of one process on cpu" in describe_plan((), lab)
