from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tic.data import CIFAR10, DATASETS, CropFlip, Digits, Facts, ImageData, Samples
from tic.data.augment import CropsAndFlips
from tic.errors import TicError

CPU = torch.device("cpu")


def slow_crop_and_flip(image, row, column, mirrored, padding):
    """One image at a time, as one would say it."""
    channels, height, width = image.shape
    result = np.zeros_like(image)
    for c, y, x in np.ndindex(channels, height, width):
        source_x = width - 1 - x if mirrored else x
        from_y, from_x = y + row - padding, source_x + column - padding
        if 0 <= from_y < height and 0 <= from_x < width:
            result[c, y, x] = image[c, from_y, from_x]
    return result


def raw_images(count, channels, height, width, seed=0):
    generator = np.random.default_rng(seed)
    return torch.from_numpy(
        generator.integers(1, 256, (count, channels, height, width), dtype=np.uint8)
    )


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32),
    shape=st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(1, 6), st.integers(1, 6)),
    padding=st.integers(0, 3),
    flip=st.booleans(),
)
def test_crop_and_flip_is_that_of_the_slow_twin(seed, shape, padding, flip):
    images = raw_images(*shape)
    facts = replace(DATASETS["digits"].facts, crop_padding=padding, flip=flip)
    drawn = CropsAndFlips.draw(facts, len(images), torch.Generator().manual_seed(seed), CPU)
    choices = zip(images.numpy(), drawn.rows, drawn.columns, drawn.mirrored, strict=True)
    expected = [slow_crop_and_flip(*choice, padding) for choice in choices]
    result = drawn.apply(images)
    assert result.dtype == images.dtype
    np.testing.assert_array_equal(result, np.stack(expected))


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32), padding=st.integers(0, 3))
def test_crop_shows_only_the_image_and_black(seed, padding):
    images = torch.arange(1, 31, dtype=torch.uint8).reshape(1, 1, 5, 6)
    facts = replace(DATASETS["cifar10"].facts, crop_padding=padding)
    drawn = CropsAndFlips.draw(facts, 1, torch.Generator().manual_seed(seed), CPU)
    seen = drawn.apply(images)
    shown = seen[seen > 0]
    assert len(set(shown.tolist())) == len(shown) >= (5 - padding) * (6 - padding)
    assert set(shown.tolist()) <= set(range(1, 31))


def test_hand_computed_crop_moves_the_image_and_fills_with_black():
    image = torch.tensor([[[[1, 2], [3, 4]]]], dtype=torch.uint8)
    zero, two = torch.tensor([0]), torch.tensor([2])
    plain, mirrored = torch.tensor([False]), torch.tensor([True])
    up_left = CropsAndFlips(two, two, plain, 1).apply(image)
    down_right = CropsAndFlips(zero, zero, plain, 1).apply(image)
    down_right_mirrored = CropsAndFlips(zero, zero, mirrored, 1).apply(image)
    assert up_left.squeeze().tolist() == [[4, 0], [0, 0]]
    assert down_right.squeeze().tolist() == [[0, 0], [0, 1]]
    assert down_right_mirrored.squeeze().tolist() == [[0, 0], [1, 0]]


@pytest.mark.parametrize("name", ["digits", "cifar10"])
def test_draws_are_uniform_over_all_shifts(name):
    facts, count = DATASETS[name].facts, 20_000
    drawn = CropsAndFlips.draw(facts, count, torch.Generator().manual_seed(3), CPU)
    choices = 2 * facts.crop_padding + 1
    for shifts in (drawn.rows, drawn.columns):
        frequencies = shifts.bincount(minlength=choices) / count
        assert len(frequencies) == choices
        assert (frequencies - 1 / choices).abs().max() < 5 * (1 / choices / count) ** 0.5
    correlation = torch.corrcoef(torch.stack([drawn.rows, drawn.columns]).double())[0, 1]
    assert abs(correlation) < 5 * count**-0.5


def test_half_of_the_pictures_are_mirrored_and_no_digit():
    generator = torch.Generator().manual_seed(1)
    assert not CropsAndFlips.draw(DATASETS["digits"].facts, 1000, generator, CPU).mirrored.any()
    share = (
        CropsAndFlips.draw(DATASETS["cifar10"].facts, 10_000, generator, CPU)
        .mirrored.float()
        .mean()
    )
    assert share == pytest.approx(0.5, abs=0.025)


def test_images_at_later_places_get_what_was_drawn_for_those():
    images = raw_images(7, 1, 4, 5)
    drawn = CropsAndFlips.draw(DATASETS["cifar10"].facts, 7, torch.Generator().manual_seed(0), CPU)
    torch.testing.assert_close(drawn.apply(images[2:5], 2), drawn.apply(images)[2:5])


@pytest.mark.parametrize("dataset", [Digits(), CIFAR10()], ids=lambda dataset: dataset.name)
def test_the_kind_draws_what_the_data_set_allows(dataset):
    facts = dataset.facts
    images = raw_images(40, *facts.shape).clamp(max=facts.levels)
    samples = ImageData(facts, "train", images, torch.arange(40) % 10)
    drawn = CropFlip().draw(samples, torch.Generator().manual_seed(5))
    alike = CropsAndFlips.draw(facts, 40, torch.Generator().manual_seed(5), CPU)
    assert torch.equal(drawn.apply(images, 0), alike.apply(images))
    assert bool(drawn.mirrored.any()) == facts.flip


def test_crops_and_flips_of_what_is_no_image_are_refused():
    facts = Facts(name="beats", shape=(5, 2), num_classes=2, train_size=4, test_size=4)
    samples = Samples(facts, "train", torch.zeros(4, 5, 2), torch.tensor([0, 1, 0, 1]))
    message = r"crops and flips need .* got beats, whose samples have the shape \(5, 2\); take"
    with pytest.raises(TicError, match=message):
        CropFlip().draw(samples, torch.Generator())
