"""What an audit records of its Runs and data."""

import shutil
from dataclasses import replace

import pytest

from tic.audit.pack import Setting
from tic.audit.runs import SeedRuns
from tic.data import Digits
from tic.data.speech import SpokenDigits
from tic.engine.plan import make_plan
from tic.errors import TicError
from tic.fitting import CosineSGD
from tic.lab import Lab
from tic.models import Spiking
from tic.pruning import Pruning
from tic.recipe import Recipe
from tic.session.records import data_digests, run_records
from tic.train import train

RECIPE = Recipe(
    dataset=Digits(),
    architecture=Spiking("tiny"),
    train_size=60,
    timesteps=1,
    epochs=2,
    batch_size=20,
)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    found = Lab(tmp_path_factory.mktemp("store"))
    train(RECIPE, found)
    train(RECIPE.but(fitting=CosineSGD(learning_rate=1e30), seed=1), found)
    SeedRuns(RECIPE, Setting(RECIPE, seeds=(0,), sizes={"test": 50}), found).accuracy()
    return found


def record(recipe, lab, test_size=50):
    (found,) = run_records(make_plan([recipe]), lab, [test_size], {})
    return found


def test_a_finished_run_is_recorded_with_loss_and_accuracy(lab):
    found = record(RECIPE, lab)
    assert (found.status, found.seed, found.label) == ("finished", 0, "tiny-digits-T1-seed0")
    assert found.fingerprint == lab.fingerprint(RECIPE)
    assert found.train_loss == lab.run(RECIPE).history["train_loss"][1]
    assert 0 <= found.test_accuracy <= 100
    assert found.seconds > 0
    assert found.recipe["fitting"]["fields"]["learning_rate"] == 0.3


def test_a_run_that_went_away_after_it_was_read_is_missing(lab):
    recipe = RECIPE.but(seed=2)
    gone = train(recipe, lab)
    assert lab.run(recipe) is gone
    shutil.rmtree(gone.folder)
    found = record(recipe, lab)
    assert (found.status, found.weights, found.manifest) == ("missing", None, None)
    with pytest.raises(TicError, match=r"cannot be read .*choose another Store"):
        gone.digests(recipe.epochs)


def test_an_accuracy_that_no_claim_measured_is_not_measured_for_the_record(lab):
    assert record(RECIPE, lab, test_size=51).test_accuracy is None


@pytest.mark.parametrize("sizes", [[50], [51, 50], [None, 50, 7]])
def test_an_accuracy_is_recorded_whichever_of_the_sizes_it_was_measured_on(lab, sizes):
    (found,) = run_records(make_plan([RECIPE]), lab, sizes, {})
    assert found.test_accuracy == record(RECIPE, lab).test_accuracy


def test_what_guessing_gives_is_recorded_where_more_can_be_learned(lab, monkeypatch):
    assert record(RECIPE, lab).guessing == 10.0  # five images of each class
    facts = replace(Digits().facts, informative=False)
    monkeypatch.setattr(Digits, "facts", property(lambda _: facts))
    assert record(RECIPE, lab).guessing is None
    assert SpokenDigits().facts.informative
    assert not SpokenDigits(labels="permuted").facts.informative


def test_without_a_size_no_accuracy_is_recorded(lab):
    (found,) = run_records(make_plan([RECIPE]), lab, [], {})
    assert (found.status, found.test_accuracy) == ("finished", None)


def test_a_diverged_run_is_recorded_as_that(lab):
    found = record(RECIPE.but(fitting=CosineSGD(learning_rate=1e30), seed=1), lab)
    assert (found.status, found.test_accuracy) == ("diverged", None)


def test_a_run_that_nobody_trained_is_missing(lab):
    found = record(RECIPE.but(seed=2), lab)
    assert (found.status, found.seconds, found.train_loss) == ("missing", None, None)


def test_a_pruned_run_names_its_parent(lab):
    child = RECIPE.but(parent=RECIPE, rules=(Pruning(0.5),))
    parents = {
        each.label: each.recipe["parent"] for each in run_records(make_plan([child]), lab, [], {})
    }
    assert parents == {
        "tiny-digits-T1-seed0": None,
        "tiny-digits-T1-pruned50.0%-seed0": lab.fingerprint(RECIPE),
    }


def test_every_data_set_that_was_trained_on_has_a_digest(lab):
    found = data_digests([RECIPE, RECIPE.but(seed=1), RECIPE.but(train_size=None)], lab)
    assert set(found) == {"digits, 60 training images", "digits, all training images"}
    assert len(set(found.values())) == 2
