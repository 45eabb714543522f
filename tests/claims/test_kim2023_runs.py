"""What a claim's test learns of real trainings."""

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from claims.kim2023 import runs as kim_runs
from claims.kim2023.reading import Reading
from claims.kim2023.redrawn import RedrawnFisherMeasurement
from claims.kim2023.runs import KimRuns, normalised_centroid, repeated_weights
from tic.attacks import Blur, GaussianNoise
from tic.audit import Protocol
from tic.audit import runs as runs_module
from tic.audit.pack import Setting
from tic.data import CropFlip, Digits
from tic.errors import DivergedRunError, NotApplicableError, TicError
from tic.fitting import CosineSGD
from tic.lab import Lab, exact_arithmetic
from tic.losses import Readout
from tic.measure.fisher import Estimator, fisher_information
from tic.models import Spiking
from tic.recipe import Recipe
from tic.train import train

SEEDS = (3, 8)
RECIPE = Recipe(
    dataset=Digits(),
    architecture=Spiking("tiny"),
    train_size=60,
    timesteps=2,
    epochs=15,
    batch_size=20,
    checkpoints=3,
)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    lab = Lab(tmp_path_factory.mktemp("store"))
    found = KimRuns(RECIPE, Setting(RECIPE, seeds=SEEDS, sizes={"fisher": 40, "test": 50}), lab)
    for recipe in found.recipes:
        train(recipe, lab)
    return found


def test_there_is_one_recipe_per_seed_in_their_order(runs):
    assert [recipe.seed for recipe in runs.recipes] == [3, 8]
    assert runs.seeds == SEEDS


@pytest.mark.parametrize(
    ("name", "epoch"), [("untrained", 0), ("early", 1), ("middle", 5), ("final", 15), (5, 5)]
)
def test_epochs_have_names(runs, name, epoch):
    assert runs.epoch(name) == epoch


def test_early_is_a_fifteenth_of_the_training(runs):
    recipe = RECIPE.but(epochs=300, checkpoints=15)
    papers = KimRuns(recipe, runs.setting, runs.lab)
    assert papers.epoch("early") == 20
    assert papers.checkpoints[:4] == (0, 1, 20, 40)


@pytest.mark.parametrize(
    ("share", "epoch"), [(0, 1), (1 / 15, 1), (0.19, 1), (0.21, 5), (0.5, 5), (0.51, 10), (1, 15)]
)
def test_the_nearest_epoch_is_one_with_weights_that_was_trained_and_the_earlier_of_two(
    runs, share, epoch
):
    # Kept are 0, 1, 5, 10 and 15; 3 of 15 lies between 1 and 5, and 7.5 between 5 and 10.
    assert runs.nearest(share) == epoch


def test_a_training_of_few_epochs_has_an_early_and_a_middle_too(runs):
    short = KimRuns(RECIPE.but(epochs=2, checkpoints=2), runs.setting, runs.lab)
    assert [short.epoch(name) for name in ("untrained", "early", "middle", "final")] == [0, 1, 1, 2]


def test_an_epoch_whose_weights_were_not_kept_is_named_with_those_that_were(runs):
    with pytest.raises(TicError, match=r"no weights of epoch 7; kept: \(0, 1, 5, 10, 15\)"):
        runs.centroid(7)


def test_a_trace_has_a_row_per_seed_and_a_column_per_timestep(runs):
    trace = runs.trace()
    assert trace.shape == (2, 2)
    assert (trace > 0).all()
    assert not np.array_equal(trace[0], trace[1])


def test_the_trace_is_the_fisher_information_of_the_seeds_network(runs):
    images = runs.lab.samples(Digits(), "train", 40)
    for row, recipe in zip(runs.trace(), runs.recipes, strict=True):
        with exact_arithmetic(runs.lab.device):
            info = fisher_information(runs.lab.network(recipe), images.batches(128))
        np.testing.assert_allclose(row, info.trace, rtol=1e-12)


def test_layers_add_up_to_the_trace(runs):
    for row, layers in zip(runs.trace("early"), runs.by_layer("early"), strict=True):
        np.testing.assert_allclose(np.sum(list(layers.values()), axis=0), row)


def test_the_trace_is_of_the_epoch_that_was_asked_for(runs):
    assert not np.allclose(runs.trace("untrained"), runs.trace("final"), rtol=0.01)


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
    ((images, labels),) = runs.lab.samples(Digits(), "test", 50).batches(50)
    by_hand = []
    for recipe in runs.recipes:
        logits = runs.lab.network(recipe)(images).mean(0)
        by_hand.append(100 * (logits.argmax(1) == labels).double().mean().item())
    np.testing.assert_allclose(runs.accuracy(), by_hand)


def test_accuracy_on_training_images_is_that_of_their_own_labels(runs):
    ((images, labels),) = runs.lab.samples(Digits(), "train", 50).batches(50)
    by_hand = []
    for recipe in runs.recipes:
        logits = runs.lab.network(recipe)(images).mean(0)
        by_hand.append(100 * (logits.argmax(1) == labels).double().mean().item())
    np.testing.assert_allclose(runs.accuracy(split="train"), by_hand)
    correct = runs.accuracy_by_sample(split="train")
    assert correct.shape == (2, 50)
    np.testing.assert_allclose(correct.mean(1), by_hand)


def test_accuracy_under_a_corruption_and_at_fewer_timesteps_are_other_numbers(runs):
    for found in (runs.accuracy(Blur(factor=8)), runs.accuracy(timesteps=1)):
        assert found.shape == (2,)
        assert ((found >= 0) & (found <= 100)).all()
        assert not np.array_equal(found, runs.accuracy())


def test_final_losses_are_those_of_the_last_epoch_for_every_prefix(runs):
    trained = [runs.lab.run(recipe) for recipe in runs.recipes]
    expected = [run.curve("prefix_losses")[14] for run in trained]
    np.testing.assert_array_equal(runs.final_losses(), expected)
    assert runs.final_losses().shape == (2, 2)
    assert (runs.final_losses() < [run.curve("prefix_losses")[0] for run in trained]).all()


def test_runs_that_were_not_trained_are_named(runs):
    absent = KimRuns(RECIPE.but(architecture=Spiking("tiny", tau=3.0)), runs.setting, runs.lab)
    with pytest.raises(TicError, match="tiny-tau3-digits-T2-seed3 is not in the Store"):
        absent.accuracy()


def test_nothing_is_measured_on_a_run_that_diverged(runs):
    recipe = RECIPE.but(fitting=CosineSGD(learning_rate=1e30), epochs=3)
    diverged = KimRuns(recipe, Setting(recipe, seeds=(3,)), runs.lab)
    train(diverged.recipes[0], runs.lab)
    for ask in (diverged.accuracy, diverged.trace, diverged.final_losses):
        with pytest.raises(DivergedRunError, match="the training loss became"):
            ask()


# Blocks


def test_a_block_sums_its_layers_and_stem_and_classifier_belong_to_none(runs):
    found = runs.by_block("early")
    assert found.shape == (2, 3, 2)
    for row, layers in zip(found, runs.by_layer("early"), strict=True):
        outside = np.zeros(2)
        by_hand = np.zeros((3, 2))
        for name, trace in layers.items():
            if name.startswith("blocks."):
                by_hand[int(name[len("blocks.")])] += trace
            else:
                outside += trace
        np.testing.assert_allclose(row, by_hand)
        np.testing.assert_allclose(row.sum(0) + outside, np.sum(list(layers.values()), axis=0))
        assert (outside > 0).all()


def test_blocks_are_in_the_order_of_their_numbers(runs, monkeypatch):
    layers = {
        "stem.0": [9.0, 9.0],
        "blocks.10.conv1.0": [1.0, 2.0],
        "blocks.10.conv2.1": [10.0, 20.0],
        "blocks.2.conv1.0": [3.0, 4.0],
        "blocks.0.shortcut.0": [5.0, 6.0],
        "classifier": [9.0, 9.0],
    }
    monkeypatch.setattr(runs_module, "_taken", lambda *arguments: {"by_layer": layers})
    by_hand = [[5, 6], [3, 4], [11, 22]]
    np.testing.assert_array_equal(runs.by_block(), [by_hand, by_hand])


def test_a_network_without_blocks_is_told_so(runs, monkeypatch):
    layers = {"network.1": [9.0, 9.0]}
    monkeypatch.setattr(runs_module, "_taken", lambda *arguments: {"by_layer": layers})
    with pytest.raises(NotApplicableError, match="tiny has no blocks: a network lists them in"):
        runs.by_block()


# Protocols


def read_by(runs, **reading):
    return replace(runs, protocol=Protocol("other", "", reading=Reading(**reading)))


@pytest.mark.parametrize(
    "reading",
    [
        {"estimator": Estimator.BATCH_MEAN},
        {"estimator": Estimator.SAMPLED},
        {"readout": Readout.SUM},
        {"images": "test"},
        {"layers": "repeated"},
    ],
    ids=str,
)
def test_another_reading_of_fisher_information_gives_other_numbers(runs, reading):
    found = read_by(runs, **reading).trace()
    assert found.shape == (2, 2)
    assert (found > 0).all()
    same = np.isclose(found, runs.trace(), rtol=0.01)
    # Labels that are drawn may be those of the data at one timestep.
    drawn = reading.get("estimator") is Estimator.SAMPLED
    assert not (same.all(axis=1) if drawn else same[:, 1]).any()


def test_the_sum_over_one_timestep_is_the_mean_over_one_timestep(runs):
    summed = read_by(runs, readout=Readout.SUM).trace()
    np.testing.assert_allclose(summed[:, 0], runs.trace()[:, 0], rtol=1e-6)


def test_a_reading_that_changes_the_training_alone_leaves_the_measurements(runs):
    altered = replace(runs, protocol=Protocol("other", "", alter=lambda recipe: recipe))
    np.testing.assert_array_equal(altered.trace(), runs.trace())


@pytest.mark.parametrize(
    ("reading", "split", "size", "options"),
    [
        ({"images": "test"}, "test", 40, {}),
        ({"readout": Readout.SUM}, "train", 40, {"readout": "sum"}),
        ({"estimator": Estimator.EXACT}, "train", 40, {"estimator": "exact"}),
        ({"estimator": Estimator.EXACT, "images": "test"}, "test", 40, {"estimator": "exact"}),
        # A quarter of 40, which is no less than there are classes; one pass for three estimators.
        ({"coarse": True, "estimator": Estimator.EXACT}, "train", 10, {"estimator": "exact"}),
        ({"coarse": True}, "train", 10, {}),
        ({"coarse": True, "readout": Readout.SUM}, "train", 10, {"readout": "sum"}),
        (
            {"coarse": True, "estimator": Estimator.BATCH_MEAN, "images": "test"},
            "test",
            10,
            {"estimator": "batch-mean"},
        ),
    ],
    ids=str,
)
def test_a_reading_is_what_the_estimate_says_of_the_seeds_network(
    runs, reading, split, size, options
):
    images = runs.lab.samples(Digits(), split, size)
    for row, recipe in zip(read_by(runs, **reading).trace(), runs.recipes, strict=True):
        with exact_arithmetic(runs.lab.device):
            info = fisher_information(runs.lab.network(recipe), images.batches(128), **options)
        np.testing.assert_allclose(row, info.trace, rtol=1e-5 if "coarse" in reading else 1e-12)


def test_repeated_weights_are_those_of_convolutions_and_linear_layers_outside_the_stem(runs):
    modules = dict(runs.lab.network(runs.recipes[0]).named_modules())
    repeated = {
        name
        for name, module in modules.items()
        if isinstance(module, nn.Conv2d | nn.Linear) and not name.startswith("stem")
    }
    assert repeated_weights(RECIPE) == repeated
    other = read_by(runs, layers="repeated")
    for found, every, row in zip(other.by_layer(), runs.by_layer(), other.trace(), strict=True):
        assert found == {name: trace for name, trace in every.items() if name in repeated}
        np.testing.assert_allclose(row, np.sum([every[name] for name in repeated], axis=0))
        assert any(isinstance(modules[name], nn.BatchNorm2d) for name in set(every) - set(found))


@pytest.mark.parametrize("estimator", list(Estimator))
@pytest.mark.parametrize(
    ("train_size", "fisher_size", "images", "asked"),
    [
        (800, 400, "train", 100),
        (800, None, "train", 200),
        (800, 5000, "train", 200),
        (None, None, "train", 359),  # a quarter of 1437 is 359.25
        (800, None, "test", 90),
        (800, 400, "test", 90),  # there are 360
        (800, 42, "train", 10),  # 10.5 is rounded to even
        (800, 30, "train", 10),
        (800, 8, "train", 8),
    ],
)
def test_a_coarse_reading_takes_a_quarter_of_the_images_and_one_per_class_at_least(
    runs, train_size, fisher_size, images, asked, estimator
):
    setting = replace(runs.setting, sizes={"fisher": fisher_size})
    coarsely = Protocol(
        "coarsely", "", reading=Reading(estimator=estimator, images=images, coarse=True)
    )
    found = KimRuns(RECIPE.but(train_size=train_size), setting, runs.lab, coarsely)
    assert measurements(found, "by_layer")[0].size == asked


@pytest.mark.parametrize("estimator", list(Estimator))
def test_no_other_reading_takes_a_share(runs, estimator):
    found = read_by(runs, estimator=estimator)
    assert measurements(found, "by_layer")[0].size == 40


def test_every_run_draws_images_of_its_own_where_they_are_redrawn(runs):
    reading = {"images": "redrawn", "estimator": Estimator.BATCH_MEAN, "readout": Readout.SUM}
    found = read_by(runs, **reading)
    asked = measurements(found, "by_layer")
    assert asked == [
        RedrawnFisherMeasurement(
            epoch=15,
            estimator=Estimator.BATCH_MEAN,
            readout=Readout.SUM,
            batch_size=16,
            drawn=40,
            augmentation=None,
            seed=seed,
        )
        for seed in SEEDS
    ]
    moved = replace(found, recipe=RECIPE.but(augmentation=CropFlip()))
    assert all(each.augmentation == CropFlip() for each in measurements(moved, "by_layer"))
    coarse = measurements(read_by(runs, **reading, coarse=True), "by_layer")
    assert [each.drawn for each in coarse] == [10, 10]


def test_one_pass_serves_all_coarse_estimates_that_follow_from_the_kernel(runs):
    kinds = (Estimator.EMPIRICAL, Estimator.SAMPLED, Estimator.EXACT)
    asked = {
        measurement
        for kind in kinds
        for measurement in measurements(read_by(runs, coarse=True, estimator=kind), "by_layer")
    }
    assert len(asked) == 1


def measurements(runs, ask):
    """What is measured when a quantity is asked for."""
    asked = []

    def taken(measurement, recipe, lab, store):
        asked.append(measurement)
        return {"by_layer": defaultdict(dict)}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs_module, "_taken", taken)
        getattr(runs, ask)()
    return asked


# Normalisation


def planted_layers(monkeypatch, layers):
    monkeypatch.setattr(runs_module, "_taken", lambda *arguments: {"by_layer": layers})


LAYERS = {"blocks.0.conv": [8.0, 16.0], "classifier": [3.0, 6.0]}


def test_the_raw_trace_is_as_it_was_measured(runs, monkeypatch):
    planted_layers(monkeypatch, LAYERS)
    assert runs.by_layer() == [LAYERS, LAYERS]
    np.testing.assert_array_equal(runs.trace(), [[11, 22], [11, 22]])


def test_a_layer_is_multiplied_by_the_scale_of_its_seed_and_epoch_before_layers_are_summed(
    runs, monkeypatch
):
    planted_layers(monkeypatch, LAYERS)
    asked = []

    def scales(recipe, epoch, lab, *, relative):
        asked.append((recipe.seed, epoch, relative))
        return {"blocks.0.conv": recipe.seed / 2, "classifier": 10.0}

    monkeypatch.setattr(kim_runs, "layer_scales", scales)
    relative = read_by(runs, normalisation="relative")
    # Seed 3: 8 × 1.5 + 3 × 10 = 42 and twice that; seed 8: 8 × 4 + 30 = 62.
    np.testing.assert_array_equal(relative.trace("early"), [[42, 84], [62, 124]])
    np.testing.assert_array_equal(relative.by_block("early"), [[[12, 24]], [[32, 64]]])
    assert set(asked) == {(3, 1, True), (8, 1, True)}
    asked.clear()
    read_by(runs, normalisation="per parameter").by_layer()
    assert asked == [(3, 15, False), (8, 15, False)]


def test_a_trace_per_parameter_is_divided_by_how_many_there_are(runs):
    parameters = dict(runs.lab.network(runs.recipes[0]).named_parameters())
    found = read_by(runs, normalisation="per parameter").by_layer("early")
    for ours, raw in zip(found, runs.by_layer("early"), strict=True):
        assert set(ours) == set(raw)
        for name, trace in raw.items():
            own = [value for key, value in parameters.items() if key.rpartition(".")[0] == name]
            count = sum(each.numel() for each in own)
            np.testing.assert_allclose(ours[name], np.array(trace) / count, rtol=1e-12)


def test_a_relative_trace_is_multiplied_by_the_squared_norm_of_the_layers_parameters(runs):
    found = read_by(runs, normalisation="relative").by_layer("early")
    for recipe, ours, raw in zip(runs.recipes, found, runs.by_layer("early"), strict=True):
        network = runs.lab.network(recipe, 1)
        for name, trace in raw.items():
            own = network.get_submodule(name).parameters(recurse=False)
            norm = sum(float(each.detach().double().square().sum()) for each in own)
            np.testing.assert_allclose(ours[name], np.array(trace) * norm, rtol=1e-9)


# Fewer of the epochs


def coarse(epochs, checkpoints):
    recipe = RECIPE.but(epochs=epochs, checkpoints=checkpoints)
    coarsely = Protocol("coarse", "", reading=Reading(coarse=True))
    return KimRuns(recipe, Setting(recipe), Lab("nowhere"), coarsely)


def test_coarse_checkpoints_are_untrained_early_thirds_middle_and_final():
    found = coarse(epochs=300, checkpoints=60)  # one in five epochs
    assert found.recipe.checkpoint_epochs[:4] == (0, 1, 5, 10)
    assert found.checkpoints == (0, 20, 100, 150, 200, 300)


@given(st.integers(2, 60), st.integers(2, 20))
def test_coarse_checkpoints_leave_the_epochs_that_have_names_where_they_were(epochs, checkpoints):
    found = coarse(epochs, min(epochs, checkpoints))
    fine = replace(found, protocol=Protocol("fine", ""))
    assert set(found.checkpoints) <= set(fine.checkpoints)
    assert len(found.checkpoints) <= 6
    for name in ("untrained", "early", "middle", "final"):
        assert found.epoch(name) == fine.epoch(name)
    for share in (1 / 3, 2 / 3):
        assert found.nearest(share) == fine.nearest(share)


def test_an_epoch_between_coarse_checkpoints_is_refused():
    found = coarse(epochs=300, checkpoints=60)
    with pytest.raises(TicError, match="keeps no weights of epoch 5; kept:"):
        found.epoch(5)
    assert replace(found, protocol=Protocol("fine", "")).epoch(5) == 5


# Courses over the training


def test_centroids_are_those_of_every_kept_epoch_from_early_on(runs):
    epochs, found = runs.centroids()
    assert epochs == (1, 5, 10, 15)
    assert found.shape == (2, 4)
    np.testing.assert_array_equal(found[:, 0], runs.centroid("early"))
    np.testing.assert_array_equal(found[:, 2], runs.centroid(10))
    np.testing.assert_array_equal(found[:, 3], runs.centroid("final"))


def test_accuracies_are_those_of_every_kept_epoch_the_untrained_network_included(runs):
    epochs, found = runs.accuracies()
    assert epochs == (0, 1, 5, 10, 15)
    assert found.shape == (2, 5)
    np.testing.assert_array_equal(found[:, 4], runs.accuracy())
    ((images, labels),) = runs.lab.samples(Digits(), "test", 50).batches(50)
    for row, recipe in zip(found, runs.recipes, strict=True):
        logits = runs.lab.network(recipe, 5)(images).mean(0)
        assert row[2] == pytest.approx(100 * (logits.argmax(1) == labels).double().mean().item())


def test_losses_are_those_of_every_epoch_and_prefix(runs):
    trained = [runs.lab.run(recipe) for recipe in runs.recipes]
    assert runs.losses().shape == (2, 15, 2)
    np.testing.assert_array_equal(runs.losses(), [run.curve("prefix_losses") for run in trained])
    np.testing.assert_array_equal(runs.losses()[:, -1], runs.final_losses())


def test_seconds_are_those_of_each_training(runs):
    histories = [runs.lab.run(recipe).history for recipe in runs.recipes]
    np.testing.assert_array_equal(runs.seconds(), [each["seconds"] for each in histories])
    assert (runs.seconds() > 0).all()


def test_trainings_that_diverged_are_told_and_their_duration_is_known(runs):
    assert runs.diverged().tolist() == [False, False]
    recipe = RECIPE.but(fitting=CosineSGD(learning_rate=1e30), epochs=3)
    diverged = KimRuns(recipe, Setting(recipe, seeds=(3,)), runs.lab)
    train(diverged.recipes[0], runs.lab)
    assert diverged.diverged().tolist() == [True]
    assert diverged.seconds().shape == (1,)


@pytest.mark.parametrize("ask", ["diverged", "seconds", "losses", "accuracies", "centroids"])
def test_of_runs_that_were_not_trained_nothing_is_known(runs, ask):
    absent = KimRuns(RECIPE.but(architecture=Spiking("tiny", tau=3.0)), runs.setting, runs.lab)
    with pytest.raises(TicError, match="tiny-tau3-digits-T2-seed3 is not in the Store; train it"):
        getattr(absent, ask)()


# Deficits and perturbations


def test_noise_in_every_timestep_is_noise_in_the_image(runs):
    found = runs.deficits("final", 2)
    np.testing.assert_array_equal(found, runs.accuracy(GaussianNoise())[:, None])


def test_deficits_have_a_column_per_window_and_are_of_the_epoch_asked_for(runs):
    found = runs.deficits("final", 1)
    assert found.shape == (2, 2)
    assert ((found >= 0) & (found <= 100)).all()
    assert not np.array_equal(found, runs.deficits("early", 1))
    with pytest.raises(TicError, match=r"width must be in \[1, 2\].* got 3"):
        runs.deficits("final", 3)
    with pytest.raises(TicError, match="no weights of epoch 7"):
        runs.deficits(7, 1)


def test_a_perturbation_is_answered_per_seed_share_and_image(runs):
    found = runs.perturbation((0.01, 0.02))
    assert len(found) == 2
    for each, trace in zip(found, runs.trace(), strict=True):
        assert each.divergence.shape == each.prediction.shape == (2, 40)
        # The prediction is quadratic, and the trace over the weights is that of every image.
        np.testing.assert_allclose(each.prediction[1], 4 * each.prediction[0])
        assert each.trace.mean() == pytest.approx(trace[-1], rel=1e-3)
    assert not np.array_equal(found[0].divergence, found[1].divergence)


# Ancestors


def test_parents_are_the_runs_that_these_started_from_with_all_else_the_same(runs):
    other = read_by(runs, layers="repeated")
    pruned = replace(other, recipe=RECIPE.but(parent=RECIPE, epochs=3, checkpoints=1))
    assert pruned.parents() == other
    assert [each.parent for each in pruned.recipes] == list(other.recipes)


def test_runs_that_started_from_fresh_weights_have_no_parents(runs):
    with pytest.raises(TicError, match="tiny-digits-T2-seed0 has no parent; it starts from fresh"):
        runs.parents()
