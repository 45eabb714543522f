import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from tic import data
from tic.data import digits


@pytest.fixture(scope="module")
def splits():
    return data.load("digits", "train"), data.load("digits", "test")


def test_there_are_1437_to_train_on_and_360_to_test_on(splits):
    train, test = splits
    assert train.inputs.shape == (1437, 1, 8, 8)
    assert test.inputs.shape == (360, 1, 8, 8)
    assert (train.facts.train_size, test.facts.test_size) == (1437, 360)


def test_every_class_gives_a_fifth_to_the_test(splits):
    train, test = (split.labels.bincount(minlength=10) for split in splits)
    assert torch.equal(train + test, torch.from_numpy(np.bincount(load_digits().target)))
    assert ((train + test) / 5 - test).abs().max() < 1


def test_the_two_splits_are_all_images_and_share_none(splits):
    source = load_digits()
    place = {image.tobytes(): i for i, image in enumerate(source.images.astype(np.uint8))}
    assert len(place) == 1797  # no two images are alike, so content identifies them
    train, test = ([place[image.tobytes()] for image in s.inputs.numpy()] for s in splits)
    assert sorted(train + test) == list(range(1797))
    assert not set(train) & set(test)
    for places, split in zip((train, test), splits, strict=True):
        assert source.target[places].tolist() == split.labels.tolist()


def test_the_split_is_the_stated_rule(splits):
    target = load_digits().target
    sorted_by_class = [i for digit in range(10) for i in range(1797) if target[i] == digit]
    expected = sorted(sorted_by_class[::5])
    images = load_digits().images[expected]
    np.testing.assert_array_equal(splits[1].inputs[:, 0], images)


def test_stated_mean_and_std_are_those_of_the_training_pixels(splits):
    train = splits[0]
    pixels = train.presented(train.inputs).double()
    assert pixels.mean().item() == pytest.approx(train.facts.mean[0], abs=5e-5)
    assert pixels.std(correction=0).item() == pytest.approx(train.facts.std[0], abs=5e-5)


def test_digests_are_the_same_on_every_machine(splits):
    hundred = data.load("digits", "train", size=100)
    digests = [some.digest[:16] for some in (*splits, hundred)]
    assert digests == ["0870716ba34af9b5", "911eb34a4d853907", "02e00ef49f493c87"]


def test_all_images_by_number_are_the_same_as_all(splits):
    assert data.load("digits", "train", size=1437).digest == splits[0].digest


def test_the_file_holds_what_scikit_learn_reads_from_it(monkeypatch):
    digits._rows.cache_clear()
    from_file = digits._rows()
    monkeypatch.setattr(digits, "find_spec", lambda name: None)
    digits._rows.cache_clear()
    assert np.array_equal(digits._rows(), from_file)
    assert np.array_equal(from_file[:, :-1], load_digits().data)
