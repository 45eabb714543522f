"""Options of an audit: what they change, and the sentence that refuses each."""

import argparse
import dataclasses

import pytest

from tic.audit import Claim, Pack, Paper, Setting
from tic.audit.options import Options, read_options
from tic.errors import TicError
from tic.recipe import Recipe

PAPER = Paper(key="other2024", title="T", authors="A", venue="V", year=2024, url="u")
OWN = Setting(Recipe(dataset="cifar10", architecture="resnet19", timesteps=10), fisher_size=1616)
TINY = Setting(
    Recipe(dataset="digits", train_size=1000), seeds=(0, 1, 2), fisher_size=300, test_size=200
)
PACK = Pack(PAPER, {"resnet19": OWN, "tiny": TINY}, own="resnet19", default="tiny")
NOTHING = {
    "arch": None, "dataset": None, "timesteps": None, "epochs": None, "seeds": None,
    "train_size": None, "claim": None, "fisher_size": None, "test_size": None, "protocol": None,
}  # fmt: skip


def read(**asked):
    return read_options(argparse.Namespace(**NOTHING | asked))


def settings(**asked):
    return read(**asked).settings(PACK)


def only(**asked):
    (setting,) = settings(**asked)
    return setting


def test_nothing_asked_is_nothing_changed():
    assert read() == Options()
    assert settings() == [TINY]


def test_an_architecture_brings_its_own_setting():
    assert only(arch="resnet19") == OWN


def test_the_settings_are_every_architecture_with_every_data_set():
    found = settings(arch="tiny, resnet19", dataset="digits,svhn")
    assert [each.label for each in found] == [
        "tiny-digits", "tiny-svhn", "resnet19-digits", "resnet19-svhn",
    ]  # fmt: skip


def test_the_options_override_the_recipe():
    recipe = only(timesteps="3", epochs="7").recipe
    assert recipe == TINY.recipe.but(timesteps=3, epochs=7)


def test_seeds_are_counted_from_zero():
    assert only(seeds="4").seeds == (0, 1, 2, 3)


@pytest.mark.parametrize(("asked", "size"), [("40", 40), ("all", None), (None, 1000)])
def test_the_number_of_training_images(asked, size):
    assert only(train_size=asked).recipe.train_size == size


def test_a_measurement_takes_no_more_images_than_the_training_had():
    assert only(train_size="100").fisher_size is None
    assert only(train_size="301").fisher_size == 300
    assert only(train_size="all").fisher_size == 300


def test_default_subsets_are_capped_at_the_data_set():
    # digits: 1797 images in all
    large = dataclasses.replace(TINY.but(train_size=5000), fisher_size=5000, test_size=5000)
    pack = Pack(PAPER, {"tiny": large}, own="tiny", default="tiny")
    (found,) = Options().settings(pack)
    assert (found.recipe.train_size, found.fisher_size, found.test_size) == (None, None, None)


def test_default_subsets_stay_for_a_larger_data_set():
    found = only(dataset="cifar10")
    assert (found.recipe.train_size, found.fisher_size, found.test_size) == (1000, 300, 200)


COUNT = "must be a whole number of at least 1"
REFUSED = [
    ({"timesteps": "0"}, f"--timesteps {COUNT}, got '0'"),
    ({"timesteps": "2.5"}, f"--timesteps {COUNT}, got '2.5'"),
    ({"epochs": "-3"}, f"--epochs {COUNT}, got '-3'"),
    ({"epochs": ""}, f"--epochs {COUNT}, got ''"),
    ({"seeds": "²"}, f"--seeds {COUNT}, got '²'"),
    ({"seeds": "0"}, f"--seeds {COUNT}, got '0'"),
    ({"train_size": "some"}, f"--train-size {COUNT} or all, got 'some'"),
    ({"arch": ""}, "--arch needs distinct names separated by commas, got ''"),
    ({"arch": "tiny,tiny"}, "--arch needs distinct names separated by commas, got 'tiny,tiny'"),
    ({"dataset": "mnist"}, "--dataset does not know 'mnist'; known: cifar10, cifar100, digits,"),
    ({"claim": " , "}, "--claim needs distinct names separated by commas, got ' , '"),
    ({"arch": "vgg16"}, "other2024 has no setting for architecture 'vgg16'; known: resnet19, tiny"),
    ({"train_size": "1798"}, "--train-size must be at most the "),
    ({"train_size": "1798"}, "training images of digits, got 1798; use --train-size all"),
]


@pytest.mark.parametrize(("asked", "sentence"), REFUSED)
def test_what_is_out_of_range_is_refused_in_one_sentence(asked, sentence):
    with pytest.raises(TicError) as refused:
        settings(**asked)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("patterns", "selected"),
    [
        (None, True),
        ("alpha-accuracy", True),
        ("alpha-*", True),
        ("other2024/alpha-accuracy", True),
        ("other2024/*", True),
        ("pruning,alpha*", True),
        ("alpha", False),
        ("Alpha-*", False),
        ("kim2023/*", False),
    ],
)
def test_claims_are_selected_by_patterns_of_their_name_or_id(patterns, selected):
    claim = Claim(PACK, "alpha-accuracy", "Fig. 5", "It is.", "By it.", None)
    assert read(claim=patterns).selects(claim) is selected
