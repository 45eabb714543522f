from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tic.data import DATASETS
from tic.data.facts import subset_size
from tic.errors import TicError


def test_names_are_the_five_data_sets():
    assert [*DATASETS] == ["cifar10", "cifar100", "digits", "fashion-mnist", "svhn"]
    assert all(name == dataset.name for name, dataset in DATASETS.items())


FACTS = [dataset.facts for dataset in DATASETS.values()]


@pytest.mark.parametrize("facts", FACTS, ids=lambda facts: facts.name)
def test_facts_normalise_each_channel(facts):
    assert len(facts.mean) == len(facts.std) == facts.channels
    assert all(0 < value < 1 for value in facts.mean + facts.std)
    assert facts.shape == (facts.channels, facts.height, facts.width)
    assert (facts.size("train"), facts.size("test")) == (facts.train_size, facts.test_size)


def test_only_pictures_whose_mirror_image_keeps_its_label_are_flipped():
    assert [facts.name for facts in FACTS if facts.flip] == ["cifar10", "cifar100", "fashion-mnist"]


def test_the_data_sets_and_their_facts_cannot_be_changed():
    with pytest.raises(TypeError):
        DATASETS["digits"] = DATASETS["svhn"]
    with pytest.raises(FrozenInstanceError):
        DATASETS["digits"].facts = DATASETS["svhn"].facts
    with pytest.raises(FrozenInstanceError):
        DATASETS["digits"].facts.levels = 255


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_classes": 1}, "digits must have at least 2 classes, got 1$"),
        ({"shape": (1, 0, 8)}, r"sizes of digits must be whole numbers .*, got \(1, 0, 8\), 1437"),
        ({"shape": (1, 8.0, 8)}, r"must be whole numbers of at least 1, got \(1, 8.0, 8\)"),
        ({"train_size": 0}, "got .*, 0 and 360$"),
        ({"test_size": -1}, "got .*, 1437 and -1$"),
        ({"shape": (8, 8)}, r"digits must have images of the shape \(C, H, W\), got \(8, 8\)"),
        ({"mean": (0.5, 0.5)}, "a mean and a std per channel, got 2 and 1 for 1"),
        ({"std": ()}, "a mean and a std per channel, got 1 and 0 for 1"),
    ],
)
def test_facts_that_cannot_be_are_refused(changes, message):
    with pytest.raises(TicError, match=message):
        replace(DATASETS["digits"].facts, **changes)


@pytest.mark.parametrize(
    ("wanted", "available", "taken"),
    [(None, 60, None), (30, 60, 30), (59, 60, 59), (60, 60, None), (61, 60, None)],
)
def test_asking_for_all_images_or_more_is_asking_for_all(wanted, available, taken):
    assert subset_size(wanted, available) == taken


@given(st.none() | st.integers(1, 99), st.integers(1, 99))
def test_a_subset_is_smaller_than_the_whole_and_what_was_asked_for(wanted, available):
    taken = subset_size(wanted, available)
    assert taken is None or (taken == wanted and taken < available)
    assert subset_size(taken, available) == taken
