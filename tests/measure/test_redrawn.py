"""Fisher information with other images for every prefix."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch
from by_definition import batch_mean, close, prefix_loss, squares

from claims.kim2023.redrawn import RedrawnFisherMeasurement, redrawn_information
from tic.data import CropFlip, Digits, ImageData
from tic.errors import TicError
from tic.losses import Readout
from tic.measure.fisher import Estimator, fisher_information
from tic.measure.measurement import measure

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def draws():
    """Three loaders of two batches each, none of which has an image of another."""
    generator = torch.Generator().manual_seed(3)
    pixels = torch.rand(3, 5, 1, 6, 6, dtype=torch.float64, generator=generator)
    labels = torch.randint(4, (3, 5), generator=generator)
    return [
        [(images[:3], own[:3]), (images[3:], own[3:])]
        for images, own in zip(pixels, labels, strict=True)
    ]


def release_loop(model, draws, readout="mean"):
    """For each prefix its own batches: the gradient of the mean loss of each, squared."""
    by_prefix = [
        [squares(model, prefix_loss(model, images, labels, t, readout)) for images, labels in own]
        for t, own in enumerate(draws)
    ]
    return {
        name: np.array([np.mean([batch[name] for batch in own]) for own in by_prefix])
        for name in by_prefix[0][0]
    }


@pytest.mark.parametrize("readout", Readout)
def test_every_prefix_is_measured_on_its_own_images_as_in_the_release(simple, draws, readout):
    found = redrawn_information(simple, draws, "batch-mean", readout=readout)
    close(found, release_loop(simple, draws, readout.value))
    assert (found.samples, found.per_sample) == (15, None)
    fixed = batch_mean(simple, draws[0])
    assert not np.allclose(found.trace[1:], sum(fixed.values())[1:], rtol=0.01)


@pytest.mark.parametrize("estimator", [kind for kind in Estimator if kind is not Estimator.SAMPLED])
def test_with_equal_images_it_is_the_information_of_these(simple, draws, estimator):
    found = redrawn_information(simple, [draws[0]] * 3, estimator)
    close(found, fisher_information(simple, draws[0], estimator).by_layer)


def test_a_spiking_network_is_left_as_it_was_found(tiny, draws):
    before = (tiny.timesteps, tiny.stepwise, tiny.training)
    images = torch.rand(2, 1, 8, 8, dtype=torch.float64)
    batches = [(images, torch.tensor([1, 2]))]
    found = redrawn_information(tiny, [batches] * 5)
    close(found, fisher_information(tiny, batches).by_layer)
    assert (tiny.timesteps, tiny.stepwise, tiny.training) == before


def test_more_loaders_than_timesteps_and_none_are_refused(simple, draws):
    with pytest.raises(TicError, match="got loader 4 for 3 timesteps"):
        redrawn_information(simple, [*draws, draws[0]])
    with pytest.raises(TicError, match="there must be a loader for every timestep, got none"):
        redrawn_information(simple, [])


# The measurement

DRAWN = RedrawnFisherMeasurement(
    epoch=2, estimator=Estimator.BATCH_MEAN, drawn=20, augmentation=None, seed=1, batch_size=16
)


@pytest.fixture
def seen(unmeasured, two_seeds, monkeypatch):
    """Which images a measurement shows at each timestep, one list of batches for each."""

    def look(measurement):
        shown = []

        def watched(model, loaders, *_, **__):
            shown.extend(loaders)
            return fisher_information(model, shown[0])

        monkeypatch.setattr("claims.kim2023.redrawn.redrawn_information", watched)
        recipe = two_seeds[1]
        network = unmeasured.network(recipe, 2)
        measurement.take(network, unmeasured.samples(Digits(), "train", 100), None)
        return shown

    return look


def pictures(batches):
    return torch.cat([images for images, _ in batches])


def test_other_images_are_drawn_at_every_timestep_in_batches_of_16(seen):
    shown = seen(DRAWN)
    assert [[len(labels) for _, labels in each] for each in shown] == [[16, 4]] * 2
    assert not torch.equal(pictures(shown[0]), pictures(shown[1]))
    assert len(pictures(shown[0]).unique(dim=0)) == 20


def test_the_draws_are_those_of_the_seed_and_the_epoch_and_no_others(seen):
    draws = [seen(each) for each in (DRAWN, DRAWN, replace(DRAWN, seed=2), replace(DRAWN, epoch=1))]
    first, again, *others = [pictures(shown[0]) for shown in draws]
    assert torch.equal(first, again)
    assert not any(torch.equal(one, other) for one, other in combinations([first, *others], 2))


def test_without_a_number_all_images_are_shown(seen):
    assert [len(pictures(each)) for each in seen(replace(DRAWN, drawn=None))] == [100, 100]


def test_they_are_augmented_as_in_training_where_that_is_asked_for(seen):
    plain, moved = seen(DRAWN)[0], seen(replace(DRAWN, augmentation=CropFlip()))[0]
    assert torch.equal(plain[0][1], moved[0][1])
    assert not torch.equal(plain[0][0], moved[0][0])


def test_a_run_is_measured_layer_by_layer_and_kept(unmeasured, two_seeds, monkeypatch):
    first = measure(DRAWN, two_seeds[1], unmeasured)
    assert {len(trace) for trace in first["by_layer"].values()} == {2}
    network = unmeasured.network(two_seeds[1], 2)
    assert "stem.0" in first["by_layer"]
    assert set(first["by_layer"]) == {name.rpartition(".")[0] for name, _ in
                                      network.named_parameters()}  # fmt: skip
    monkeypatch.setattr(ImageData, "shuffled_batches", lambda *_: pytest.fail("drawn again"))
    assert measure(DRAWN, two_seeds[1], unmeasured) == first
