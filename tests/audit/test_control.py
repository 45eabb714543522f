"""Controls: Runs that answer with what a claim must not be supported by."""

import re
import types
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claims.kim2023.deficits import DeficitMeasurement
from claims.kim2023.reading import Reading
from claims.kim2023.runs import KimRuns
from tic.attacks import Blur
from tic.audit import Control, Protocol
from tic.audit import control as worlds
from tic.audit import runs as runs_module
from tic.audit.control import (
    GuessingRuns,
    MixedRuns,
    OneSeedRuns,
    RotatedRuns,
    UntrainedRuns,
    chained,
    given_out,
    mixed,
    seen_as,
)
from tic.audit.pack import Setting
from tic.audit.runs import SeedRuns
from tic.data import Digits
from tic.errors import TicError
from tic.fitting import CosineSGD
from tic.lab import Lab
from tic.measure.fisher import FisherMeasurement
from tic.measure.permuted import PermutedLabels
from tic.measure.robustness import AccuracyMeasurement, CorrectMeasurement
from tic.models import Spiking
from tic.recipe import Recipe

RECIPE = Recipe(
    dataset=Digits(),
    architecture=Spiking("tiny"),
    timesteps=3,
    epochs=15,
    checkpoints=3,
)
SEEDS = (3, 8)
LAB = Lab("nowhere")
OTHERWISE = Protocol("otherwise", "", reading=Reading(images="test"))
RUNS = KimRuns(RECIPE, Setting(RECIPE, seeds=SEEDS, sizes={"test": 50}), LAB, OTHERWISE)


@pytest.fixture
def asked(monkeypatch):
    """What was measured of which seed; a number tells seed and epoch: 305 is seed 3, epoch 5."""
    ledger = []

    def taken(measurement, recipe, lab, store):
        ledger.append((measurement, recipe))
        number = 100 * recipe.seed + measurement.epoch
        if isinstance(measurement, FisherMeasurement):
            return {"by_layer": {"a": [number, 1, 2], "b": [0, 10, 20]}}
        if isinstance(measurement, DeficitMeasurement):
            return {"accuracy": [number, 1, 2]}
        # Of a hundred samples, so that their mean is the number, in percent.
        answers = [number, *[0] * 99]
        curves = {"errors": [number] * 3, "kernel_trace": [number] * 3}
        return {"accuracy": number, "correct": answers, **curves}

    monkeypatch.setattr(runs_module, "_taken", taken)
    return ledger


def seen(kind, runs=RUNS):
    return seen_as(kind)({"": runs})[""]


# What a measurement gives


def test_a_name_that_a_measurement_does_not_give_is_told(asked):
    message = (
        r"AccuracyMeasurement \(robustness.py:\d+\) gives nothing called 'acuracy' .*"
        r"; known: accuracy, correct, errors, kernel_trace$"
    )
    with pytest.raises(TicError, match=message):
        RUNS.values(AccuracyMeasurement(epoch=15, size=50), "acuracy")


def test_results_of_several_shapes_are_no_array(monkeypatch):
    def taken(measurement, recipe, lab, store):
        return {"delays": [1.0] * recipe.seed}

    monkeypatch.setattr(runs_module, "_taken", taken)
    measurement = AccuracyMeasurement(epoch=15, size=50)
    with pytest.raises(
        TicError, match=r"'delays' of AccuracyMeasurement .* one shape for all Runs"
    ):
        RUNS.values(measurement, "delays")
    assert [len(result["delays"]) for result in RUNS.measured(measurement)] == [3, 8]


# What is planted where


def test_a_world_answers_for_the_same_runs(asked):
    found = seen(OneSeedRuns)
    assert isinstance(found, OneSeedRuns)
    assert (found.recipe, found.setting, found.lab) == (RECIPE, RUNS.setting, LAB)
    assert found.protocol is OTHERWISE
    assert found.seeds == SEEDS


def test_a_world_is_planted_in_the_roles_that_it_names_and_in_no_other():
    roles = {
        "low": RUNS,
        "high": replace(RUNS, recipe=RECIPE.but(architecture=Spiking("tiny", tau=3.0))),
    }
    found = seen_as(UntrainedRuns, "high".__eq__)(roles)
    assert list(found) == ["low", "high"]
    assert found["low"] is RUNS
    assert isinstance(found["high"], UntrainedRuns)
    assert isinstance(found["high"], KimRuns)  # it can be asked what the pack's Runs can
    assert found["high"].recipe.architecture.tau == 3.0
    everywhere = seen_as(UntrainedRuns)(roles).values()
    assert all(isinstance(runs, UntrainedRuns) for runs in everywhere)
    assert type(roles["high"]) is KimRuns


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ONE_SEED", OneSeedRuns),
        ("UNTRAINED", UntrainedRuns),
        ("SHUFFLED_TIMESTEPS", RotatedRuns),
        ("PERMUTED_LABELS", GuessingRuns),
    ],
)
def test_the_worlds_that_every_paper_can_use_plant_what_they_are_named_after(name, kind):
    world = getattr(worlds, name)
    assert world.name == name.lower().replace("_", "-")
    assert isinstance(world.plant({"": RUNS})[""], kind)
    assert world.says.endswith(".")


def test_a_world_of_facts_leaves_the_runs_as_they_are():
    roles = {"": RUNS}
    assert Control("nothing", "Nothing.").plant(roles) == roles


# Facts


def test_facts_are_planted_for_as_long_as_the_context_is_open():
    paper = types.SimpleNamespace(epochs=300, timesteps=5)
    world = Control("short", "", facts=((paper, "epochs", 1), (paper, "timesteps", 2)))
    with world.planted():
        assert (paper.epochs, paper.timesteps) == (1, 2)
    assert (paper.epochs, paper.timesteps) == (300, 5)


def test_facts_are_restored_after_an_error():
    paper = types.SimpleNamespace(epochs=300)
    with (
        pytest.raises(ZeroDivisionError),
        Control("short", "", facts=((paper, "epochs", 1),)).planted(),
    ):
        paper.epochs / 0
    assert paper.epochs == 300


def test_a_fact_that_the_module_does_not_have_is_refused():
    world = Control("odd", "", facts=((types.SimpleNamespace(), "epochs", 1),))
    with pytest.raises(AttributeError, match="epochs"), world.planted():
        pass


# One seed


def test_one_seed_is_counted_as_many(asked):
    found = seen(OneSeedRuns)
    assert [each.seed for each in found.recipes] == [3, 3]
    np.testing.assert_array_equal(found.trace(), [[315, 11, 22], [315, 11, 22]])
    np.testing.assert_array_equal(RUNS.trace(), [[315, 11, 22], [815, 11, 22]])


# Mixed


def roles_of(count, seeds):
    """Runs in roles 0, 1, …, whose Recipes have the learning rates 0.1, 0.2, … each."""
    setting = Setting(RECIPE, seeds=tuple(range(seeds)))
    rates = [(k + 1) / 10 for k in range(count)]
    return {
        str(k): KimRuns(RECIPE.but(fitting=CosineSGD(learning_rate=rate)), setting, LAB)
        for k, rate in enumerate(rates)
    }


def dealt(roles):
    return {
        role: [round(10 * each.fitting.learning_rate) for each in runs.recipes]
        for role, runs in roles.items()
    }


def test_runs_of_a_role_are_given_out_for_those_of_another():
    roles = roles_of(3, seeds=2)
    assert dealt(given_out({"0": "2", "2": "1"})(roles)) == {"0": [3, 3], "1": [2, 2], "2": [2, 2]}


def test_stand_ins_that_a_claim_does_not_have_are_refused():
    roles = roles_of(2, seeds=2)
    shared = given_out({"0": "1", "5": "6"})
    assert dealt(shared(roles)) == {"0": [2, 2], "1": [2, 2]}
    for stand_ins in ({"0": "7"}, {"7": "0"}):
        message = (
            "given_out must name roles of the claim's needs, '0', '1', got '7'; mend the control"
        )
        with pytest.raises(TicError, match=message):
            given_out(stand_ins)(roles)
    with pytest.raises(TicError, match=r"mixed must name roles .* got 'O', 'I'; mend"):
        mixed("O", "1", "I")(roles)


@pytest.mark.parametrize(
    "plant",
    [
        given_out({"0": "0"}),
        chained(),
        seen_as(OneSeedRuns, "O".__eq__),
        seen_as(SeedRuns),
        dict,
    ],
)
def test_a_control_that_plants_nothing_is_refused(plant):
    message = (
        "the control idle must falsify Runs of the claim, and its plant leaves all of them as they "
        "are; let it give others for a role at least ('0', '1')"
    )
    with pytest.raises(TicError, match=re.escape(message)):
        Control("idle", "Nothing.", plant).falsified(roles_of(2, seeds=2))


@pytest.mark.parametrize("roles", [(), ("a",), ("a", "a")])
def test_fewer_than_two_roles_cannot_be_mixed(roles):
    with pytest.raises(TicError, match="mixed must name at least two roles, got"):
        mixed(*roles)


@pytest.mark.parametrize("planted", [None, 5, []])
def test_a_plant_that_gives_no_runs_is_refused(planted):
    control = Control("odd", "Nothing comes back.", lambda runs: planted)
    with pytest.raises(TicError, match=r"must return Runs by role, got .*; return a dictionary"):
        control.falsified(roles_of(2, seeds=2))


def test_a_control_that_loses_a_role_is_refused():
    control = Control("losing", "A role is gone.", lambda runs: {"0": runs["1"]})
    with pytest.raises(TicError, match="must keep the roles of the claim, '0', '1', got '0'"):
        control.falsified(roles_of(2, seeds=2))


def test_plants_are_chained_each_on_what_the_one_before_it_left():
    roles = roles_of(2, seeds=2)
    one, other = given_out({"0": "1"}), mixed("0", "1")
    assert dealt(chained(one, other)(roles)) == {"0": [2, 2], "1": [2, 2]}
    assert dealt(chained(other, one)(roles)) == {"0": [2, 1], "1": [2, 1]}
    assert chained()(roles) == roles


def test_roles_are_dealt_out_to_every_seed_by_one_place_further_on():
    roles = roles_of(4, seeds=5)
    found = mixed("0", "1", "2")(roles)
    assert dealt(found) == {
        "0": [1, 2, 3, 1, 2],
        "1": [2, 3, 1, 2, 3],
        "2": [3, 1, 2, 3, 1],
        "3": [4, 4, 4, 4, 4],
    }
    assert [isinstance(runs, MixedRuns) for runs in found.values()] == [True] * 3 + [False]
    assert found["3"] is roles["3"]
    assert [each.seed for each in found["1"].recipes] == [0, 1, 2, 3, 4]
    assert [each.recipe for each in found.values()] == [each.recipe for each in roles.values()]


@given(st.integers(2, 5), st.integers(1, 12))
def test_every_seed_has_every_condition_once_and_every_role_has_each_equally_often(roles, seeds):
    names = [str(k) for k in range(roles)]
    found = dealt(mixed(*names)(roles_of(roles, seeds)))
    for column in zip(*found.values(), strict=True):
        assert sorted(column) == list(range(1, roles + 1))
    for row in found.values():
        counts = Counter(row)
        assert max(counts.values()) - min(counts[k] for k in range(1, roles + 1)) <= 1


# Untrained


def test_every_epoch_is_that_of_the_untrained_network(asked):
    found = seen(UntrainedRuns)
    for name in ("untrained", "early", "middle", "final", 5):
        assert found.epoch(name) == 0
        np.testing.assert_array_equal(found.trace(name), [[300, 11, 22], [800, 11, 22]])
    np.testing.assert_array_equal(found.accuracy(), [300, 800])
    np.testing.assert_array_equal(found.deficits("final", 1)[:, 0], [300, 800])
    np.testing.assert_array_equal(found.tangent()[0][:, 0], [300, 800])
    assert {measurement.epoch for measurement, _ in asked} == {0}


def test_courses_over_the_training_stand_still(asked):
    epochs, centroids = seen(UntrainedRuns).centroids()
    assert epochs == (0, 1, 5, 10, 15)
    assert (centroids == centroids[:, :1]).all()
    _, accuracies = seen(UntrainedRuns).accuracies()
    np.testing.assert_array_equal(accuracies, [[300] * 5, [800] * 5])
    np.testing.assert_array_equal(RUNS.accuracies()[1][0], [300, 301, 305, 310, 315])


# Rotated


def test_timesteps_are_rotated_further_for_every_seed_and_kept_epoch(asked):
    found = seen(RotatedRuns)
    # Kept are 0, 1, 5, 10 and 15: at the first epoch the seeds are rotated by 1 and 2 of three
    # timesteps, at the last by 4 and 5, at the untrained network by 0 and 1.
    np.testing.assert_array_equal(found.trace("early"), [[22, 301, 11], [11, 22, 801]])
    np.testing.assert_array_equal(found.trace("final"), [[22, 315, 11], [11, 22, 815]])
    np.testing.assert_array_equal(found.trace("untrained"), [[300, 11, 22], [22, 800, 11]])
    np.testing.assert_array_equal(found.trace(5), [[11, 22, 305], [805, 11, 22]])


def test_all_layers_are_rotated_alike(asked):
    assert seen(RotatedRuns).by_layer("early") == [
        {"a": [2, 301, 1], "b": [20, 0, 10]},
        {"a": [1, 2, 801], "b": [10, 20, 0]},
    ]


def test_windows_of_deficits_are_rotated_as_timesteps_are(asked):
    found = seen(RotatedRuns)
    np.testing.assert_array_equal(found.deficits("early", 1), [[2, 301, 1], [1, 2, 801]])


def test_a_rotation_takes_nothing_away_and_leaves_accuracy(asked):
    found = seen(RotatedRuns)
    np.testing.assert_array_equal(np.sort(found.trace()), np.sort(RUNS.trace()))
    np.testing.assert_array_equal(found.accuracy(), RUNS.accuracy())


@pytest.mark.parametrize("kind", [GuessingRuns, UntrainedRuns, RotatedRuns])
def test_accuracies_by_sample_are_falsified_as_their_means_are(asked, kind):
    found = seen(kind)
    np.testing.assert_array_equal(found.accuracy_by_sample().mean(1), found.accuracy())
    assert asked[:2] == asked[2:]


# Guessing

chance = PermutedLabels.instead_of


def test_accuracy_is_that_on_permuted_labels_whatever_the_images_went_through(asked):
    found = seen(GuessingRuns)
    np.testing.assert_array_equal(found.accuracy(), [315, 815])
    np.testing.assert_array_equal(found.accuracy(Blur(factor=4), timesteps=2), [315, 815])
    clean = CorrectMeasurement(epoch=15, size=50)
    blurred = CorrectMeasurement(epoch=15, size=50, timesteps=2, corruption=Blur(factor=4))
    # Every seed has a permutation of its own.
    assert [measurement for measurement, _ in asked] == [
        chance(measurement, seed) for measurement in (clean, blurred) for seed in RUNS.seeds
    ]
