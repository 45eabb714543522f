"""What dominates a similarity: closed forms, and slow twins on features, not Gram matrices."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import orthogonal_procrustes
from torch import nn

import tic
from tic.errors import TicError
from tic.measure.dominance import similarity_without
from tic.measure.gram_parts import (
    centred,
    factor,
    first_component,
    less_component,
    leverage,
    overlap,
    without_class_means,
)


def draw(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def gram(features):
    return features @ features.mT


def without_component(grams):
    return less_component(centred(grams), *first_component(grams))


def procrustes(grams, others):
    return overlap(factor(grams), factor(others))


LABELS = torch.tensor([0, 2, 1, 0, 2, 2, 1, 0, 5, 5, 1, 0])


# By hand


def test_leverage_by_hand():
    features = torch.tensor([[0.0], [0.0], [1.0], [3.0]], dtype=torch.float64)  # mean 1
    assert leverage(gram(features)).tolist() == pytest.approx([1 / 6, 1 / 6, 0, 4 / 6])


def test_leverage_is_that_of_a_ridge_regression_with_a_large_penalty():
    middle = centred(gram(draw(12, 30)))
    penalty = 1e9
    hat = torch.linalg.solve(middle + penalty * torch.eye(12, dtype=torch.float64), middle)
    shares = hat.diagonal() / hat.diagonal().sum()
    assert torch.allclose(leverage(middle), shares, rtol=1e-6)


def test_class_means_by_hand():
    features = torch.tensor([[1.0], [3.0], [10.0], [14.0], [7.0]], dtype=torch.float64)
    left = without_class_means(gram(features), torch.tensor([4, 4, 0, 0, 9]))
    within = torch.tensor([[-1.0], [1.0], [-2.0], [2.0], [0.0]], dtype=torch.float64)
    assert torch.allclose(left, gram(within))


def test_first_component_by_hand():
    """Two directions of 8 images, with sums of squares 32 and 8."""
    along = torch.tensor([1.0, -1, 1, -1, 1, -1, 1, -1], dtype=torch.float64)
    across = torch.tensor([1.0, 1, -1, -1, 1, 1, -1, -1], dtype=torch.float64)
    grams = gram(torch.stack([2 * along + 5, across], 1))
    size, place = first_component(grams)
    assert float(size) == pytest.approx(32)
    assert torch.allclose(place * place[0].sign(), along / 8**0.5)
    assert torch.allclose(without_component(grams), torch.outer(across, across))


def test_procrustes_by_hand():
    """Singular values 3 and 1 against 1 and 1, along the same directions of images."""
    one = torch.tensor([[3.0, 0], [-3, 0], [0, 1], [0, -1]], dtype=torch.float64)
    other = torch.tensor([[0.0, 1], [0, -1], [1, 0], [-1, 0]], dtype=torch.float64)
    expected = (3 + 1) / (10**0.5 * 2**0.5)
    assert float(procrustes(gram(one), gram(other))) == pytest.approx(expected, abs=1e-6)


# Slow twins on features


@given(seed=st.integers(0, 2**31), width=st.integers(1, 40))
@settings(max_examples=30, deadline=None)
def test_gram_matrices_are_those_of_features_that_were_changed(seed, width):
    features = draw(12, width, seed=seed) * torch.linspace(3, 0.3, width).double() + 4
    middle = features - features.mean(0)
    singular = torch.linalg.svd(middle, full_matrices=False)
    deflated = middle - singular.S[0] * torch.outer(singular.U[:, 0], singular.Vh[0])
    assert torch.allclose(without_component(gram(features)), gram(deflated), atol=1e-4)
    within = features.clone()
    for label in LABELS.unique():
        within[label == LABELS] -= features[label == LABELS].mean(0)
    assert torch.allclose(without_class_means(gram(features), LABELS), gram(within), atol=1e-9)


@given(seed=st.integers(0, 2**31), widths=st.tuples(st.integers(2, 20), st.integers(2, 20)))
@settings(max_examples=30, deadline=None)
def test_procrustes_is_that_of_scipy(seed, widths):
    one, other = draw(12, widths[0], seed=seed), draw(12, widths[1], seed=seed + 1)
    wide = max(widths)
    padded = [np.pad(x.numpy(), ((0, 0), (0, wide - x.shape[1]))) for x in (one, other)]
    padded = [(x - x.mean(0)) / np.linalg.norm(x - x.mean(0)) for x in padded]
    rotation, total = orthogonal_procrustes(*padded)
    ours = float(procrustes(gram(one), gram(other)))
    assert ours == pytest.approx(total, abs=1e-4)
    squared = np.linalg.norm(padded[0] @ rotation - padded[1]) ** 2
    assert 1 - ours == pytest.approx(squared / 2, abs=1e-4)


def test_procrustes_sees_neither_rotation_scale_nor_shift():
    one = draw(20, 6)
    turned = 7 * one @ torch.linalg.qr(draw(6, 6, seed=1)).Q + 3
    assert float(procrustes(gram(one), gram(turned))) == pytest.approx(1, abs=1e-6)
    assert float(procrustes(gram(one), gram(one[draw(20).argsort()]))) < 0.9


# Networks


class Given(nn.Module):
    """Gives out features that were laid down for the images, which are their numbers."""

    def __init__(self, **features):
        super().__init__()
        self.features = features
        for name in features:
            self.add_module(name, nn.Identity())

    def forward(self, numbers):
        for name, values in self.features.items():
            out = self.get_submodule(name)(values[numbers.long()])
        return out


def loader(count, labels=None, size=None):
    numbers = torch.arange(float(count))
    labels = torch.zeros(count, dtype=torch.long) if labels is None else labels
    return list(zip(numbers.split(size or count), labels.split(size or count), strict=True))


COUNT = 200
CLASSES = torch.arange(COUNT) % 10


def looks(one, other, labels=CLASSES, **arguments):
    compared = similarity_without(
        Given(layer=one), Given(layer=other), loader(COUNT, labels), **arguments
    )
    names = ("whole", "images", "component", "classes", "procrustes")
    return {name: float(getattr(compared, name)[0]) for name in names}


def noises(width=40):
    return draw(COUNT, width, seed=1), draw(COUNT, width, seed=2)


def test_few_images_make_a_similarity_that_is_gone_without_them():
    """Eight of them are moved together, as Davari et al. (2022) do."""
    one, other = noises()
    one[40:48] += 12 * draw(40, seed=3)
    other[40:48] += 12 * draw(40, seed=4)
    seen = looks(one, other)
    assert seen["whole"] > 0.9
    assert abs(seen["images"]) < 0.05
    assert looks(one, other, share=0.02)["images"] > 0.5  # four of the eight are left


def test_one_direction_makes_a_similarity_that_is_gone_without_it():
    one, other = noises()
    shared = draw(COUNT, 1, seed=3)
    seen = looks(one + shared * draw(40, seed=4), other + shared * draw(40, seed=5))
    assert seen["whole"] > 0.8
    assert seen["images"] > 0.8
    assert abs(seen["component"]) < 0.05
    assert 0.2 < seen["procrustes"] < seen["whole"] - 0.1


def test_classes_make_a_similarity_that_is_gone_within_them():
    one, other = noises()
    means = draw(10, 40, seed=6), draw(10, 40, seed=7)
    places = 3 * torch.eye(10, dtype=torch.float64)[CLASSES]
    seen = looks(one + places @ means[0], other + places @ means[1])
    assert seen["whole"] > 0.5
    assert abs(seen["classes"]) < 0.03
    other_classes = looks(
        one + places @ means[0], other + places @ means[1], labels=torch.arange(COUNT) // 20
    )
    assert other_classes["classes"] > 0.4


def test_a_similarity_of_many_images_and_directions_stays():
    one, other = noises()
    shared = draw(COUNT, 40, seed=8)
    seen = looks(3 * shared + one, 3 * shared + other)
    assert min(seen.values()) > 0.6
    same = looks(one, 2 * one - 1)
    assert list(same.values()) == pytest.approx([1] * 5, abs=1e-4)


def test_independent_layers_have_nothing_in_common_by_any_look():
    seen = [looks(draw(COUNT, 30, seed=k), draw(COUNT, 30, seed=k + 50)) for k in range(1, 13)]
    for name in seen[0]:
        assert abs(np.mean([each[name] for each in seen])) < 0.01


def test_the_whole_is_representation_similarity_batch_by_batch_and_variances_are_shares():
    one, other = draw(60, 9), draw(60, 7, seed=1)
    networks = Given(layer=one, deep=one.relu()), Given(layer=other, deep=other.tanh())
    batches = loader(60, CLASSES[:60], size=20)
    ours = similarity_without(*networks, batches)
    slow = tic.representation_similarity(*networks, batches, batching="each")
    assert ours.whole.tolist() == pytest.approx(slow.debiased.diagonal().tolist(), abs=1e-12)
    assert (ours.layers, ours.count) == (("layer", "deep"), 60)
    parts = [one[k : k + 20] - one[k : k + 20].mean(0) for k in (0, 20, 40)]
    largest = sum(float(torch.linalg.svdvals(part)[0] ** 2) for part in parts)
    total = sum(float(part.square().sum()) for part in parts)
    assert ours.variances.shape == (2, 2)
    assert ours.variances[0, 0] == pytest.approx(largest / total)


def test_each_pair_of_layers_leaves_out_images_of_its_own():
    one, other = noises()
    shared = draw(COUNT, 40, seed=9)
    first, second = one + shared, other + shared
    apart = first.clone()
    apart[:10] *= 50
    both = similarity_without(
        Given(near=first, far=apart), Given(near=second, far=second), loader(COUNT)
    )
    alone = similarity_without(Given(near=first), Given(near=second), loader(COUNT))
    assert float(both.images[0]) == pytest.approx(float(alone.images[0]), abs=1e-12)
    assert float(both.images[1]) > float(both.whole[1]) + 0.1


def test_layers_of_other_names_are_compared_by_their_place():
    one, other = draw(30, 5), draw(30, 5, seed=1)
    ours = similarity_without(
        Given(a=one, b=other),
        Given(x=other, y=one),
        loader(30),
        layers=["a", "b"],
        other_layers=["y", "x"],
    )
    assert ours.layers == ("a", "b")
    assert ours.whole.tolist() == pytest.approx([1, 1])


def test_a_layer_that_is_the_same_for_all_images_is_undefined_in_every_look():
    live = draw(30, 5)
    networks = [Given(dead=0 * live + 3, live=live) for _ in range(2)]
    ours = similarity_without(*networks, loader(30, CLASSES[:30]))
    for name in ("whole", "images", "component", "classes", "procrustes"):
        assert getattr(ours, name).mask.tolist() == [True, False]


@pytest.mark.parametrize("still", [torch.zeros(40), (draw(40) < 0).double()])
def test_a_batch_in_which_a_layer_does_not_vary_takes_no_part_in_procrustes(still):
    """It was taken for one that has nothing in common, or had no Cholesky factor."""
    live = draw(50, 40)
    features = torch.cat([live, *[still.double().expand(50, 40)] * 3])
    networks = [Given(layer=features) for _ in range(2)]
    ours = similarity_without(*networks, loader(200, size=50))
    assert float(ours.procrustes[0]) == pytest.approx(1, abs=1e-4)


def test_layers_that_never_vary_in_one_batch_have_no_procrustes():
    one, other = draw(30, 5), draw(30, 5, seed=1)
    nothing = torch.zeros(30, 5, dtype=torch.float64)
    networks = Given(layer=torch.cat([one, nothing])), Given(layer=torch.cat([nothing, other]))
    ours = similarity_without(*networks, loader(60, size=30))
    assert ours.procrustes.mask.tolist() == [True]


def test_what_has_one_direction_is_undefined_without_it():
    line = draw(30, 1)
    ours = similarity_without(Given(layer=line), Given(layer=line), loader(30))
    assert float(ours.whole[0]) == pytest.approx(1)
    assert ours.component.mask.tolist() == [True]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"share": 0.0}, r"in \(0, 1/2\], got 0.0"),
        ({"share": 0.6}, r"in \(0, 1/2\], got 0.6"),
        ({"loader": loader(7)}, "at least 8 images to leave some out, got 7"),
        (
            {"b": Given(x=draw(30, 3), y=draw(30, 3))},
            "as many, at least one, got 1 and 2",
        ),
        ({"layers": ["nowhere"]}, "no layer 'nowhere'"),
        ({"time": "apart"}, "unknown way of comparing timesteps 'apart'"),
    ],
)
def test_what_cannot_be_compared_is_refused(arguments, message):
    given = {"a": Given(x=draw(30, 3)), "b": Given(x=draw(30, 3)), "loader": loader(30)}
    given |= arguments
    with pytest.raises(TicError, match=message):
        similarity_without(given.pop("a"), given.pop("b"), given.pop("loader"), **given)


def test_lack_of_memory_is_explained(monkeypatch):
    def fail(*_):
        raise torch.OutOfMemoryError("no")

    monkeypatch.setattr("tic.measure.dominance.GramSums", fail)
    with pytest.raises(TicError, match="comparing representations needs more memory"):
        similarity_without(Given(x=draw(30, 3)), Given(x=draw(30, 3)), loader(30))
