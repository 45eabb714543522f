"""What a claim's test learns of real trainings."""

import numpy as np
import pytest

from tic.attacks import Blur
from tic.audit.claim import Setting
from tic.audit.runs import SeedRuns, normalised_centroid
from tic.errors import DivergedRunError, TicError
from tic.lab import Lab, one_thread
from tic.measure.fisher import Estimator, fisher_information
from tic.recipe import Recipe
from tic.train import train

SEEDS = (3, 8)
RECIPE = Recipe(
    dataset="digits",
    train_size=60,
    timesteps=2,
    epochs=15,
    batch_size=20,
    augmentation="none",
    checkpoints=3,
)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    lab = Lab(tmp_path_factory.mktemp("store"))
    found = SeedRuns(RECIPE, Setting(RECIPE, seeds=SEEDS, fisher_size=40, test_size=50), lab)
    for recipe in found.recipes:
        train(recipe, lab)
    return found


def test_there_is_one_recipe_per_seed_in_their_order(runs):
    assert [recipe.seed for recipe in runs.recipes] == [3, 8]
    assert runs.seeds == SEEDS


@pytest.mark.parametrize(("name", "epoch"), [("untrained", 0), ("early", 1), ("final", 15), (5, 5)])
def test_epochs_have_names(runs, name, epoch):
    assert runs.epoch(name) == epoch


def test_early_is_a_fifteenth_of_the_training(runs):
    recipe = RECIPE.but(epochs=300, checkpoints=15)
    papers = SeedRuns(recipe, runs.setting, runs.lab)
    assert papers.epoch("early") == 20
    assert papers.checkpoints[:4] == (0, 1, 20, 40)


def test_an_epoch_whose_weights_were_not_kept_is_named_with_those_that_were(runs):
    with pytest.raises(TicError, match=r"no weights of epoch 7; kept: \(0, 1, 5, 10, 15\)"):
        runs.centroid(7)


def test_a_trace_has_a_row_per_seed_and_a_column_per_timestep(runs):
    trace = runs.trace()
    assert trace.shape == (2, 2)
    assert (trace > 0).all()
    assert not np.array_equal(trace[0], trace[1])


def test_the_trace_is_the_fisher_information_of_the_seeds_network(runs):
    images = runs.lab.images("digits", "train", 40)
    for row, recipe in zip(runs.trace(), runs.recipes, strict=True):
        with one_thread(runs.lab.device):
            info = fisher_information(runs.lab.network(recipe), images.batches(128))
        np.testing.assert_allclose(row, info.trace, rtol=1e-12)


def test_layers_add_up_to_the_trace(runs):
    for row, layers in zip(runs.trace("early"), runs.by_layer("early"), strict=True):
        np.testing.assert_allclose(np.sum(list(layers.values()), axis=0), row)


def test_the_trace_is_of_the_epoch_and_the_estimator_that_were_asked_for(runs):
    assert not np.allclose(runs.trace("untrained"), runs.trace("final"), rtol=0.01)
    official = runs.trace("final", Estimator.OFFICIAL)
    assert not np.allclose(official, runs.trace("final"), rtol=0.01)


def test_the_centroid_is_the_share_of_the_last_of_two_timesteps(runs):
    trace = runs.trace("early")
    by_hand = trace[:, 1] / trace.sum(axis=1)
    np.testing.assert_allclose(runs.centroid("early"), by_hand)
    assert ((by_hand > 0) & (by_hand < 1)).all()


@pytest.mark.parametrize(
    ("trace", "centroid"),
    [([1, 0, 0], 0), ([0, 0, 5], 1), ([2, 2, 2], 0.5), ([3, 1], 0.25), ([1, 1, 1, 1, 4], 0.6875)],
)
def test_the_normalised_centroid_by_hand(trace, centroid):
    # [1, 1, 1, 1, 4]: (1 + 2 + 3 + 4 + 20) / 8 = 3.75, and (3.75 - 1) / 4 = 0.6875
    assert normalised_centroid(np.array(trace, float)) == pytest.approx(centroid)


def test_one_timestep_has_no_centroid():
    with pytest.raises(TicError, match="at least 2 timesteps, got 1"):
        normalised_centroid(np.array([1.0]))


def test_accuracy_is_in_percent_of_the_test_images_per_seed(runs):
    ((images, labels),) = runs.lab.images("digits", "test", 50).batches(50)
    by_hand = []
    for recipe in runs.recipes:
        logits = runs.lab.network(recipe)(images).mean(0)
        by_hand.append(100 * (logits.argmax(1) == labels).double().mean().item())
    np.testing.assert_allclose(runs.accuracy(), by_hand)


def test_accuracy_under_a_corruption_and_at_fewer_timesteps_are_other_numbers(runs):
    for found in (runs.accuracy(Blur(factor=8)), runs.accuracy(timesteps=1)):
        assert found.shape == (2,)
        assert ((found >= 0) & (found <= 100)).all()
        assert not np.array_equal(found, runs.accuracy())


def test_final_losses_are_those_of_the_last_epoch_for_every_prefix(runs):
    histories = [runs.lab.run(recipe).history for recipe in runs.recipes]
    expected = [history["prefix_losses"][14] for history in histories]
    np.testing.assert_array_equal(runs.final_losses(), expected)
    assert runs.final_losses().shape == (2, 2)
    assert (runs.final_losses() < [history["prefix_losses"][0] for history in histories]).all()


def test_runs_that_were_not_trained_are_named(runs):
    absent = SeedRuns(RECIPE.but(tau=3.0), runs.setting, runs.lab)
    with pytest.raises(TicError, match="tiny-digits-T2-seed3 is not in the Store"):
        absent.accuracy()


def test_nothing_is_measured_on_a_run_that_diverged(runs):
    recipe = RECIPE.but(learning_rate=1e30, epochs=3)
    diverged = SeedRuns(recipe, Setting(recipe, seeds=(3,)), runs.lab)
    train(diverged.recipes[0], runs.lab)
    for ask in (diverged.accuracy, diverged.trace, diverged.final_losses):
        with pytest.raises(DivergedRunError, match="the training loss became"):
            ask()
