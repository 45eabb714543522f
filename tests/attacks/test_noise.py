import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tic.attacks import Blur, GaussianNoise
from tic.errors import TicError

NETWORK = nn.Identity()


def corrupted(corruption, images, batch=0):
    return corruption(NETWORK, images, torch.zeros(len(images), dtype=torch.long), batch)


def norms(images):
    return images.flatten(1).norm(dim=1)


def random_images(*shape, seed=0, dtype=torch.float32):
    return torch.rand(shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def halved(image):
    """Means of 2×2 blocks."""
    height, width = len(image) // 2, len(image[0]) // 2
    return [
        [sum(image[2 * i + a][2 * j + b] for a in (0, 1) for b in (0, 1)) / 4 for j in range(width)]
        for i in range(height)
    ]


def doubled(line):
    """Linear interpolation to twice the length, with pixel centres at ¼ and ¾ of the old pixels."""
    padded = [line[0], *line, line[-1]]
    return [
        value
        for before, here, after in zip(padded, padded[1:], padded[2:], strict=False)
        for value in ((before + 3 * here) / 4, (3 * here + after) / 4)
    ]


def transposed(image):
    return [list(row) for row in zip(*image, strict=True)]


@settings(max_examples=40)
@given(
    st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(1, 8), st.integers(1, 8)),
    st.floats(0, 2),
    st.integers(0, 2**16),
)
def test_the_norm_of_the_noise_is_that_share_of_each_image(shape, share, seed):
    images = random_images(*shape, seed=seed, dtype=torch.float64)
    noise = corrupted(GaussianNoise(share=share, seed=seed), images) - images
    torch.testing.assert_close(norms(noise), share * norms(images))


def test_the_noise_of_the_paper_has_half_the_norm_of_the_image():
    images = torch.stack([random_images(3, 32, 32), 0.01 * random_images(3, 32, 32, seed=1)])
    noise = corrupted(GaussianNoise(), images) - images
    torch.testing.assert_close(norms(noise) / norms(images), torch.tensor([0.5, 0.5]))


def test_the_noise_looks_gaussian():
    noise = corrupted(GaussianNoise(), torch.ones(1, 3, 64, 64)) - 1
    assert noise.mean().abs() < 0.02
    assert (noise.abs() < 0.5).float().mean().item() == pytest.approx(0.683, abs=0.02)


def test_nothing_is_clipped():
    images = random_images(4, 1, 8, 8)
    noisy = corrupted(GaussianNoise(), images)
    assert noisy.min() < 0
    assert noisy.max() > 1


def test_a_black_image_stays_black():
    images = torch.stack([torch.zeros(1, 4, 4), torch.ones(1, 4, 4)])
    noisy = corrupted(GaussianNoise(), images)
    assert torch.equal(noisy[0], images[0])
    assert not torch.equal(noisy[1], images[1])


def test_noise_of_one_seed_and_batch_is_the_same_for_every_network():
    images = random_images(3, 1, 4, 4)
    labels = torch.tensor([0, 1, 2])
    here = GaussianNoise(seed=1)(nn.Linear(2, 2), images, labels, 5)
    there = GaussianNoise(seed=1)(nn.Identity(), images, labels.flip(0), 5)
    assert torch.equal(here, there)


def test_every_batch_and_every_seed_has_noise_of_its_own():
    images = torch.ones(2, 1, 4, 4)
    outcomes = [
        corrupted(GaussianNoise(seed=seed), images, batch) for seed in (0, 1) for batch in (0, 1)
    ]
    for k, one in enumerate(outcomes):
        assert not any(torch.equal(one, other) for other in outcomes[k + 1 :])
    assert not torch.equal(outcomes[0][0], outcomes[0][1])


def test_noise_leaves_the_global_generator_and_the_images_alone():
    images = random_images(2, 1, 4, 4)
    before, state = images.clone(), torch.get_rng_state()
    corrupted(GaussianNoise(), images)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(images, before)


def test_noise_is_the_same_in_single_and_double_precision():
    images = random_images(2, 1, 4, 4)
    double = corrupted(GaussianNoise(), images.double())
    assert double.dtype is torch.float64
    torch.testing.assert_close(corrupted(GaussianNoise(), images).double(), double)


@pytest.mark.parametrize("share", [-0.1, math.nan])
def test_a_share_that_is_not_at_least_zero_is_refused(share):
    with pytest.raises(TicError, match=f"share must be at least 0 and finite, got {share}"):
        GaussianNoise(share=share)


@settings(max_examples=40)
@given(st.floats(0, 1), st.integers(1, 12), st.integers(1, 12), st.integers(1, 5))
def test_a_constant_image_is_its_own_blur(value, height, width, factor):
    images = torch.full((2, 3, height, width), value, dtype=torch.float64)
    torch.testing.assert_close(corrupted(Blur(factor=factor), images), images)


@pytest.mark.parametrize(("height", "width"), [(16, 16), (4, 6), (2, 2)])
def test_blur_averages_blocks_of_two_by_two_and_interpolates_between_them(height, width):
    images = random_images(2, 2, height, width, dtype=torch.float64)
    blurred = corrupted(Blur(), images)
    for image, result in zip(images.flatten(0, 1), blurred.flatten(0, 1), strict=True):
        wide = [doubled(row) for row in halved(image.tolist())]
        expected = transposed([doubled(column) for column in transposed(wide)])
        torch.testing.assert_close(result, torch.tensor(expected, dtype=torch.float64))


def test_a_checkerboard_is_blurred_to_grey():
    board = (torch.arange(8)[:, None] + torch.arange(8)) % 2
    blurred = corrupted(Blur(), board.double().expand(1, 1, 8, 8))
    torch.testing.assert_close(blurred, torch.full_like(blurred, 0.5))


def test_factor_one_blurs_nothing():
    images = random_images(2, 1, 5, 7)
    torch.testing.assert_close(corrupted(Blur(factor=1), images), images)


@settings(max_examples=40)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 20), st.integers(0, 2**16))
def test_blur_keeps_the_shape_and_the_range_of_the_pixels(height, width, factor, seed):
    images = random_images(2, 1, height, width, seed=seed)
    blurred = corrupted(Blur(factor=factor), images)
    assert blurred.shape == images.shape
    assert blurred.min() >= images.min() - 1e-6
    assert blurred.max() <= images.max() + 1e-6


def test_a_factor_below_one_is_refused():
    with pytest.raises(TicError, match="factor must be at least 1, got 0"):
        Blur(factor=0)


@pytest.mark.parametrize(
    ("corruption", "text"),
    [
        (GaussianNoise(), "GaussianNoise(share=0.5, seed=0)"),
        (GaussianNoise(share=0.1, seed=3), "GaussianNoise(share=0.1, seed=3)"),
        (Blur(), "Blur(factor=2)"),
    ],
)
def test_the_text_of_a_corruption_says_everything_about_it(corruption, text):
    assert repr(corruption) == text
    assert eval(text) == corruption
