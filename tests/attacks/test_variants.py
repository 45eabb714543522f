import math

import pytest
import torch
from attacked import Linear, Small, images_with_extremes

from tic.attacks import FGSM, PGD, AsDouble, Passes, Rescaled, RestartedPGD
from tic.errors import TicError

pytestmark = pytest.mark.usefixtures("one_thread")

# Two pixels, two classes: class 0 wins by 0.1 times the scale of the logits.
IMAGE = torch.tensor([0.55, 0.45]).view(1, 1, 1, 2)
LABEL = torch.tensor([0])
UP = torch.tensor([-0.1, 0.1]).view(1, 1, 1, 2)
ATTACK = FGSM(epsilon=0.1)


def linear(scale):
    return Linear(torch.eye(2), scale)


def test_where_single_precision_sees_no_gradient_double_precision_does():
    # the wrong class's probability exp(-200) is 0 in float32 and not in float64; the right one's
    # is 1 in both, so that only the second pixel is moved
    model = linear(2000.0)
    assert torch.equal(ATTACK(model, IMAGE, LABEL, 0), IMAGE)
    moved = AsDouble(attack=ATTACK)(model, IMAGE, LABEL, 0) - IMAGE
    assert moved.flatten().tolist() == pytest.approx([0.0, 0.1])


def test_double_precision_is_given_back_in_the_precision_of_the_images():
    model, (images, labels) = Small().eval(), images_with_extremes(4)
    moved = AsDouble(attack=PGD())(model, images, labels, 0)
    assert moved.dtype is torch.float32
    by_hand = PGD()(Small().double().eval(), images.double(), labels, 0).float()
    torch.testing.assert_close(moved, by_hand)


def test_smaller_logits_take_the_softmax_out_of_saturation():
    model = linear(20_000.0)
    assert torch.equal(AsDouble(attack=ATTACK)(model, IMAGE, LABEL, 0), IMAGE)
    moved = Rescaled(attack=ATTACK, factor=0.001)(model, IMAGE, LABEL, 0)
    torch.testing.assert_close(moved - IMAGE, UP)


def test_rescaling_is_attacking_the_network_with_rescaled_logits():
    images = torch.rand(4, 1, 2, 2, generator=torch.Generator().manual_seed(0))
    labels, weight = torch.tensor([0, 1, 2, 0]), torch.randn(3, 4)
    moved = Rescaled(attack=PGD(), factor=8)(Linear(weight), images, labels, 0)
    assert torch.equal(moved, PGD()(Linear(weight, 8.0), images, labels, 0))


def test_an_attack_on_a_ratio_of_logits_does_not_notice_a_rescaling():
    model, (images, labels) = Small().eval(), images_with_extremes(6)
    attack = RestartedPGD(loss="dlr", steps=5, restarts=2)
    rescaled = Rescaled(attack=attack, factor=4)(model, images, labels, 0)
    torch.testing.assert_close(rescaled, attack(model, images, labels, 0))


def test_a_variant_has_the_ball_and_the_cost_of_its_attack():
    attack = RestartedPGD(epsilon=0.2, steps=7, restarts=3)
    nested = AsDouble(attack=Rescaled(attack=attack, factor=2))
    assert (nested.epsilon, nested.passes) == (0.2, Passes(forwards=3, gradients=21))


def test_the_text_of_a_variant_says_everything_about_it():
    nested = AsDouble(attack=Rescaled(attack=FGSM(epsilon=0.5), factor=10))
    assert repr(nested) == "AsDouble(attack=Rescaled(attack=FGSM(epsilon=0.5), factor=10))"


@pytest.mark.parametrize("factor", [0, -1, math.nan, math.inf])
def test_a_factor_that_is_not_positive_and_finite_is_refused(factor):
    with pytest.raises(TicError, match=f"factor must be above 0 and finite, got {factor}"):
        Rescaled(attack=ATTACK, factor=factor)
