import pytest
import torch
import torchattacks
from attacked import Linear, Small, images_with_extremes, masked
from hypothesis import given, settings
from hypothesis import strategies as st

from tic.attacks import RestartedPGD
from tic.attacks.margin import LOSSES, cross_entropy, logit_ratio, margin
from tic.errors import TicError

pytestmark = pytest.mark.usefixtures("one_thread")

LOGITS = torch.tensor([[3.0, 1.0, 2.0, -1.0], [3.0, 1.0, 2.0, -1.0], [0.0, 5.0, 4.0, 1.0]])
LABELS = torch.tensor([0, 1, 3])


def margins(model, images, labels):
    with torch.no_grad():
        return margin(model(images).mean(0), labels)


def test_the_margin_is_the_largest_wrong_logit_minus_the_right_one():
    # 2 - 3, 3 - 1, 5 - 1
    assert margin(LOGITS, LABELS).tolist() == [-1.0, 2.0, 4.0]


def test_the_logit_ratio_divides_the_margin_by_the_first_minus_the_third():
    # over 3 - 1, 3 - 1, 5 - 1
    assert logit_ratio(LOGITS, LABELS).tolist() == [-0.5, 1.0, 1.0]


@settings(max_examples=30)
@given(st.integers(3, 12), st.integers(0, 2**16))
def test_the_logit_ratio_is_that_of_autoattack(classes, seed):
    draws = torch.Generator().manual_seed(seed)
    logits = torch.randn(5, classes, generator=draws)
    labels = torch.randint(classes, (5,), generator=draws)
    twin = torchattacks.APGD(Linear(torch.eye(2))).dlr_loss(logits, labels)
    torch.testing.assert_close(logit_ratio(logits, labels), twin)


@settings(max_examples=30)
@given(st.floats(0.01, 100), st.floats(-10, 10))
def test_neither_scale_nor_shift_of_the_logits_changes_their_ratio(scale, shift):
    moved = scale * LOGITS.double() + shift
    torch.testing.assert_close(logit_ratio(moved, LABELS), logit_ratio(LOGITS.double(), LABELS))


def test_the_cross_entropy_is_one_number_per_image():
    expected = torch.logsumexp(LOGITS, 1) - torch.tensor([3.0, 1.0, 1.0])
    torch.testing.assert_close(cross_entropy(LOGITS, LABELS), expected)


@pytest.mark.parametrize("loss", LOSSES)
def test_on_a_linear_network_the_farthest_corner_of_the_ball_is_found(loss):
    # towards the only other class: the gradient is that of the logits' difference everywhere
    weight = torch.tensor([[0.5, 0.0, 2.0, 3.0], [4.0, 1.0, -1.0, 2.5]])
    if loss == "dlr":
        weight = torch.cat([weight, torch.full((1, 4), -9.0)])  # a third class, never near
    images = torch.full((2, 1, 2, 2), 0.5)
    attack = RestartedPGD(epsilon=0.1, step=0.05, steps=10, restarts=2, loss=loss)
    moved = attack(Linear(weight), images, torch.tensor([0, 1]), 0) - images
    corner = 0.1 * (weight[1] - weight[0]).sign()
    torch.testing.assert_close(moved.flatten(1), torch.stack([corner, -corner]))


@settings(max_examples=20)
@given(st.sampled_from(list(LOSSES)), st.integers(0, 2**16), st.floats(0, 0.5))
def test_more_restarts_are_never_worse(loss, seed, epsilon):
    model, (images, labels) = Small(seed).eval(), images_with_extremes(6, seed)

    def reached(restarts):
        attack = RestartedPGD(epsilon=epsilon, step=0.1, steps=2, restarts=restarts, loss=loss)
        return margins(model, attack(model, images, labels, 0), labels)

    assert (reached(3) >= reached(1)).all()


def test_the_best_image_on_the_way_is_kept():
    # the step overshoots: the margin at 0.5 + 0.3 is above that at every later point
    class Peak(Linear):
        def forward(self, images):
            height = 1 - (images.flatten(1).mean(1) - 0.62).abs()
            return torch.stack([torch.zeros_like(height), height], 1)[None]

    attack = RestartedPGD(epsilon=0.2, step=0.4, steps=5, restarts=20)
    images, labels = torch.full((1, 1, 1, 1), 0.5), torch.tensor([0])
    model = Peak(torch.eye(2))
    reached = margins(model, attack(model, images, labels, 0), labels)
    assert reached > 0.99
    assert margins(model, images + 0.2, labels) < 0.93
    assert margins(model, images - 0.2, labels) < 0.93


def test_without_gradients_the_best_random_start_is_left():
    model, (images, labels) = masked(Small()).eval(), images_with_extremes(20)
    attack = RestartedPGD(epsilon=0.3, step=0.1, steps=2, restarts=8)
    found = margins(model, attack(model, images, labels, 0), labels)
    assert (found > margins(model, images, labels)).double().mean() > 0.8


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RestartedPGD(epsilon=8), r"epsilon .* in \[0, 1\], got 8"),
        (lambda: RestartedPGD(step=-1), r"step .* in \[0, 1\], got -1"),
        (lambda: RestartedPGD(steps=0), "steps must be at least 1, got 0"),
        (lambda: RestartedPGD(restarts=0), "restarts must be at least 1, got 0"),
        (lambda: RestartedPGD(loss="mse"), r"loss must be one of .*'dlr'.*, got 'mse'"),
    ],
)
def test_a_setting_out_of_range_is_refused(make, message):
    with pytest.raises(TicError, match=message):
        make()


def test_the_logit_ratio_of_two_classes_is_refused():
    images = torch.full((1, 1, 1, 2), 0.5)
    with pytest.raises(TicError, match='loss "dlr" needs at least 3 classes, got 2; use loss "cw"'):
        RestartedPGD(loss="dlr")(Linear(torch.eye(2)), images, torch.tensor([0]), 0)
