import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import cross_entropy

from tic.errors import TicError
from tic.measure.confidence import TEMPERATURES, margins, temperature
from tic.measure.robustness import accuracy


class Logits(nn.Module):
    """Images (B, K, 1, T) hold the logits that the model returns, times a scale."""

    def __init__(self, scale=1.0):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(scale))
        self.inner = nn.Dropout()
        self.seen = []

    def forward(self, images):
        self.seen.append((self.training, torch.is_grad_enabled()))
        return self.inner(self.scale * images.squeeze(2).movedim(2, 0))


def showing(rows, labels):
    """One batch of images that show logits (B, K) at the only timestep."""
    return torch.tensor(rows).double()[:, :, None, None], torch.tensor(labels)


def sample(seed=0, images=40, classes=5):
    """Noisy logits that favour their labels, and those labels."""
    draws = torch.Generator().manual_seed(seed)
    labels = torch.randint(classes, (images,), generator=draws)
    logits = torch.randn(images, classes, dtype=torch.float64, generator=draws)
    logits[torch.arange(images), labels] += 1
    return logits[:, :, None, None], labels


def loss_at(tau, batch):
    return cross_entropy(batch[0].flatten(1) / tau, batch[1]).item()


def test_a_margin_is_the_labels_logit_minus_the_largest_other():
    batch = showing([[1.0, 4.0, 2.5], [1.0, 4.0, 2.5], [3.0, 3.0, -7.0]], [1, 2, 0])
    assert margins(Logits(), [batch]) == [1.5, -1.5, 0.0]


def test_the_logits_are_the_mean_over_time():
    images = torch.tensor([[[[3.0, 0.0, 0.0]], [[0.0, 0.0, 1.5]]]])  # means 1 and ½
    assert margins(Logits(), [(images, torch.tensor([0]))]) == [0.5]
    ahead = torch.cat([images, images.flip(1)]), torch.tensor([0, 0])  # one right, one wrong
    more_right = torch.cat([ahead[0], images]), torch.tensor([0, 0, 0])
    # two of three right at a distance of ½: p = 2/3 where ½/τ = log 2
    assert temperature(Logits(), [more_right]) == pytest.approx(0.5 / math.log(2), rel=1e-5)


@pytest.mark.parametrize("count", [2, 3, 9, 50])
def test_the_temperature_of_equal_distances_follows_from_the_accuracy(count):
    # All at distance d, one of them wrong: σ(d / τ) = 1 - 1/n, hence τ = d / log(n - 1).
    batch = showing([[2.0, 0.0]] * count, [1] + [0] * (count - 1))
    expected = 2 / math.log(count - 1) if count > 2 else TEMPERATURES[1]
    assert temperature(Logits(), [batch]) == pytest.approx(expected, rel=2e-6)


@pytest.mark.parametrize("seed", range(4))
def test_no_temperature_of_a_fine_grid_is_better(seed):
    batch = sample(seed)
    found = temperature(Logits(), [batch])
    grid = torch.logspace(-2, 2, 4001, dtype=torch.float64).tolist()
    best = min(grid, key=lambda tau: loss_at(tau, batch))
    assert abs(math.log10(found / best)) <= 1e-3
    assert loss_at(found, batch) <= loss_at(best, batch) + 1e-12


@settings(max_examples=30)
@given(st.integers(0, 50), st.floats(0.1, 10))
def test_both_scale_with_the_logits(seed, scale):
    batch = sample(seed)
    scaled = batch[0] * scale, batch[1]
    expected = [scale * margin for margin in margins(Logits(), [batch])]
    assert margins(Logits(), [scaled]) == pytest.approx(expected)
    tau = temperature(Logits(), [batch])
    assert temperature(Logits(), [scaled]) == pytest.approx(scale * tau, rel=1e-5)


def test_a_network_that_is_always_right_gets_the_least_temperature():
    for distance in (0.5, 5.0, 500.0):  # the last has no loss left at any temperature below 0.6
        batch = showing([[distance, 0.0]], [0])
        assert temperature(Logits(), [batch]) == TEMPERATURES[0]


def test_a_network_worse_than_chance_gets_the_largest_temperature():
    assert temperature(Logits(), [showing([[1.0, 0.0]], [1])]) == TEMPERATURES[1]


def test_the_temperature_is_the_same_every_time_and_has_six_digits():
    found = temperature(Logits(), [sample()])
    assert found == temperature(Logits(), [sample()]) == float(f"{found:.6g}")
    assert TEMPERATURES[0] < found < TEMPERATURES[1]


def test_batches_are_joined_in_order():
    images, labels = sample()
    parts = list(zip(images.split(15), labels.split(15), strict=True))
    assert margins(Logits(), iter(parts)) == margins(Logits(), [(images, labels)])
    assert temperature(Logits(), iter(parts)) == temperature(Logits(), [(images, labels)])


def test_margins_are_positive_where_the_answer_is_right(tiny, batch):
    found = margins(tiny, [batch])
    assert 100 * sum(margin > 0 for margin in found) / len(found) == accuracy(tiny, [batch])


@pytest.mark.parametrize("measure", [margins, temperature])
def test_an_empty_loader_is_refused(measure):
    with pytest.raises(TicError, match="the loader must give at least one batch, got none"):
        measure(Logits(), [])


@pytest.mark.parametrize("measure", [margins, temperature])
@pytest.mark.parametrize("large", [1e30, -1e30])
def test_logits_that_are_not_finite_are_refused(measure, large):
    images, labels = showing([[1.0, 0.0], [large, 0.0], [2.0, 1.0]], [0, 0, 1])
    with pytest.raises(
        TicError, match="logits must be finite, got NaN or infinity for 1 of 3 samples"
    ):
        measure(Logits(scale=1e30), [(images.float(), labels)])


@pytest.mark.parametrize("measure", [margins, temperature])
def test_the_model_is_measured_in_evaluation_mode_and_left_as_it_was_found(measure):
    model = Logits().train()
    model.inner.eval()
    measure(model, [sample()])
    assert model.seen == [(False, False)]
    assert model.training
    assert not model.inner.training
    assert model.scale.grad is None
