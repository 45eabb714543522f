"""Neurons against slow twins, networks against the release's counts, optimiser and loss."""

import math

import pytest
import torch

from claims.yao2023.attention import ConstantScale, SplitAttention
from claims.yao2023.fitting import CosineAdam, RateError
from claims.yao2023.networks import Frames, StepNorm
from claims.yao2023.neurons import LIF, PLIF
from claims.yao2023.recipes import FIVE_LAYERS, GAIT_NIGHT, THREE_LAYERS, module
from tic.audit import Facts, TicError
from tic.fitting import Fit
from tic.measure.activations import activations
from tic.seeding import generator

FACTS = Facts(name="f", shape=(4, 2, 8, 8), num_classes=3, train_size=9, test_size=9)
SMALL = Frames(channels=(4, 4), pooled=(1,), hidden=(6,), dropout=0.0)


def frames(count=5, seed=0):
    draws = torch.Generator().manual_seed(seed)
    return torch.randint(0, 3, (count, *FACTS.shape), generator=draws).float()


def network(seed=0, **fields):
    torch.manual_seed(seed)
    return SMALL.but(**fields).build(FACTS, 4)


class Rectangle(torch.autograd.Function):
    @staticmethod
    def forward(ctx, distance):
        ctx.save_for_backward(distance)
        return (distance >= 0).float()

    @staticmethod
    def backward(ctx, gradient):
        return gradient * 2.0 * (ctx.saved_tensors[0].abs() < 0.25)


def loop(currents, threshold):
    """The equations with torch's own gradients."""
    left, spikes, membranes = torch.zeros_like(currents[0]), [], []
    for current in currents:
        membrane = left + current
        fired = Rectangle.apply(membrane - threshold)
        left = 0.3 * membrane * (1 - fired)
        spikes.append(fired)
        membranes.append(membrane)
    return torch.stack(spikes), torch.stack(membranes)


@pytest.mark.parametrize("threshold", [0.3, 0.6])
def test_neurons_are_what_their_equations_say_forwards_and_backwards(threshold):
    draws = torch.Generator().manual_seed(1)
    currents = (0.5 * torch.randn(6, 3, 4, 2, 2, generator=draws)).requires_grad_()
    weights = torch.randn(6, 3, 4, 2, 2, generator=draws)
    neuron = LIF(threshold)
    spikes = neuron(currents)
    expected, membranes = loop(currents, threshold)
    assert torch.equal(spikes, expected)
    assert torch.allclose(neuron.potentials(currents.detach()), membranes.detach())
    (by_hand,) = torch.autograd.grad((expected * weights).sum(), currents)
    (given,) = torch.autograd.grad((spikes * weights).sum(), currents)
    assert given == pytest.approx(by_hand, abs=1e-6)
    assert by_hand.abs().sum() > 0


def test_a_neuron_leaks_fires_and_resets():
    currents = torch.tensor([0.2, 0.25, 0.1, 0.29]).view(4, 1, 1)
    # 0.2; 0.06 + 0.25 = 0.31 fires; 0.1; 0.03 + 0.29 = 0.32 fires
    assert LIF(0.3).potentials(currents).flatten() == pytest.approx([0.2, 0.31, 0.1, 0.32])
    assert LIF(0.3)(currents).flatten().tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("neuron", [LIF(0.3), PLIF(1.0)])
def test_half_precision_is_integrated_in_single_precision(neuron):
    draws = torch.Generator().manual_seed(3)
    currents = torch.randn(9, 3, 50, generator=draws).bfloat16()
    precise = currents.float().requires_grad_()
    halved = currents.clone().requires_grad_()
    potentials = neuron.potentials(currents)
    assert potentials.dtype is torch.float32
    assert torch.equal(potentials, neuron.potentials(precise.detach()))
    spikes, expected = neuron(halved), neuron(precise)
    assert spikes.dtype is torch.bfloat16
    assert torch.equal(spikes.float(), expected)
    assert 0 < spikes.mean() < 1
    spikes.sum().backward()
    expected.sum().backward()
    assert halved.grad.dtype is torch.bfloat16
    torch.testing.assert_close(halved.grad.float(), precise.grad, rtol=1e-2, atol=1e-3)


def test_scaled_currents_are_a_higher_threshold():
    currents = torch.randn(6, 3, 4, 2, 2, generator=torch.Generator().manual_seed(2))
    assert torch.equal(LIF(0.25)(0.5 * currents), LIF(0.5)(currents))


def test_learned_time_constants_begin_with_two_and_learn():
    neuron = PLIF(1.0)
    currents = torch.tensor([1.2, 1.2, 3.0]).view(3, 1, 1)
    assert neuron.potentials(currents).flatten().tolist() == pytest.approx([0.6, 0.9, 1.95])
    assert neuron(currents).flatten().tolist() == [0, 0, 1]
    neuron(currents).sum().backward()
    assert float(neuron.weight.grad) > 0


def counted(setting):
    recipe = setting.recipe
    built = recipe.architecture.shapes(recipe.dataset.facts, recipe.timesteps)
    return sum(parameter.numel() for parameter in built.parameters())


def test_the_networks_have_the_releases_parameters():
    assert counted(THREE_LAYERS) == 2_323_531
    recipe = THREE_LAYERS.recipe
    scaled = recipe.architecture.but(attention=module(recipe))
    added = counted(THREE_LAYERS.but(architecture=scaled)) - counted(THREE_LAYERS)
    assert added == 3 * 1838
    assert module(GAIT_NIGHT.recipe).reduction == 8
    assert module(FIVE_LAYERS.recipe).reduction == 1


def test_the_networks_have_the_releases_neurons():
    shapes = {}
    for name, setting in {"three": THREE_LAYERS, "five": FIVE_LAYERS, "night": GAIT_NIGHT}.items():
        recipe = setting.recipe.but(timesteps=2, dataset=setting.recipe.dataset.but(timesteps=2))
        built = recipe.architecture.build(recipe.dataset.facts, 2).eval()
        seen = activations(
            built, torch.zeros(1, *recipe.dataset.facts.shape), built.neuron_layers()
        )
        shapes[name] = [values[0, 0].numel() for values in seen.values()]
    assert sum(shapes["three"]) == 106_763
    assert sum(shapes["five"]) == 2_794_094
    assert sum(shapes["night"]) == 43_284


def test_every_condition_gives_read_outs_and_learns():
    conditions = (
        {"attention": SplitAttention(reduction=2)}, {"untied": "time"}, {"untied": "space"},
        {"neuron": "plif", "threshold": 1.0, "pooling": "max", "votes": 2}, {"dropout": 0.5},
    )  # fmt: skip
    for fields in conditions:
        made = network(**fields)
        readouts = made(frames())
        assert readouts.shape == (4, 5, 3)
        assert float(readouts.detach().min()) >= 0
        assert float(readouts.detach().max()) <= 1
        RateError()(readouts, torch.tensor([0, 1, 2, 0, 1])).backward()
        assert any(p.grad is not None and bool(p.grad.any()) for p in made.parameters())


def test_the_scale_stands_between_normalisation_and_neurons():
    plain, scaled = network(), network(attention=ConstantScale(1e-3))
    scaled.load_state_dict(plain.state_dict())
    before = activations(plain, frames(), ["norm.0", "neuron.0"])
    after = activations(scaled, frames(), ["norm.0", "neuron.0"])
    assert torch.equal(before["norm.0"], after["norm.0"])
    assert not after["neuron.0"].any()
    assert before["neuron.0"].any()


def test_votes_are_means_of_neighbours():
    made = network(votes=2)
    seen = activations(made, frames(), ["neuron.3"])["neuron.3"]
    expected = (seen[..., ::2] + seen[..., 1::2]) / 2
    assert torch.equal(made.eval()(frames()), expected)


def test_norm_by_timestep_has_weights_and_statistics_of_its_own():
    norm = StepNorm(3, 2)
    currents = torch.arange(3.0).view(3, 1, 1, 1, 1) + torch.randn(3, 40, 2, 4, 4)
    given = norm(currents)
    assert given.mean((1, 3, 4)).detach().numpy() == pytest.approx(0, abs=1e-5)
    assert norm.norm.weight.numel() == 6


def test_a_charge_adds_its_multiple_of_the_firing_rate_to_the_loss():
    labels = torch.tensor([0, 1, 2, 0, 1])
    plain, charged = network(), network(charge=0.7)
    charged.load_state_dict(plain.state_dict())
    fired = {}
    for index, layer in enumerate(plain.neuron):
        layer.register_forward_hook(lambda _m, _i, out, k=index: fired.update({k: out}))
    loss = RateError()(plain(frames()), labels)
    rate = sum(s.sum() for s in fired.values()) / sum(s.numel() for s in fired.values())
    (loss + 0.7 * rate).backward()
    other = RateError()(charged(frames()), labels)
    other.backward()
    assert float(other.detach()) == pytest.approx(float(loss.detach()))
    for one, two in zip(plain.parameters(), charged.parameters(), strict=True):
        assert two.grad == pytest.approx(one.grad, abs=1e-6)
    assert torch.equal(charged.eval()(frames()), plain.eval()(frames()))


def test_gains_of_normalisation_begin_where_they_are_told():
    assert {float(n.weight.detach()[0]) for n in network(gain=0.5).norm} == {0.5}
    assert float(network(gain=0.25, untied="time").norm[0].norm.weight.detach()[3]) == 0.25


def test_operations_are_those_of_convolutions_and_products():
    conv = 64 * 9 * 2 * 4, 64 * 9 * 4 * 4
    dense = 4 * 16 * 6, 6 * 3
    forward = sum(conv) + sum(dense)
    assert SMALL.operations(FACTS, 4) == 2 * 4 * (3 * forward - conv[0])


def test_the_rate_falls_as_a_cosine_to_its_floor():
    fitting = CosineAdam(rate=1e-2, floor=1e-4)
    optimiser = fitting.optimiser(network())
    rates = []
    for epoch in (0, 5, 10):
        fit = Fit(network(), optimiser, 10, 0, generator(0, "x"), epoch=epoch)
        fitting.before_epoch(fit)
        rates.append(optimiser.param_groups[0]["lr"])
    assert rates == pytest.approx([1e-2, (1e-2 + 1e-4) / 2, 1e-4])
    assert optimiser.param_groups[0]["weight_decay"] == 1e-4


def test_the_loss_is_the_squared_error_of_rates():
    logits = torch.tensor([[[1.0, 0.0]], [[0.0, 0.0]]])
    assert float(RateError()(logits, torch.tensor([0]))) == pytest.approx((0.5**2 + 0) / 2)
    assert float(RateError()(logits, torch.tensor([1]))) == pytest.approx((0.5**2 + 1) / 2)
    assert math.isclose(float(RateError()(logits, torch.tensor([1]))), 0.625)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SMALL.but(channels=(0,)), "channels must be at least 1 each"),
        (lambda: SMALL.but(dropout=1.0), r"dropout must be in \[0, 1\)"),
        (lambda: SMALL.but(threshold=0.0), "threshold must be above 0"),
        (lambda: SMALL.but(charge=-1.0), "charge must be at least 0"),
        (lambda: SMALL.build(FACTS, 5), "needs frames .* with T=5"),
        (lambda: SMALL.but(pooled=(0, 1, 2, 3)).build(FACTS, 4), "cannot be halved 4 times"),
        (lambda: network()(torch.zeros(1, 3, 2, 8, 8)), "frames must be .* with T=4"),
        (lambda: CosineAdam(rate=1e-7), "floor must be above 0 and at most the rate"),
        (lambda: CosineAdam(weight_decay=-1.0), "weight_decay must be at least 0"),
    ],
)
def test_what_cannot_be_is_told(make, message):
    with pytest.raises(TicError, match=message):
        make()
