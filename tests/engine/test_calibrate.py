import math
from itertools import count
from types import SimpleNamespace

import pytest
import torch

from tic.engine import calibrate
from tic.engine.calibrate import PATIENCE_SECONDS, SAMPLE, time_training_step


def test_the_measured_time_is_positive_and_finite(lab, quick_recipe):
    seconds = time_training_step(quick_recipe, lab, repeats=1)
    assert seconds > 0
    assert math.isfinite(seconds)


@pytest.fixture
def durations(monkeypatch):
    """Let the steps seem to take these seconds."""

    def pretend(*seconds):
        clock, turns = [0.0], iter(seconds)
        calls = count()

        def perf_counter():
            if next(calls) % 2:
                clock[0] += next(turns)
            return clock[0]

        monkeypatch.setattr(calibrate, "time", SimpleNamespace(perf_counter=perf_counter))

    return pretend


@pytest.mark.parametrize(
    ("batch_size", "timesteps", "images"), [(2, 3, 2), (4, 1, 4), (100, 2, SAMPLE)]
)
def test_the_fastest_step_counts_per_image_and_timestep(
    lab, quick_recipe, durations, batch_size, timesteps, images
):
    durations(0.9, 0.3, 0.2, 0.4)
    recipe = quick_recipe.but(batch_size=batch_size, timesteps=timesteps)
    expected = 0.2 / (images * timesteps)
    assert time_training_step(recipe, lab, repeats=3) == pytest.approx(expected)


def test_a_step_that_takes_long_is_not_repeated(lab, quick_recipe, durations):
    durations(PATIENCE_SECONDS + 1)
    expected = (PATIENCE_SECONDS + 1) / (SAMPLE * 2)
    assert time_training_step(quick_recipe, lab, repeats=3) == pytest.approx(expected)


@pytest.mark.parametrize(
    "change", [{"loss": "prefix"}, {"loss": "alpha", "alpha": 0.1}, {"dataset": "cifar10"}], ids=str
)
def test_every_kind_of_training_can_be_timed(lab, quick_recipe, change):
    assert time_training_step(quick_recipe.but(**change), lab, repeats=1) > 0


def test_timing_leaves_no_trace(lab, quick_recipe):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    state = torch.get_rng_state()
    time_training_step(quick_recipe, lab, repeats=1)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)
    assert not lab.store_root.exists()
