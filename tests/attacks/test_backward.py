import math
from contextlib import nullcontext
from functools import partial

import pytest
import torch
from attacked import Linear, Small, images_with_extremes, masked
from torch import nn

from tic.attacks import APGD, FGSM, PGD, AsDouble, Passes, RateBackward, SurrogateWidth
from tic.errors import TicError
from tic.measure.robustness import zero_gradients
from tic.neurons import LIF, fresh_membranes

pytestmark = pytest.mark.usefixtures("one_thread")

WIDTHS = (0.1, 0.3, 1.0, 3.0, 10.0)


class Probe:
    """An attack that looks at the gradient of Σ weights · model(images) and moves nothing."""

    epsilon = 0.0
    passes = Passes(0, 1)

    def __init__(self, weights):
        self.weights = weights

    def __call__(self, model, images, labels, batch):
        leaf = images.clone().requires_grad_()
        self.output = model(leaf)
        (self.output * self.weights).sum().backward()
        self.gradient = leaf.grad
        return images


class Broken(Probe):
    def __call__(self, model, images, labels, batch):
        super().__call__(model, images, labels, batch)
        raise RuntimeError("broken")


def currents(*over_time):
    """Input currents (T, 1) of one neuron."""
    return torch.tensor(over_time, dtype=torch.float64)[:, None]


def probed(variant, weights, neuron, sequence, **settings):
    """The gradient at the currents of one neuron, given those at its spikes."""
    probe = Probe(currents(*weights))
    variant(attack=probe, **settings)(neuron, sequence, None, 0)
    return probe.gradient.flatten().tolist()


@pytest.mark.parametrize("width", WIDTHS)
def test_the_derivative_of_a_spike_is_that_of_the_wider_arctangent(width):
    # one timestep: S = H(I/τ - θ), so dS/dI = 1/τ · (1/w) / (1 + (π x/w)²) at x = 1.5/2 - 1
    slope = 1 / width / (1 + (math.pi * 0.25 / width) ** 2) / 2
    found = probed(SurrogateWidth, [1.0], LIF(), currents(1.5), factor=width)
    assert found == pytest.approx([slope])


@pytest.mark.parametrize("attack", [FGSM(), PGD(), APGD(epsilon=0.2, steps=5)], ids=repr)
def test_width_one_is_the_plain_attack(attack):
    model, (images, _) = Small().eval(), images_with_extremes(6)
    labels = model(images).mean(0).argmax(1)
    same = SurrogateWidth(attack=attack, factor=1)(model, images, labels, 0)
    assert torch.equal(same, attack(model, images, labels, 0))
    other = SurrogateWidth(attack=attack, factor=5)(model, images, labels, 0)
    assert not torch.equal(other, same)


@pytest.mark.parametrize(
    ("sequence", "slope"),
    [
        # τ = 2, θ = 1: slope γ/(τθ) = 0.1 up to the threshold, (1 - 0.1)/3 up to 2τθ = 4
        ((0.5, 1.0), 0.1),
        ((1.0, 2.5), 0.3),
        ((3.0, 4.9), 0.3),
        ((3.0, 5.1), 0.0),
        ((-1.0, 0.9), 0.0),
    ],
)
def test_a_rate_passes_the_mean_gradient_at_its_slope_to_every_timestep(sequence, slope):
    # the mean of 1 and 3 reaches both currents, whatever the neuron did at each timestep
    found = probed(RateBackward, [1.0, 3.0], LIF(), currents(*sequence))
    assert found == pytest.approx([2 * slope, 2 * slope])


def test_the_rate_is_in_units_of_the_threshold():
    neuron = partial(LIF, tau=4.0, threshold=0.5)
    low = probed(RateBackward, [1.0], neuron(), currents(0.25))
    assert low == pytest.approx([0.2 / (4 * 0.5)])
    high = probed(RateBackward, [1.0], neuron(), currents(2.0))
    assert high == pytest.approx([(1 - 0.2 / 4) / (7 * 0.5)])


def test_a_leak_below_zero_counts_as_none():
    assert probed(RateBackward, [1.0], LIF(tau=0.75), currents(0.5)) == pytest.approx([0.2])


@pytest.mark.parametrize(
    "variant",
    [partial(SurrogateWidth, factor=7), RateBackward],
)
def test_the_spikes_are_those_of_the_network(variant):
    model, (images, _) = Small().eval(), images_with_extremes(6)
    probe = Probe(1.0)
    variant(attack=probe)(model, images, None, 0)
    assert torch.equal(probe.output, model(images))


@pytest.mark.parametrize("stepwise", [True, False])
@pytest.mark.parametrize(
    "variant",
    [partial(SurrogateWidth, factor=7), RateBackward],
)
def test_the_network_is_as_before_when_the_attack_fails(variant, stepwise):
    model, (images, _) = Small().eval(), images_with_extremes(2)
    model.stepwise = stepwise
    spike = model.lif.spike
    with pytest.raises(RuntimeError, match="broken"):
        variant(attack=Broken(1.0))(model, images, None, 0)
    assert model.lif.spike is spike
    assert not model.lif._forward_hooks
    assert model.stepwise == stepwise


def test_a_rate_is_taken_over_all_timesteps_of_a_stepwise_network():
    model, (images, labels) = Small().eval(), images_with_extremes(6)
    at_once = RateBackward(attack=PGD())(model, images, labels, 0)
    model.stepwise = True
    assert torch.equal(RateBackward(attack=PGD())(model, images, labels, 0), at_once)


class OwnLoop(nn.Module):
    """Calls its layer with parts of a sequence, from rest unless told otherwise."""

    def __init__(self, steps, resets=True):
        super().__init__()
        self.lif, self.steps, self.resets = LIF(), steps, resets

    def forward(self, sequence):
        with fresh_membranes(self) if self.resets else nullcontext():
            return torch.cat([self.lif(part) for part in sequence.split(self.steps)])


def test_a_rate_of_a_part_of_the_timesteps_is_refused():
    sequence, probe = currents(1.0, 3.0), Probe(currents(1.0, 3.0))
    for _ in range(2):
        RateBackward(attack=probe)(OwnLoop(2), sequence, None, 0)
        assert probe.gradient.flatten().tolist() == pytest.approx([0.6, 0.6])  # the mean, × 0.3
    network = OwnLoop(1)
    with pytest.raises(
        TicError, match=r"must be called once, .* further call of layer 'lif' .* or"
    ):
        RateBackward(attack=probe)(network, sequence, None, 0)
    assert not network.lif._forward_hooks
    assert not network.lif._forward_pre_hooks
    SurrogateWidth(attack=probe, factor=1)(network, sequence, None, 0)


def test_a_rate_that_goes_on_from_an_earlier_call_is_refused():
    network, sequence = OwnLoop(2, resets=False), currents(1.0, 3.0)
    RateBackward(attack=Probe(1.0))(network, sequence, None, 0)
    with pytest.raises(
        TicError, match=r"before its membrane was back at rest; call each .* inside"
    ):
        RateBackward(attack=Probe(1.0))(network, sequence, None, 0)


@pytest.mark.parametrize(
    "variant",
    [SurrogateWidth(attack=FGSM(), factor=1), RateBackward(attack=FGSM())],
)
def test_gradients_that_were_taken_away_come_back(variant):
    model, (images, labels) = masked(Small()).eval(), images_with_extremes(6)
    assert all(zero_gradients(model, [(images, labels)]))
    assert torch.equal(FGSM()(model, images, labels, 0), images)
    moved = variant(model, images, labels, 0)
    assert ((moved - images).flatten(1) != 0).any(1).all()


def test_variants_of_the_backward_pass_work_on_a_copy_in_double_precision(tiny, batch):
    network, images, labels = tiny.float(), batch[0].float(), batch[1]
    plain = AsDouble(attack=FGSM())(network, images, labels, 0)
    for variant in (RateBackward, partial(SurrogateWidth, factor=9)):
        inside = variant(attack=AsDouble(attack=FGSM()))(network, images, labels, 0)
        outside = AsDouble(attack=variant(attack=FGSM()))(network, images, labels, 0)
        assert torch.equal(inside, outside)
        assert not torch.equal(inside, plain)


@pytest.mark.parametrize(
    "variant",
    [SurrogateWidth(attack=FGSM(), factor=2), RateBackward(attack=FGSM())],
)
def test_a_network_without_spikes_is_refused(variant):
    image = torch.full((1, 1, 1, 2), 0.5)
    with pytest.raises(TicError, match=r"the network must have LIF layers.* got none in Linear"):
        variant(Linear(torch.eye(2)), image, torch.tensor([0]), 0)


def test_the_texts_say_everything():
    assert (
        repr(SurrogateWidth(attack=RateBackward(attack=FGSM(epsilon=0.5)), factor=3))
        == "SurrogateWidth(attack=RateBackward(attack=FGSM(epsilon=0.5)), factor=3)"
    )


def test_a_width_that_is_not_positive_is_refused():
    with pytest.raises(TicError, match="factor must be above 0 and finite, got 0"):
        SurrogateWidth(attack=FGSM(), factor=0)
