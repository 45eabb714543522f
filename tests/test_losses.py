import math
import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from tic.errors import TicError
from tic.losses import (
    Readout,
    alpha_loss,
    mean_loss,
    prefix_logits,
    prefix_loss,
    prefix_losses,
    sample_losses,
)

lawful = settings(max_examples=40)
shapes = st.tuples(st.integers(1, 6), st.integers(1, 5), st.integers(2, 5))
seeds = st.integers(0, 2**16)


def random_logits(shape, seed):
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(shape, dtype=torch.float64, generator=generator)
    return logits, torch.randint(0, shape[2], (shape[1],), generator=generator)


def sure(*margins):
    """Logits (T, 1, 2) for one sample of class 0, whose margins are these at every timestep."""
    logits = torch.zeros(len(margins), 1, 2, dtype=torch.float64)
    logits[:, 0, 0] = torch.tensor(margins, dtype=torch.float64)
    return logits.requires_grad_(), torch.tensor([0])


def test_prefix_logits_are_running_means():
    logits = torch.tensor([[[6.0, 0.0]], [[0.0, 2.0]], [[3.0, 1.0]]])
    assert prefix_logits(logits).tolist() == [[[6.0, 0.0]], [[3.0, 1.0]], [[3.0, 1.0]]]


def test_prefix_logits_are_running_sums_when_the_sum_is_asked_for():
    logits = torch.tensor([[[6.0, 0.0]], [[0.0, 2.0]], [[3.0, 1.0]]])
    sums = [[[6.0, 0.0]], [[6.0, 2.0]], [[9.0, 3.0]]]
    assert prefix_logits(logits, Readout.SUM).tolist() == sums


@lawful
@given(shapes, seeds)
def test_the_sum_over_a_prefix_is_its_length_times_the_mean(shape, seed):
    logits, _ = random_logits(shape, seed)
    lengths = torch.arange(1, shape[0] + 1).view(-1, 1, 1)
    means = prefix_logits(logits, Readout.MEAN)
    torch.testing.assert_close(prefix_logits(logits, Readout.SUM), lengths * means)
    assert torch.equal(prefix_logits(logits), means)


def test_a_read_out_is_known_by_its_name_and_no_other():
    logits, _ = random_logits((3, 2, 4), 0)
    assert torch.equal(prefix_logits(logits, "sum"), prefix_logits(logits, Readout.SUM))
    with pytest.raises(TicError, match="unknown readout 'Sum'; known: mean, sum"):
        prefix_logits(logits, "Sum")


def test_whose_loss_is_held_is_known_by_its_name_and_no_other():
    logits, labels = random_logits((3, 2, 4), 0)
    with pytest.raises(TicError, match="unknown value of per 'samples'; known: batch, sample"):
        alpha_loss(logits, labels, 1.0, "samples")


@pytest.mark.parametrize("alpha", [float("nan"), float("inf"), "1", None, 1j])
def test_a_level_that_is_no_finite_number_is_refused(alpha):
    with pytest.raises(TicError, match="alpha must be"):
        alpha_loss(*random_logits((3, 2, 4), 0), alpha)


LOSSES = [
    sample_losses,
    prefix_losses,
    prefix_loss,
    mean_loss,
    lambda logits, labels: alpha_loss(logits, labels, 1.0),
    lambda logits, labels: alpha_loss(logits, labels, 1.0, "sample"),
]
LOSS_NAMES = ["sample", "prefixes", "prefix", "mean", "alpha", "alpha per sample"]


@pytest.mark.parametrize("loss", LOSSES, ids=LOSS_NAMES)
@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (torch.tensor([0, 1, -100]), "labels must be classes from 0 to 4, got -100; leave out"),
        (torch.tensor([0, 1, -1]), "labels must be classes from 0 to 4, got -1; leave out"),
        (torch.tensor([0, 1, 5]), "labels must be classes from 0 to 4, got 5; leave out"),
        (torch.tensor([0, 1]), r"shape (B,) with B=3, as the logits have it, got (2,); give one"),
        (torch.tensor([[0], [1], [2]]), "as the logits have it, got (3, 1); give one class"),
        (
            torch.full((3, 5), 0.3),
            "that sum to 1 for every sample, got torch.float32 from 0.3 on with sums from 1.5",
        ),
        (torch.tensor([0, 1, 2], dtype=torch.int32), "got torch.int32; convert by .long()"),
        (torch.tensor([0, 1, 2], dtype=torch.uint8), "got torch.uint8; convert by .long()"),
        ([0, 1, 2], "labels must be a tensor of int64, got list; convert by .long()"),
    ],
)
def test_labels_that_are_no_classes_are_refused_by_every_loss(loss, labels, message):
    with pytest.raises(TicError, match=re.escape(message)):
        loss(torch.zeros(2, 3, 5), labels)


@pytest.mark.parametrize("loss", LOSSES, ids=LOSS_NAMES)
@pytest.mark.parametrize(
    ("logits", "message"),
    [
        (torch.zeros(3, 5), "logits must have shape (T, B, K), none of them 0, got (3, 5); stack"),
        (torch.zeros(2, 0, 5), "none of them 0, got (2, 0, 5); stack"),
        (torch.zeros(0, 3, 5), "none of them 0, got (0, 3, 5); stack"),
        (torch.zeros(2, 3, 5).long(), "floating-point tensor (T, B, K), got torch.int64"),
        ((torch.zeros(2, 3, 5), torch.zeros(2, 3, 5)), "tensor (T, B, K), got tuple; pass one"),
    ],
)
def test_what_is_no_read_out_over_time_is_refused_by_every_loss(loss, logits, message):
    with pytest.raises(TicError, match=re.escape(message)):
        loss(logits, torch.tensor([0, 1, 2]))


def test_the_first_prefix_is_the_first_read_out_and_the_last_the_mean():
    logits, _ = random_logits((5, 3, 4), 0)
    assert torch.equal(prefix_logits(logits)[0], logits[0])
    torch.testing.assert_close(prefix_logits(logits)[-1], logits.mean(0))


def test_a_prefix_knows_nothing_of_later_read_outs():
    logits, _ = random_logits((5, 3, 4), 0)
    changed = logits.clone()
    changed[3:] = 100
    assert torch.equal(prefix_logits(changed)[:3], prefix_logits(logits)[:3])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_prefix_logits_keep_their_type(dtype):
    for readout in Readout:
        assert prefix_logits(torch.ones(3, 1, 2, dtype=dtype), readout).dtype is dtype


def test_sample_losses_by_hand_stand_in_the_order_of_the_samples():
    # margins (2, 0) of class 0 and (0, 4) of class 1: prefix margins (2, 1) and (0, -2)
    logits = torch.tensor([[[2.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [4.0, 0.0]]], dtype=torch.float64)
    losses = sample_losses(logits, torch.tensor([0, 1]))
    by_hand = [
        [math.log1p(math.exp(-2)), math.log(2)],
        [math.log1p(math.exp(-1)), math.log1p(math.exp(2))],
    ]
    assert losses.tolist() == [pytest.approx(row) for row in by_hand]


@lawful
@given(shapes, seeds)
def test_sample_losses_are_the_prefix_losses_of_every_sample_alone(shape, seed):
    logits, labels = random_logits(shape, seed)
    alone = [prefix_losses(logits[:, [n]], labels[[n]]) for n in range(shape[1])]
    losses = sample_losses(logits, labels)
    torch.testing.assert_close(losses, torch.stack(alone, 1))
    torch.testing.assert_close(losses.mean(1), prefix_losses(logits, labels))


@lawful
@given(shapes, seeds)
def test_prefix_losses_match_a_loop_over_timesteps(shape, seed):
    logits, labels = random_logits(shape, seed)
    looped = [functional.cross_entropy(logits[:t].mean(0), labels) for t in range(1, shape[0] + 1)]
    losses = prefix_losses(logits, labels)
    assert losses.shape == (shape[0],)
    torch.testing.assert_close(losses, torch.stack(looped))
    torch.testing.assert_close(prefix_loss(logits, labels), torch.stack(looped).mean())


def test_losses_of_an_undecided_network_are_the_logarithm_of_the_classes():
    logits, labels = torch.zeros(4, 3, 10, dtype=torch.float64), torch.tensor([0, 5, 9])
    at_chance = [math.log(10)] * 4
    assert prefix_losses(logits, labels).tolist() == pytest.approx(at_chance)
    assert mean_loss(logits, labels).item() == pytest.approx(math.log(10))
    assert prefix_loss(logits, labels).item() == pytest.approx(math.log(10))
    assert alpha_loss(logits, labels, 1.0).item() == pytest.approx(math.log(10) - 1)


def test_losses_of_two_classes_follow_the_mean_margin():
    # margins 2 and 0: prefix margins 2 and 1, and -log p = log(1 + e^-margin)
    logits, labels = sure(2.0, 0.0)
    by_hand = [math.log1p(math.exp(-2)), math.log1p(math.exp(-1))]
    assert prefix_losses(logits, labels).tolist() == pytest.approx(by_hand)
    assert mean_loss(logits, labels).item() == pytest.approx(by_hand[1])
    assert prefix_loss(logits, labels).item() == pytest.approx(sum(by_hand) / 2)


def test_the_mean_loss_is_the_last_prefix_loss():
    logits, labels = random_logits((4, 3, 5), 1)
    torch.testing.assert_close(mean_loss(logits, labels), prefix_losses(logits, labels)[-1])


def test_the_alpha_loss_holds_every_prefix_apart_from_alpha():
    # L_1 = log(1 + e^-2) = 0.127 is below 0.2, L_2 = log(1 + e^-1) = 0.313 above
    logits, labels = sure(2.0, 0.0)
    below, above = 0.2 - math.log1p(math.exp(-2)), math.log1p(math.exp(-1)) - 0.2
    assert alpha_loss(logits, labels, 0.2).item() == pytest.approx((below + above) / 2)


def test_the_gradient_turns_round_below_alpha():
    logits, labels = sure(2.0)
    level = math.log1p(math.exp(-2))
    (down,) = torch.autograd.grad(alpha_loss(logits, labels, level / 2), logits)
    (up,) = torch.autograd.grad(alpha_loss(logits, labels, 2 * level), logits)
    (plain,) = torch.autograd.grad(prefix_loss(logits, labels), logits)
    assert torch.equal(down, plain)
    assert torch.equal(up, -plain)
    assert plain[0, 0, 0] < 0


def test_each_prefix_turns_round_by_itself():
    logits, labels = sure(2.0, 0.0)
    (gradient,) = torch.autograd.grad(alpha_loss(logits, labels, 0.2), logits)
    first, second = 1 / (1 + math.exp(2)), 1 / (1 + math.exp(1))
    # ½·(+σ(-2) from L_1 below α, -σ(-1)/2 from L_2 above α, which halves over two read-outs)
    by_hand = [(first - second / 2) / 2, -second / 4]
    assert gradient[:, 0, 0].tolist() == pytest.approx(by_hand)


def test_the_absolute_value_is_taken_of_the_batch_mean():
    # one sample below α and one above, with a mean at α: per sample the loss would not vanish
    logits = torch.tensor([[[0.0, 0.0], [3.0, 0.0]]], dtype=torch.float64)
    labels = torch.tensor([0, 0])
    alpha = (math.log(2) + math.log1p(math.exp(-3))) / 2
    assert alpha_loss(logits, labels, alpha).item() == pytest.approx(0, abs=1e-15)


def test_the_absolute_value_is_taken_of_each_sample_when_that_is_asked_for():
    # losses log 2 = 0.693 and log(1 + e^-3) = 0.049 lie on both sides of α = 0.2
    logits = torch.tensor([[[0.0, 0.0], [3.0, 0.0]]], dtype=torch.float64)
    labels, above, below = torch.tensor([0, 0]), math.log(2) - 0.2, 0.2 - math.log1p(math.exp(-3))
    per_sample = alpha_loss(logits, labels, 0.2, per="sample")
    per_batch = alpha_loss(logits, labels, 0.2, per="batch")
    assert per_sample.item() == pytest.approx((above + below) / 2)
    assert per_batch.item() == pytest.approx((above - below) / 2)
    assert torch.equal(alpha_loss(logits, labels, 0.2), per_batch)


def test_only_samples_below_alpha_turn_round_when_each_counts_by_itself():
    logits = torch.zeros(1, 2, 2, dtype=torch.float64)
    logits[0, 1, 0] = 3.0
    logits.requires_grad_()
    loss = alpha_loss(logits, torch.tensor([0, 0]), 0.2, per="sample")
    (gradient,) = torch.autograd.grad(loss, logits)
    # of -log p at the class: -σ(-margin), halved by the mean over two samples
    by_hand = [-1 / 2 / 2, 1 / (1 + math.exp(3)) / 2]
    assert gradient[0, :, 0].tolist() == pytest.approx(by_hand)


@lawful
@given(shapes, seeds, st.floats(0, 6))
def test_the_alpha_loss_per_sample_is_never_smaller_than_per_batch(shape, seed, alpha):
    logits, labels = random_logits(shape, seed)
    per_sample, per_batch = (
        alpha_loss(logits, labels, alpha, per=each).item() for each in ("sample", "batch")
    )
    assert per_sample >= per_batch - 1e-12


@lawful
@given(shapes, seeds, st.floats(0, 1), st.booleans())
def test_with_all_samples_on_one_side_of_alpha_both_alpha_losses_agree(shape, seed, gap, beneath):
    logits, labels = random_logits(shape, seed)
    losses = sample_losses(logits, labels)
    alpha = (losses.max() + gap if beneath else (1 - gap) * losses.min()).item()
    torch.testing.assert_close(
        alpha_loss(logits, labels, alpha, per="sample"), alpha_loss(logits, labels, alpha)
    )


@lawful
@given(shapes, seeds)
def test_alpha_zero_is_the_prefix_loss(shape, seed):
    logits, labels = random_logits(shape, seed)
    for per in ("batch", "sample"):
        flooded = alpha_loss(logits, labels, 0.0, per=per)
        torch.testing.assert_close(flooded, prefix_loss(logits, labels))


@lawful
@given(shapes, seeds, st.floats(-50, 50))
def test_a_shift_of_all_logits_changes_no_loss(shape, seed, shift):
    logits, labels = random_logits(shape, seed)
    for loss in (mean_loss, prefix_loss, prefix_losses):
        torch.testing.assert_close(loss(logits + shift, labels), loss(logits, labels))


LOSSES = {
    "mean": mean_loss,
    "prefix": prefix_loss,
    "alpha": lambda logits, labels: alpha_loss(logits, labels, alpha=0.0),
}


@pytest.mark.parametrize("loss", LOSSES)
@lawful
@given(shapes, seeds)
def test_all_of_the_share_in_one_class_is_that_class_as_label(loss, shape, seed):
    logits, labels = random_logits(shape, seed)
    shares = functional.one_hot(labels, shape[2]).double()
    assert torch.allclose(LOSSES[loss](logits, shares), LOSSES[loss](logits, labels))


@pytest.mark.parametrize("loss", LOSSES)
@lawful
@given(shapes, seeds, st.floats(0, 1))
def test_the_loss_of_mixed_labels_is_the_mixed_loss(loss, shape, seed, share):
    logits, one = random_logits(shape, seed)
    _, other = random_logits(shape, seed + 1)
    shares = torch.lerp(
        *(functional.one_hot(each, shape[2]).double() for each in (one, other)), share
    )
    mixed = torch.lerp(LOSSES[loss](logits, one), LOSSES[loss](logits, other), share)
    assert torch.allclose(LOSSES[loss](logits, shares), mixed)


def test_shares_by_hand():
    logits = torch.log(torch.tensor([[[1.0, 3.0]]]))  # probabilities 1/4 and 3/4
    loss = mean_loss(logits, torch.tensor([[0.5, 0.5]]))
    assert loss.item() == pytest.approx((math.log(4) + math.log(4 / 3)) / 2)


def test_shares_of_other_classes_than_the_logits_are_refused():
    logits, _ = random_logits((2, 3, 4), 0)
    with pytest.raises(TicError, match=r"must have shape \(B, K\) = \(3, 4\), got \(3, 5\)"):
        mean_loss(logits, torch.full((3, 5), 0.2))


def test_shares_below_none_are_refused():
    logits, _ = random_logits((2, 1, 3), 0)
    with pytest.raises(TicError, match=r"that sum to 1 .* got torch.float32 from -0.5 on"):
        mean_loss(logits, torch.tensor([[-0.5, 0.5, 1.0]]))
