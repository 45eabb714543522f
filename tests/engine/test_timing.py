import math
from dataclasses import dataclass
from itertools import count
from types import SimpleNamespace

import pytest
import torch

from tic.data import CIFAR10
from tic.engine import timing
from tic.engine.timing import PATIENCE_SECONDS, time_training_step
from tic.errors import TicError
from tic.lab import Lab
from tic.losses import AlphaLoss, PrefixLoss
from tic.measure.cost import training_operations
from tic.models import Architecture, Spiking
from tic.recipe import Recipe


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

        monkeypatch.setattr(timing, "time", SimpleNamespace(perf_counter=perf_counter))

    return pretend


@pytest.mark.parametrize(("batch_size", "timesteps"), [(2, 3), (4, 1), (100, 2)])
def test_the_fastest_step_counts_per_image_and_timestep(
    lab, quick_recipe, durations, batch_size, timesteps
):
    durations(0.9, 0.3, 0.2, 0.4)
    recipe = quick_recipe.but(batch_size=batch_size, timesteps=timesteps)
    expected = 0.2 / (batch_size * timesteps)
    assert time_training_step(recipe, lab, repeats=3) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("affordable", "images"), [(7, 7), (7.9, 7), (20, 20), (21, 20), (1.5, 2), (0.1, 2)]
)
def test_a_cpu_is_asked_for_as_many_images_as_it_can_afford_and_for_two_at_least(
    lab, quick_recipe, durations, monkeypatch, affordable, images
):
    per_image = training_operations(quick_recipe) // (2 * 60)  # epochs × images
    monkeypatch.setattr(timing, "CPU_OPERATIONS", affordable * per_image)
    durations(0.3, 0.2)
    expected = 0.2 / (images * 2)
    assert time_training_step(quick_recipe, lab, repeats=1) == pytest.approx(expected)


@pytest.mark.parametrize(("seconds", "samples"), [(0.5, 12), (0.01, 20), (30.0, 2)])
def test_two_samples_tell_what_a_cpu_can_afford_of_a_network_that_does_not_say(
    lab, quick_recipe, durations, monkeypatch, seconds, samples
):
    monkeypatch.setattr(timing, "training_operations", lambda recipe: None)
    # Two looks at two samples, unless the first takes too long; then the steps that count.
    durations(*([seconds] * (1 if seconds > PATIENCE_SECONDS else 2)), 0.3, 0.2)
    expected = 0.2 / (samples * 2)
    assert time_training_step(quick_recipe, lab, repeats=1) == pytest.approx(expected)


def test_the_batch_depends_neither_on_the_length_of_the_training_nor_on_its_images(
    lab, quick_recipe, durations, monkeypatch
):
    per_image = training_operations(quick_recipe) // (2 * 60)
    monkeypatch.setattr(timing, "CPU_OPERATIONS", 5 * per_image)
    longer = quick_recipe.but(epochs=50, train_size=None, checkpoints=9)
    durations(0.3, 0.2)
    assert time_training_step(longer, lab, repeats=1) == pytest.approx(0.2 / (5 * 2))


def test_a_step_of_the_papers_network_is_timed_with_the_least_batch(lab, monkeypatch):
    # A training step of ResNet-19 at T=10 takes about 1.1e11 operations for one image.
    recipe = Recipe(dataset=CIFAR10(), architecture=Spiking("resnet19"), timesteps=10)
    seen = []

    class Watched(torch.nn.Linear):
        def forward(self, images):
            seen.append(len(images))
            raise TicError("enough")

    monkeypatch.setattr(Lab, "fresh_network", lambda lab, recipe: Watched(1, 1))
    with pytest.raises(TicError, match="enough"):
        time_training_step(recipe, lab)
    assert seen == [2]


@dataclass(frozen=True)
class Sociable(Architecture):
    """Takes batches of eight and more."""

    def least_batch(self, timesteps):
        return 8

    def build(self, facts, timesteps):
        return SociableNetwork(facts)


class SociableNetwork(torch.nn.Module):
    def __init__(self, facts):
        super().__init__()
        self.readout = torch.nn.Linear(math.prod(facts.shape), facts.num_classes)

    def forward(self, images):
        assert len(images) >= 8
        return self.readout(images.flatten(1))[None]


def test_no_batch_is_smaller_than_the_architecture_needs(lab, quick_recipe):
    recipe = quick_recipe.but(architecture=Sociable(), timesteps=1, batch_size=20)
    assert time_training_step(recipe, lab, repeats=1) > 0


def test_a_step_that_takes_long_is_not_repeated(lab, quick_recipe, durations):
    durations(PATIENCE_SECONDS + 1)
    expected = (PATIENCE_SECONDS + 1) / (quick_recipe.batch_size * 2)
    assert time_training_step(quick_recipe, lab, repeats=3) == pytest.approx(expected)


@pytest.mark.parametrize(
    "change", [{"loss": PrefixLoss()}, {"loss": AlphaLoss(0.1)}, {"dataset": CIFAR10()}], ids=str
)
def test_every_kind_of_training_can_be_timed(lab, quick_recipe, change):
    assert time_training_step(quick_recipe.but(**change), lab, repeats=1) > 0


@dataclass(frozen=True)
class Dropping(Architecture):
    """Draws from torch's own generator whenever it is trained."""

    def build(self, facts, timesteps):
        return torch.nn.Sequential(
            torch.nn.Flatten(),
            torch.nn.Linear(torch.Size(facts.shape).numel(), facts.num_classes),
            torch.nn.Dropout(),
            torch.nn.Unflatten(0, (1, -1)),
        )


@pytest.mark.parametrize("architecture", [Spiking("tiny"), Dropping()], ids=lambda each: each.name)
def test_timing_leaves_no_trace(lab, quick_recipe, architecture):
    recipe = quick_recipe.but(architecture=architecture)
    recipe = recipe.but(timesteps=1) if isinstance(architecture, Dropping) else recipe
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    state = torch.get_rng_state()
    assert time_training_step(recipe, lab, repeats=1) > 0
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)
    assert not lab.store_root.exists()


class Counting(torch.nn.Module):
    """A network that counts its calls."""

    def __init__(self, features, classes):
        super().__init__()
        self.layer, self.calls = torch.nn.Linear(features, classes), 0

    def forward(self, images):
        self.calls += 1
        return self.calls * self.layer(images.flatten(1))[None]


@dataclass(frozen=True)
class Stateful(Architecture):
    """Builds a network that keeps state between calls."""

    def build(self, facts, timesteps):
        return Counting(torch.Size(facts.shape).numel(), facts.num_classes)


def test_a_network_that_keeps_state_is_refused_as_training_it_would_be(lab, quick_recipe):
    recipe = quick_recipe.but(architecture=Stateful(), timesteps=1)
    with pytest.raises(
        TicError, match="2 samples in evaluation mode give different logits, so Counting keeps"
    ):
        time_training_step(recipe, lab)
