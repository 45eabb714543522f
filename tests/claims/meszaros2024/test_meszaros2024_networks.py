"""Neurons, network, optimiser and loss against slow twins, and against what PyTorch has."""

import math

import pytest
import torch
from torch import nn

from claims.meszaros2024.fitting import DelayAdam, SummedSoftmax, one_cycle
from claims.meszaros2024.networks import Delayed
from claims.meszaros2024.neurons import LIF, Readout
from claims.meszaros2024.recipes import HEIDELBERG, SPOKEN
from claims.meszaros2024.rules import layers
from tic.audit import Facts, TicError
from tic.fitting import Fit
from tic.losses import prefix_logits
from tic.seeding import generator

FACTS = Facts(name="f", shape=(9, 6), num_classes=3, train_size=9, test_size=9)
SMALL = Delayed(hidden=5, largest_delay=4, tau=4.0)


class Arctangent(torch.autograd.Function):
    @staticmethod
    def forward(ctx, distance):
        ctx.save_for_backward(distance)
        return (distance > 0).to(distance.dtype)

    @staticmethod
    def backward(ctx, gradient):
        (distance,) = ctx.saved_tensors
        return gradient * 2.5 / (1 + (math.pi * 5 * distance / 2) ** 2)


def loop(currents, leak):
    """The equations, one timestep after the other, with torch's own gradients."""
    potential, incoming, spikes = torch.zeros_like(currents[0]), None, []
    for current in currents:
        fired = Arctangent.apply(potential - 1)
        spikes.append(fired)
        if incoming is not None:
            potential = (leak * potential + incoming) * (1 - fired.detach())
        incoming = current
    return torch.stack(spikes)


def leaking(currents, leak):
    potential, incoming, potentials = torch.zeros_like(currents[0]), None, []
    for current in currents:
        if incoming is not None:
            potential = leak * potential + incoming
        potentials.append(potential)
        incoming = current
    return torch.stack(potentials)


def drawn(*shape, seed=1, scale=0.6):
    draws = torch.Generator().manual_seed(seed)
    return (scale * torch.randn(shape, generator=draws, dtype=torch.float64)).requires_grad_()


@pytest.mark.parametrize("trained", [False, True])
def test_neurons_are_what_their_equations_say_forwards_and_backwards(trained):
    neuron = LIF(4.0, trained=trained).double()
    for module, twin in ((neuron, loop), (Readout(4.0, trained=trained).double(), leaking)):
        currents, weights = drawn(12, 3, 5), drawn(12, 3, 5, seed=2).detach()
        twin_currents = currents.detach().clone().requires_grad_()
        leak = module.leak.detach().clone().requires_grad_()
        output, expected = module(currents), twin(twin_currents, leak)
        torch.testing.assert_close(output, expected)
        (output * weights).sum().backward()
        (expected * weights).sum().backward()
        torch.testing.assert_close(currents.grad, twin_currents.grad)
        if trained:
            slope = module.leak * (1 - module.leak)
            torch.testing.assert_close(module.logit.grad, leak.grad * slope.detach())
    assert 0 < neuron(drawn(12, 3, 5)).mean() < 1


def test_a_neuron_fires_two_timesteps_after_its_input_and_loses_that_of_its_reset():
    currents = torch.tensor([1.5, 0.9, 0.9, 0.9, 0.0, 0.0]).view(6, 1, 1)
    # V: 0, 1.5, reset (0.9 of t = 1 is lost), 0.9, 0.75·0.9 + 0.9 = 1.575, reset
    assert LIF(4.0)(currents).flatten().tolist() == [0, 0, 1, 0, 0, 1]


def test_time_constants_that_do_not_leak_are_refused():
    for tau in (1.0, 0.5, math.inf, math.nan):
        with pytest.raises(TicError, match="tau must be above 1 timestep"):
            LIF(tau)


def recordings(count=4, seed=0):
    draws = torch.Generator().manual_seed(seed)
    return 3 * torch.rand(count, *FACTS.shape, generator=draws)


def network(seed=0, **fields):
    torch.manual_seed(seed)
    return SMALL.but(**fields).build(FACTS, 9)


def rolled(layer, inputs):
    """A layer whose delays are whole timesteps: y[t] = Σ w x[t - d]."""
    outputs = torch.zeros(*inputs.shape[:2], layer.weight.shape[0])
    delays = layer.delay.round().long()
    for o, i in torch.cartesian_prod(*map(torch.arange, layer.weight.shape)).tolist():
        d = int(delays[o, i])
        late = torch.cat([torch.zeros(d, inputs.shape[1]), inputs[..., i]])[: len(inputs)]
        outputs[..., o] += layer.weight[o, i] * late
    return outputs


@pytest.mark.parametrize("delays", ["none", "fixed", "blurred", "learned"])
@torch.no_grad()
def test_the_network_is_its_parts_one_after_the_other(delays):
    made = network(delays=delays).eval()
    made.norm.running_mean.copy_(torch.randn(5))
    made.norm.running_var.copy_(0.5 + torch.rand(5))
    inputs = recordings()
    currents = rolled(made.inner, inputs.transpose(0, 1))
    scale = (made.norm.running_var + made.norm.eps).rsqrt()
    spikes = loop((currents - made.norm.running_mean) * scale, made.neuron.leak)
    expected = leaking(rolled(made.outer, spikes), made.readout.leak).softmax(2)
    torch.testing.assert_close(made(inputs), expected)
    assert spikes.any()


def test_a_hidden_neuron_is_dropped_for_a_whole_recording():
    made = network(dropout=0.5, delays="none").train()
    seen = []
    made.neuron.register_forward_hook(lambda *_: torch.ones(9, 4, 5))
    made.outer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    made(recordings())
    (spikes,) = seen
    assert (spikes == spikes[0]).all()
    assert set(spikes.flatten().tolist()) == {0.0, 2.0}
    assert (spikes[0] != spikes[0, 0]).any()


def test_weights_and_delays_begin_as_the_releases_do():
    torch.manual_seed(0)
    made = Delayed(delays="fixed").build(HEIDELBERG.recipe.dataset.facts, 80)
    # Kaiming's bound is √(6 / inputs); the last of 25 delays takes in the one beyond it.
    for layer, inputs in ((made.inner, 40), (made.outer, 256)):
        bound, weight = (6 / inputs) ** 0.5, layer.weight.detach()
        assert weight.abs().max() == pytest.approx(bound, rel=0.01)
        assert weight.abs().mean() == pytest.approx(bound / 2, rel=0.03)
        assert 0 <= layer.delay.min() < 0.1
        assert layer.delay.mean() == pytest.approx(12.5 - 0.02, rel=0.02)
        assert (layer.delay == 24).float().mean() == pytest.approx(0.04, abs=0.008)
    assert made.inner.weight.numel() + made.outer.weight.numel() == 15_360


def test_only_learned_delays_are_parameters():
    for delays in ("none", "fixed", "blurred", "learned"):
        names = {name for name, _ in network(delays=delays).named_parameters()}
        assert ("inner.delay" in names) == (delays == "learned")


def test_recordings_of_another_length_are_refused():
    with pytest.raises(TicError, match="T and F = \\(9, 6\\), got shape \\(4, 8, 6\\)"):
        network()(recordings()[:, 1:])
    with pytest.raises(TicError, match="needs recordings \\(T, F\\) with T=8"):
        SMALL.build(FACTS, 8)


def test_operations_are_those_of_dense_convolutions():
    recipe = HEIDELBERG.recipe
    count = recipe.architecture.operations(recipe.dataset.facts, 80)
    assert count == 2 * 80 * 25 * (2 * 40 * 256 + 3 * 256 * 20)
    smoke = SPOKEN.recipe
    assert smoke.architecture.operations(smoke.dataset.facts, 40) == 2 * 40 * 13 * 5 * 20 * 64


@pytest.mark.parametrize("epochs", [2, 3, 20, 150])
def test_rates_are_those_of_torchs_schedules(epochs):
    made = network()
    fitting = DelayAdam(l1=0.0)
    fit = Fit(made, fitting.optimiser(made), epochs, 0, generator(0, "rules"))
    twin = torch.optim.Adam([nn.Parameter(torch.zeros(1))], lr=1e-3)
    cycle = torch.optim.lr_scheduler.OneCycleLR(twin, 5e-3, total_steps=epochs)
    delays = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(delays, epochs)
    for epoch in range(epochs):
        fit.epoch = epoch
        fitting.before_epoch(fit)
        weights, positions = fit.optimiser.param_groups
        assert weights["lr"] == pytest.approx(twin.param_groups[0]["lr"])
        assert weights["betas"] == pytest.approx(twin.param_groups[0]["betas"])
        assert positions["lr"] == pytest.approx(delays.param_groups[0]["lr"])
        if epoch == 0 and epochs > 3:
            assert (weights["lr"], positions["lr"]) == pytest.approx((2e-4, 0.1))
        twin.step()
        delays.step()
        if epoch < epochs - 1:
            cycle.step()
        cosine.step()


def test_a_training_of_one_epoch_has_a_rate():
    share, decay = one_cycle(0, 1)
    assert 0 < share <= 1
    assert 0.85 <= decay <= 0.95


def test_l1_is_that_of_the_sum_of_absolute_weights_in_the_loss():
    one, other = network(delays="learned"), network(delays="learned")
    labels = torch.tensor([0, 1, 2, 0])
    loss = SummedSoftmax()
    torch.manual_seed(3)
    shrinking = DelayAdam(l1=0.01).optimiser(one)
    loss(one(recordings()), labels).backward()
    shrinking.step()
    torch.manual_seed(3)
    plain = DelayAdam(l1=0.0).optimiser(other)
    penalty = sum(layer.weight.abs().sum() for layer in layers(other).values())
    (loss(other(recordings()), labels) + 0.01 * penalty).backward()
    plain.step()
    for mine, theirs in zip(one.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs)
    untouched = network(delays="learned")
    assert not torch.equal(one.inner.weight, untouched.inner.weight)


def test_the_loss_is_the_cross_entropy_of_summed_softmaxes():
    readouts = torch.tensor([[[0.2, 0.8]], [[0.5, 0.5]]])  # (T, B, K)
    sums = [0.7, 1.3]
    expected = -(sums[1] - math.log(sum(map(math.exp, sums))))
    assert float(SummedSoftmax()(readouts, torch.tensor([1]))) == pytest.approx(expected)


def test_the_mean_readout_decides_as_the_releases_sum_does():
    made = network(delays="fixed").eval()
    softmaxes = made(recordings())
    torch.testing.assert_close(softmaxes.sum(2), torch.ones(9, 4))
    assert torch.equal(prefix_logits(softmaxes)[-1].argmax(1), softmaxes.sum(0).argmax(1))


@pytest.mark.parametrize(
    ("fields", "says"),
    [({"rate": 0.0}, "rate must be above 0"), ({"delay_rate": -1.0}, "delay_rate must be above 0"),
     ({"l1": -0.1}, "l1 must be at least 0")],
)  # fmt: skip
def test_rates_out_of_range_are_refused(fields, says):
    with pytest.raises(TicError, match=says):
        DelayAdam(**fields)


@pytest.mark.parametrize(
    ("fields", "says"),
    [({"hidden": 0}, "hidden must be at least 1"), ({"largest_delay": 0}, "largest_delay must"),
     ({"tau": 1.0}, "tau must be above 1"), ({"dropout": 1.0}, "dropout must be in")],
)  # fmt: skip
def test_networks_out_of_range_are_refused(fields, says):
    with pytest.raises(TicError, match=says):
        Delayed(**fields)
