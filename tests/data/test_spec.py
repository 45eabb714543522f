import pytest

from tic import data
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
