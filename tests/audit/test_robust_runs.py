"""What is asked of Runs beside Fisher information: right answers, margins, kernels, zeros."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
import torch

from claims.kim2023.runs import KimRuns
from tic.attacks import FGSM, Blur
from tic.audit.pack import Setting
from tic.data import CIFAR100, Digits
from tic.errors import TicError
from tic.lab import Lab, exact_arithmetic
from tic.measure import robustness
from tic.measure.confidence import margins, temperature
from tic.measure.tangent import tangent_kernel
from tic.models import Spiking
from tic.pruning import Pruning
from tic.recipe import Recipe
from tic.train import train

SEEDS = (4, 7, 9)
RECIPE = Recipe(
    dataset=Digits(),
    architecture=Spiking("tiny"),
    train_size=60,
    timesteps=2,
    epochs=6,
    batch_size=20,
    checkpoints=2,
)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    lab = Lab(tmp_path_factory.mktemp("store"))
    setting = Setting(RECIPE, seeds=SEEDS, sizes={"fisher": 20, "test": 50, "attack": 30})
    found = KimRuns(RECIPE, setting, lab)
    for recipe in found.recipes:
        train(recipe, lab)
    return found


def test_guessing_is_right_once_in_as_many_classes(runs):
    assert runs.chance == 10
    assert replace(runs, recipe=RECIPE.but(dataset=CIFAR100())).chance == 1


def by_hand(runs, corruption=None, sources=SEEDS):
    """Correct answers of every seed's network to images that were corrupted on another's."""
    ((images, labels),) = runs.lab.samples(Digits(), "test", 30).batches(30)
    rows = []
    for recipe, source in zip(runs.recipes, sources, strict=True):
        network, other = runs.lab.network(recipe), runs.lab.network(recipe.with_seed(source))
        with exact_arithmetic(runs.lab.device):
            seen = corruption(other, images, labels, 0) if corruption else images
            with torch.no_grad():
                rows.append(network(seen).mean(0).argmax(1) == labels)
    return torch.stack(rows).numpy()


def test_right_answers_are_told_image_by_image_of_the_suites_images(runs):
    found = runs.correct()
    assert (found.shape, found.dtype) == ((3, 30), bool)
    np.testing.assert_array_equal(found, by_hand(runs))
    first = replace(runs, setting=replace(runs.setting, sizes={**runs.setting.sizes, "test": 30}))
    np.testing.assert_array_equal(100 * found, first.accuracy_by_sample())
    np.testing.assert_array_equal(100 * found.mean(1), first.accuracy())


ATTACK = FGSM(epsilon=0.1)


def weight_of(network):
    return sum(each.double().sum().item() for each in network.parameters())


@dataclass(frozen=True)
class Spy:
    """Leaves the images as they are and notes which network it is given."""

    seen: ClassVar[list] = []

    def __call__(self, model, images, labels, batch):
        self.seen.append(weight_of(model))
        return images


def test_an_attack_is_made_on_the_network_that_classifies(runs):
    np.testing.assert_array_equal(runs.correct(ATTACK), by_hand(runs, ATTACK))


def test_a_transferred_attack_is_made_on_the_network_of_the_next_seed_and_at_last_of_the_first(
    runs,
):
    found = runs.correct(ATTACK, transferred=True)
    np.testing.assert_array_equal(found, by_hand(runs, ATTACK, sources=(7, 9, 4)))
    weights = {seed: weight_of(runs.lab.network(RECIPE.with_seed(seed))) for seed in SEEDS}
    assert len(set(weights.values())) == 3
    for transferred, sources in ((True, (7, 9, 4)), (False, (4, 7, 9))):
        Spy.seen.clear()
        runs.correct(Spy(), transferred=transferred)
        assert Spy.seen == [weights[seed] for seed in sources]


def test_every_seed_may_have_a_corruption_of_its_own(runs):
    own = [ATTACK, Blur(factor=8), FGSM(epsilon=0.0)]
    found = runs.correct(own)
    for row, each in enumerate(own):
        np.testing.assert_array_equal(found[row], runs.correct(each)[row])
    with pytest.raises(ValueError, match="argument"):
        runs.correct(own[:2])


def test_images_without_an_input_gradient_are_told_of_the_test_images(runs):
    batches = list(runs.lab.samples(Digits(), "test", 50).batches(256))
    found = runs.zero_gradients()
    assert (found.shape, found.dtype) == ((3, 50), bool)
    for row, recipe in zip(found, runs.recipes, strict=True):
        with exact_arithmetic(runs.lab.device):
            expected = robustness.zero_gradients(runs.lab.network(recipe), batches)
        assert row.tolist() == expected


def test_margins_are_those_of_the_suites_images(runs):
    batches = list(runs.lab.samples(Digits(), "test", 30).batches(256))
    for row, recipe in zip(runs.margins(), runs.recipes, strict=True):
        with exact_arithmetic(runs.lab.device):
            np.testing.assert_array_equal(row, margins(runs.lab.network(recipe), batches))
    # An image is right where its margin is above zero.
    np.testing.assert_array_equal(runs.margins() > 0, runs.correct())


def test_temperatures_are_fitted_to_the_test_images(runs):
    batches = list(runs.lab.samples(Digits(), "test", 50).batches(256))
    with exact_arithmetic(runs.lab.device):
        expected = [temperature(runs.lab.network(recipe), batches) for recipe in runs.recipes]
    np.testing.assert_array_equal(runs.temperatures(), expected)


def test_output_error_and_kernel_are_those_of_the_training_images_at_the_epoch(runs):
    batches = list(runs.lab.samples(Digits(), "train", 20).batches(128))
    for epoch, number in (("early", 1), ("final", 6)):
        errors, traces = runs.tangent(epoch)
        assert errors.shape == traces.shape == (3, 2)
        for k, recipe in enumerate(runs.recipes):
            with exact_arithmetic(runs.lab.device):
                found = tangent_kernel(runs.lab.network(recipe, number), batches)
            np.testing.assert_array_equal(errors[k], found.mean_errors)
            np.testing.assert_array_equal(traces[k], found.mean_kernel_trace)


def test_fisher_information_is_at_most_error_times_kernel_for_one_image(runs):
    one = replace(runs, setting=replace(runs.setting, sizes={**runs.setting.sizes, "fisher": 10}))
    errors, traces = one.tangent()
    # Of a mean over images the bound holds with the largest error, 2.
    assert (one.trace() <= 2 * traces).all()
    assert ((errors >= 0) & (errors <= 2)).all()


def test_sparsity_is_the_share_of_weights_that_the_pruned_network_has_lost(runs):
    assert (runs.sparsity() < 0.001).all()
    child = RECIPE.but(parent=RECIPE, rules=(Pruning(0.75),), epochs=1, checkpoints=1)
    pruned = replace(runs, recipe=child)
    for recipe in pruned.recipes:
        train(recipe, runs.lab)
    np.testing.assert_allclose(pruned.sparsity(), 0.75, atol=0.001)


@dataclass(frozen=True)
class Turned:
    """Turns the images upside down and asks nothing of the network."""

    def __call__(self, model, images, labels, batch):
        return images.flip(2)


def test_a_corruption_that_asks_nothing_of_a_network_transfers_as_it_is(runs):
    np.testing.assert_array_equal(runs.correct(Turned(), transferred=True), runs.correct(Turned()))


@pytest.mark.parametrize(
    "ask", ["correct", "zero_gradients", "margins", "temperatures", "tangent", "sparsity"]
)
def test_of_runs_that_were_not_trained_nothing_is_known(runs, ask):
    absent = replace(runs, recipe=RECIPE.but(architecture=Spiking("tiny", tau=3.0)))
    with pytest.raises(TicError, match="tiny-tau3-digits-T2-seed4 is not in the Store; train it"):
        getattr(absent, ask)()
