import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tic.measure.hsic import GramSums, alignment

DRAWS = torch.Generator()


def drawn(seed, images=12, features=(3, 7, 40)):
    """Features of several layers of the same images, partly of one origin."""
    generator = DRAWS.manual_seed(seed)
    source = torch.randn(images, 3, dtype=torch.float64, generator=generator)
    layers = []
    for count in features:
        noise = torch.randn(images, count, dtype=torch.float64, generator=generator)
        mixing = torch.randn(3, count, dtype=torch.float64, generator=generator)
        layers.append(source @ mixing + noise + 2)
    return layers


def criteria(layers, tile=None):
    images = len(layers[0])
    sums = GramSums(len(layers), images, torch.device("cpu"))
    tile = tile or images
    starts = range(0, images, tile)
    for first in starts:
        for second in (start for start in starts if start >= first):
            rows, columns = slice(first, first + tile), slice(second, second + tile)
            sums.add(torch.stack([x[rows] @ x[columns].mT for x in layers]), first, second)
    return sums.criteria()


def cka(criterion):
    return alignment(criterion, criterion.diagonal())


def hsic_by_definition(x, y):
    """Biased and debiased HSIC, term by term as they are printed (Song et al. 2012, Eq. 4-5)."""
    n = len(x)
    gram_x, gram_y = x @ x.mT, y @ y.mT
    centring = torch.eye(n, dtype=torch.float64) - 1 / n
    biased = (gram_x @ centring @ gram_y @ centring).trace() / (n - 1) ** 2
    gram_x, gram_y = (gram - gram.diagonal().diag() for gram in (gram_x, gram_y))
    one = torch.ones(n, dtype=torch.float64)
    debiased = (gram_x @ gram_y).trace()
    debiased = debiased + (one @ gram_x @ one) * (one @ gram_y @ one) / ((n - 1) * (n - 2))
    debiased = debiased - 2 / (n - 2) * (one @ gram_x @ gram_y @ one)
    return float(biased), float(debiased / (n * (n - 3)))


@pytest.mark.parametrize("tile", [None, 5, 1])
def test_every_pair_of_layers_has_the_criterion_of_its_definition(tile):
    layers = drawn(0)
    ours = criteria(layers, tile)
    for i, x in enumerate(layers):
        for j, y in enumerate(layers):
            biased, debiased = hsic_by_definition(x, y)
            assert float(ours.biased[i, j]) == pytest.approx(biased, rel=1e-11)
            assert float(ours.debiased[i, j]) == pytest.approx(debiased, rel=1e-11)


def test_four_images_by_hand():
    # x = (0, 0, 0, 1): the only entry of K is on its diagonal, which is set to zero.
    single = torch.tensor([[0.0], [0.0], [0.0], [1.0]], dtype=torch.float64)
    # y = ±1: off the diagonal L is 1 twice and -1 four times (each twice): tr(LL) = 12,
    # 1ᵀL1 = 4 - 8 = -4, L1 = -1 everywhere, so 12 + 16/6 - 2/2·4 = 32/3, over 4·1.
    signs = torch.tensor([[1.0], [1.0], [-1.0], [-1.0]], dtype=torch.float64)
    ours = criteria([single, signs])
    assert ours.debiased.numpy() == pytest.approx(np.array([[0, 0], [0, 8 / 3]]))
    # HKH of x has the entries (x - ¼)(x' - ¼): squared norm (¾)² = 9/16, over (n-1)² = 9.
    assert float(ours.biased[0, 0]) == pytest.approx(1 / 16)
    assert float(ours.biased[1, 1]) == pytest.approx(16 / 9)


@pytest.mark.filterwarnings("ignore:Distance covariance is not guaranteed:UserWarning")
@pytest.mark.parametrize("seed", range(3))
def test_debiased_cka_is_bias_corrected_distance_correlation_of_squared_distances(seed):
    dcor = pytest.importorskip("dcor")
    x, y, z = drawn(seed, images=30)
    ours = cka(criteria([x, y, z]).debiased)
    for i, j, one, other in ((0, 1, x, y), (0, 2, x, z), (1, 2, y, z)):
        theirs = dcor.u_distance_correlation_sqr(one.numpy(), other.numpy(), exponent=2)
        assert float(ours[i, j]) == pytest.approx(float(theirs), abs=1e-12)


def test_cka_is_that_of_another_package():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # raised in what it imports for its plots
        core = pytest.importorskip("ckatorch.core")
    halves = [drawn(seed, images=20) for seed in (1, 2)]
    both = criteria(halves[0]) + criteria(halves[1])
    by_batches, whole = cka(both.debiased), criteria(halves[0])
    x, y = (torch.stack([half[layer] for half in halves]) for layer in (0, 2))
    assert float(by_batches[0, 2]) == pytest.approx(float(core.cka_batch(x, y)), abs=1e-12)
    for criterion, unbiased in ((whole.biased, False), (whole.debiased, True)):
        theirs = core.cka_base(x[0], y[0], unbiased=unbiased)
        assert float(cka(criterion)[0, 2]) == pytest.approx(float(theirs), abs=1e-12)


@given(seed=st.integers(0, 10_000), scale=st.floats(0.1, 100), shift=st.floats(-10, 10))
@settings(max_examples=25, deadline=None)
def test_rotation_scale_and_shift_of_the_features_change_nothing(seed, scale, shift):
    x, y, z = drawn(seed)
    rotation = torch.linalg.qr(torch.randn(40, 40, dtype=torch.float64, generator=DRAWS)).Q
    turned = scale * (z @ rotation) + shift
    one, other = criteria([x, y, z]), criteria([x, y, turned])
    for name in ("debiased", "biased"):
        before, after = (cka(getattr(values, name)) for values in (one, other))
        assert torch.allclose(after, before, rtol=0, atol=1e-6)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_biased_cka_lies_between_0_and_1_and_is_1_of_what_is_the_same(seed):
    x, y, _ = drawn(seed)
    ours = criteria([x, y, -3 * x])
    biased, debiased = cka(ours.biased), cka(ours.debiased)
    assert ((biased >= 0) & (biased <= 1 + 1e-12)).all()
    for table in (biased, debiased):
        assert float(table[0, 2]) == pytest.approx(1, abs=1e-12)
        assert torch.allclose(table, table.mT, rtol=0, atol=1e-12)


def test_the_order_of_the_images_does_not_matter():
    layers = drawn(3)
    order = torch.randperm(12, generator=DRAWS)
    one, other = criteria(layers), criteria([x[order] for x in layers])
    assert torch.allclose(other.debiased, one.debiased, rtol=1e-9)


def test_chance_is_the_mean_over_all_permutations_and_the_debiased_mean_is_zero():
    from itertools import permutations

    x, y, _ = drawn(5, images=5)
    every = [criteria([x, y[list(order)]]) for order in permutations(range(5))]
    biased = np.mean([float(values.biased[0, 1]) for values in every])
    assert biased == pytest.approx(float(criteria([x, y]).by_chance[0, 1]))
    debiased = np.mean([float(values.debiased[0, 1]) for values in every])
    assert debiased == pytest.approx(0, abs=1e-10)


@pytest.mark.parametrize(("features", "expected"), [(64, 0.15), (1024, 0.74)])
def test_independent_features_have_no_debiased_similarity_and_much_biased_one(features, expected):
    generator = torch.Generator().manual_seed(1)
    layers = [
        torch.randn(360, features, dtype=torch.float64, generator=generator) for _ in range(2)
    ]
    ours = criteria(layers)
    assert abs(float(cka(ours.debiased)[0, 1])) < 0.02
    assert float(cka(ours.biased)[0, 1]) == pytest.approx(expected, abs=0.01)
    chance = alignment(ours.by_chance, ours.biased.diagonal())
    assert float(chance[0, 1]) == pytest.approx(expected, abs=0.01)
    # Eigenvalues alike: n - 1 of them and p, so 1 / (1 + (n - 1) / p) of large ones.
    assert float(chance[0, 1]) == pytest.approx(1 / (1 + 359 / features), abs=0.01)
