import pytest
from hypothesis import given
from hypothesis import strategies as st

from tic import data
from tic.data.spec import subset_size
from tic.errors import TicError


def test_names_are_the_five_data_sets():
    assert data.NAMES == ("cifar10", "cifar100", "digits", "fashion-mnist", "svhn")
    assert tuple(data.SPECS) == data.NAMES


@pytest.mark.parametrize("spec", data.SPECS.values(), ids=lambda spec: spec.name)
def test_every_spec_normalises_each_channel(spec):
    assert len(spec.mean) == len(spec.std) == spec.channels
    assert all(0 < value < 1 for value in spec.mean + spec.std)
    assert spec is data.describe(spec.name)


def test_only_pictures_whose_mirror_image_keeps_its_label_are_flipped():
    assert [s.name for s in data.SPECS.values() if s.flip] == [
        "cifar10",
        "cifar100",
        "fashion-mnist",
    ]


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(TicError, match=r"^unknown data set 'mnist'; known: cifar10, cifar100, dig"):
        data.describe("mnist")


def test_specs_cannot_be_changed():
    with pytest.raises(TypeError):
        data.SPECS["digits"] = data.SPECS["svhn"]


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
