"""What stored weights tell of layers: scales of Fisher traces, zeros, repeated weights."""

from dataclasses import dataclass

import pytest
import torch
from torch import nn

from tic.errors import TicError
from tic.lab import Lab
from tic.measure import layers
from tic.measure.fisher import FisherMeasurement
from tic.measure.layers import layer_scales, repeated_weights, stored_sparsity
from tic.measure.measurement import measure
from tic.models import Architecture
from tic.train import train


@pytest.fixture
def recipe(two_seeds):
    return two_seeds[1]


@pytest.fixture
def lab(two_seeds):
    return Lab(two_seeds[0])


class Two(nn.Module):
    """Two layers by hand, one with a bias."""

    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(nn.Linear(2, 3, bias=False))
        self.second = nn.Linear(1, 4)


WEIGHTS = {
    "first.0.weight": torch.tensor([[1.0, -2.0], [0.0, 0.0], [2.0, 0.0]]),
    "second.weight": torch.tensor([[3.0], [0.0], [0.0], [1.0]]),
    "second.bias": torch.tensor([0.0, 0.0, 1.0, 0.0]),
    "second.running_mean": torch.tensor([100.0]),
}


@pytest.fixture
def planted(monkeypatch, recipe, lab):
    """A Run of the network above."""

    class Run:
        def weights(self, epoch, like):
            return {name: (epoch + 1) * value for name, value in WEIGHTS.items()}

    monkeypatch.setattr(layers, "_shapes", lambda *names: Two())
    monkeypatch.setattr(Lab, "run", lambda lab, recipe: Run())
    for cached in (layer_scales, stored_sparsity):
        cached.cache_clear()
    yield recipe, lab
    for cached in (layer_scales, stored_sparsity):
        cached.cache_clear()


def test_the_relative_scale_is_the_squared_norm_of_all_parameters_of_a_layer(planted):
    # first: 1 + 4 + 4; second: 9 + 1 and the 1 of its bias; after epoch 1 weights are doubled.
    assert layer_scales(*scale_at(planted, 0), relative=True) == {"first.0": 9, "second": 11}
    assert layer_scales(*scale_at(planted, 1), relative=True) == {"first.0": 36, "second": 44}


def test_the_scale_per_parameter_is_one_over_their_number_at_every_epoch(planted):
    for epoch in (0, 1):
        found = layer_scales(*scale_at(planted, epoch), relative=False)
        assert found == {"first.0": 1 / 6, "second": 1 / 8}


def test_what_requires_no_gradient_has_no_part_in_any_scale(planted, monkeypatch):
    network = Two()
    network.first.requires_grad_(False)
    network.second.bias.requires_grad_(False)
    monkeypatch.setattr(layers, "_shapes", lambda *names: network)
    assert layer_scales(*scale_at(planted, 0), relative=True) == {"second": 10}
    assert layer_scales(*scale_at(planted, 0), relative=False) == {"second": 1 / 4}


class Frozen(nn.Module):
    """A drawn layer that is not trained, and a read-out of two timesteps that is."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(64, 3), nn.Linear(3, 10)
        self.first.requires_grad_(False)

    def forward(self, images):
        logits = self.second(self.first(images.flatten(1)))
        return torch.stack([logits, 2 * logits])


@dataclass(frozen=True)
class OfFrozen(Architecture):
    """Builds it."""

    def build(self, facts, timesteps):
        return Frozen()


def test_information_of_a_network_with_a_frozen_layer_is_that_of_the_others(recipe, tmp_path):
    lab, own = Lab(tmp_path / "frozen"), recipe.but(architecture=OfFrozen(), timesteps=2)
    train(own, lab)
    measurement = FisherMeasurement(epoch=2, size=20)
    by_layer = measure(measurement, own, lab)["by_layer"]
    assert list(by_layer) == ["second"]
    assert [*layer_scales(own, 2, lab, relative=True)] == ["second"]


def scale_at(planted, epoch):
    recipe, lab = planted
    return recipe, epoch, lab


def test_sparsity_is_the_share_of_zeros_among_weights_and_not_biases(planted):
    # Three of six and two of four; of the bias, three of four.
    assert stored_sparsity(*scale_at(planted, 0)) == 0.5


def test_every_layer_of_fisher_information_has_a_scale(lab, recipe, unmeasured):
    by_layer = measure(FisherMeasurement(epoch=8, size=20), recipe, unmeasured)["by_layer"]
    for relative in (True, False):
        assert set(layer_scales(recipe, 8, lab, relative=relative)) == set(by_layer)


def test_scales_are_of_the_epoch_and_of_the_seed(lab, recipe):
    first, last, other = (
        layer_scales(each, epoch, lab, relative=True)["classifier"]
        for each, epoch in ((recipe, 0), (recipe, 8), (recipe.with_seed(1), 8))
    )
    assert len({first, last, other}) == 3
    network = lab.network(recipe, 0)
    by_hand = sum(each.double().square().sum().item() for each in network.classifier.parameters())
    assert first == pytest.approx(by_hand)


def test_a_network_that_was_not_pruned_has_hardly_a_zero(lab, recipe):
    assert stored_sparsity(recipe, 8, lab) < 0.001


@pytest.mark.parametrize("ask", [lambda *of: layer_scales(*of, relative=True), stored_sparsity])
def test_of_a_run_that_was_not_trained_nothing_is_known(lab, recipe, ask):
    with pytest.raises(TicError, match="tiny-digits-T2-seed7 is not in the Store; train it first"):
        ask(recipe.with_seed(7), 8, lab)


def test_repeated_weights_do_not_depend_on_what_was_trained(recipe):
    assert repeated_weights(recipe) == repeated_weights(recipe.but(timesteps=7, seed=4))
    assert "classifier" in repeated_weights(recipe)
    assert not any(name.startswith("stem") for name in repeated_weights(recipe))


def test_a_network_that_does_not_tell_what_every_timestep_repeats_is_refused(planted):
    with pytest.raises(TicError, match="Two must have a method repeated_weights that names the"):
        repeated_weights(planted[0])
