import math

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from spikingjelly.activation_based import functional, surrogate
from torch import nn

from tic.errors import TicError
from tic.neurons import LIF, fresh_membranes, lif

pytestmark = pytest.mark.usefixtures("one_thread")

CHARGED_IN_BINARY = [
    # input per step, membrane after each step, spikes: τ = 2, threshold 1, all numbers exact
    (1.0, [0.5, 0.75, 0.875, 0.9375], [0, 0, 0, 0]),
    (1.25, [0.625, 0.9375, 0.0, 0.625], [0, 0, 1, 0]),
    (1.5, [0.75, 0.0, 0.75, 0.0], [0, 1, 0, 1]),
    (2.0, [0.0, 0.0, 0.0, 0.0], [1, 1, 1, 1]),
    (-1.0, [-0.5, -0.75, -0.875, -0.9375], [0, 0, 0, 0]),
]


def traced(currents, tau=2.0, threshold=1.0):
    """Spikes and membranes after every step, one step at a time."""
    layer = LIF(tau, threshold)
    spikes, membranes = [], []
    with fresh_membranes(layer):
        for current in currents:
            spikes.append(layer(current[None])[0])
            membranes.append(layer.membrane)
    return torch.stack(spikes), torch.stack(membranes)


def fused(currents, tau=2.0, threshold=1.0):
    layer = LIF(tau, threshold)
    with fresh_membranes(layer):
        spikes = layer(currents)
        return spikes, layer.membrane


def looped(currents, tau, threshold):
    """Eq. 1 for one neuron in plain Python: potentials before the reset, spikes, last membrane."""
    potential, potentials, spikes = 0.0, [], []
    for current in currents:
        potential = (1 - 1 / tau) * potential + current / tau
        potentials.append(potential)
        spikes.append(1.0 if potential >= threshold else 0.0)
        potential = 0.0 if spikes[-1] else potential
    return potentials, spikes, potential


def looped_gradient(potentials, spikes, slopes, tau, threshold):
    """Gradient of Σ_t slopes_t · S_t at every current, with the reset held constant."""
    gradient, carried = [0.0] * len(slopes), 0.0
    for t in reversed(range(len(slopes))):
        surrogate = 1 / (1 + (math.pi * (potentials[t] - threshold)) ** 2)
        at_potential = slopes[t] * surrogate + carried * (1 - spikes[t])
        gradient[t] = at_potential / tau
        carried = at_potential * (1 - 1 / tau)
    return gradient


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("current", "membranes", "spikes"), CHARGED_IN_BINARY)
def test_a_constant_current_charges_and_fires_as_computed_by_hand(
    current, membranes, spikes, dtype
):
    fired, charged = traced(torch.full((4, 1), current, dtype=dtype))
    assert charged.flatten().tolist() == membranes
    assert fired.flatten().tolist() == spikes
    assert fired.dtype is dtype


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_membrane_exactly_at_the_threshold_fires_and_just_below_does_not(dtype):
    exactly, below = 1.0, math.nextafter(1.0, 0.0) if dtype is torch.float64 else 1 - 2**-24
    currents = torch.tensor([[exactly, below]], dtype=dtype)
    spikes, membrane = fused(currents, tau=1.0)
    assert spikes.tolist() == [[1.0, 0.0]]
    assert membrane.tolist() == [0.0, below]


def test_a_spike_resets_to_zero_however_far_the_threshold_was_passed():
    _, membranes = traced(torch.tensor([[100.0], [0.5]]))
    assert membranes.flatten().tolist() == [0.0, 0.25]


def test_the_threshold_is_the_one_that_was_asked_for():
    spikes, membranes = traced(torch.ones(3, 1), threshold=0.75)
    assert spikes.flatten().tolist() == [0.0, 1.0, 0.0]
    assert membranes.flatten().tolist() == [0.5, 0.0, 0.5]


def test_a_time_constant_below_one_gives_a_negative_leak():
    # τ = 3/4: U_t = -U_{t-1}/3 + 4/3 I_t, so 0.8, -0.8/3 + 0.8 = 8/15, -8/45 + 0.8 = 28/45
    _, membranes = traced(torch.full((3, 1), 0.6, dtype=torch.float64), tau=0.75)
    assert membranes.flatten().tolist() == pytest.approx([0.8, 8 / 15, 28 / 45], abs=1e-15)


@pytest.mark.parametrize("tau", [0, -1.0, math.nan])
def test_a_time_constant_that_is_not_positive_is_refused(tau):
    with pytest.raises(TicError, match=f"tau must be above 0 and finite, got {tau:g}"):
        LIF(tau)


currents_over_time = st.lists(st.floats(-3, 6), min_size=1, max_size=8)
time_constants = st.sampled_from([0.5, 0.75, 1.0, 4 / 3, 2.0, 4.0])


def away_from_threshold(potentials, threshold):
    return all(abs(potential - threshold) > 1e-9 for potential in potentials)


@given(currents_over_time, time_constants, st.sampled_from([0.5, 1.0]))
def test_fused_and_stepwise_integration_match_a_plain_loop(values, tau, threshold):
    potentials, spikes, last = looped(values, tau, threshold)
    assume(away_from_threshold(potentials, threshold))
    currents = torch.tensor(values, dtype=torch.float64)[:, None]
    for fired, membrane in (
        fused(currents, tau, threshold),
        tuple(each[-1] if k else each for k, each in enumerate(traced(currents, tau, threshold))),
    ):
        assert fired.flatten().tolist() == spikes
        assert membrane.item() == pytest.approx(last, abs=1e-12)


@given(currents_over_time, time_constants, st.integers(0, 2**16), st.booleans())
def test_gradients_match_a_plain_loop_with_the_reset_detached(values, tau, seed, stepwise):
    potentials, spikes, _ = looped(values, tau, 1.0)
    assume(away_from_threshold(potentials, 1.0))
    slopes = torch.randn(
        len(values), dtype=torch.float64, generator=torch.Generator().manual_seed(seed)
    )
    currents = torch.tensor(values, dtype=torch.float64)[:, None].requires_grad_()
    fired, _ = (traced if stepwise else fused)(currents, tau)
    (gradient,) = torch.autograd.grad(fired.flatten() @ slopes, currents)
    by_hand = looped_gradient(potentials, spikes, slopes.tolist(), tau, 1.0)
    assert gradient.flatten().tolist() == pytest.approx(by_hand, rel=1e-9, abs=1e-12)


def test_single_precision_integrates_like_double_precision():
    values = 2 * torch.randn(6, 3, 4, dtype=torch.float64, generator=torch.Generator())
    slopes = torch.randn(6, 3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    results = []
    for dtype in (torch.float32, torch.float64):
        currents = values.to(dtype).requires_grad_()
        spikes, membrane = fused(currents)
        (gradient,) = torch.autograd.grad((spikes * slopes.to(dtype)).sum(), currents)
        results.append((spikes.double(), membrane.double(), gradient.double()))
    for single, double in zip(*results, strict=True):
        torch.testing.assert_close(single, double, rtol=1e-5, atol=1e-6)
    assert 0 < results[0][0].mean() < 1


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_spike_has_the_arctangent_derivative(dtype):
    # with τ = 1 the potential is the current, so dS/dI is the surrogate itself
    currents = torch.linspace(-4, 6, 41, dtype=dtype)[None].requires_grad_()
    spikes, _ = fused(currents, tau=1.0)
    (gradient,) = torch.autograd.grad(spikes.sum(), currents)
    expected = 1 / (1 + (math.pi * (currents.detach() - 1)) ** 2)
    torch.testing.assert_close(gradient, expected)
    assert gradient.max() == gradient[0, 20] == 1


def test_the_reset_is_detached():
    # U_1 = 1.25 fires. Through the reset, dS_2/dI_1 would be 0.25·σ'·(1 - S_1 - U_1·σ'(U_1 - 1));
    # detached, a spike cuts the first current off from everything later.
    currents = torch.tensor([[2.5], [1.0]], dtype=torch.float64, requires_grad=True)
    spikes, _ = fused(currents)
    (gradient,) = torch.autograd.grad(spikes[1].sum(), currents)
    assert gradient.flatten().tolist() == pytest.approx([0.0, 0.5 / (1 + (math.pi / 2) ** 2)])


def test_without_a_spike_the_gradient_passes_the_leak():
    # U_1 = 0.5, U_2 = 0.75: dS_2/dI_1 = σ'(-0.25) · leak · gain = σ'(-0.25) / 4
    currents = torch.tensor([[1.0], [1.0]], dtype=torch.float64, requires_grad=True)
    spikes, _ = fused(currents)
    (gradient,) = torch.autograd.grad(spikes[1].sum(), currents)
    slope = 1 / (1 + (math.pi / 4) ** 2)
    assert gradient.flatten().tolist() == pytest.approx([slope / 4, slope / 2])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_deep_network_keeps_its_surrogate_gradients_in_evaluation_mode(dtype):
    generator = torch.Generator().manual_seed(0)
    layers = [module for _ in range(6) for module in (nn.Linear(8, 8), LIF())]
    network = nn.Sequential(*layers).to(dtype)
    for layer in layers[::2]:
        nn.init.normal_(layer.weight, std=1.0, generator=generator)
        nn.init.constant_(layer.bias, 0.5)
    images = torch.rand(4, 2, 8, generator=generator).to(dtype).requires_grad_()
    gradients = []
    for mode in (True, False):
        with fresh_membranes(network.train(mode)):
            gradients.append(torch.autograd.grad(network(images).sum(), images)[0])
    assert torch.equal(*gradients)
    assert gradients[1].abs().amin() > 0


def test_integration_goes_on_from_the_membrane_that_it_is_given():
    layer = LIF()
    spikes, membrane = lif(torch.ones(1, 2), torch.tensor([0.5, 1.5]), 2.0, 1.0, layer.spike)
    assert spikes.tolist() == [[0.0, 1.0]]
    assert membrane.tolist() == [0.75, 0.0]


def test_the_membrane_lives_between_calls_and_only_inside_the_context():
    network = nn.Sequential(LIF(), nn.Sequential(LIF()))
    with fresh_membranes(network):
        network(torch.ones(1, 1))
        assert network[0].membrane.item() == 0.5
        network(torch.ones(1, 1))
        assert network[0].membrane.item() == 0.75
    assert network[0].membrane is None
    assert network[1][0].membrane is None


def test_the_membrane_is_forgotten_at_the_start_whatever_was_left_over():
    layer = LIF()
    layer.membrane = torch.ones(7)
    with fresh_membranes(layer):
        assert layer(torch.ones(1, 2)).tolist() == [[0.0, 0.0]]


def test_the_membrane_is_forgotten_after_an_exception():
    network = nn.Sequential(LIF(), nn.Linear(2, 2))
    with pytest.raises(RuntimeError, match="cannot be multiplied"), fresh_membranes(network):
        network(torch.ones(1, 7))
    assert network[0].membrane is None


def test_a_layer_shows_its_parameters_and_has_none_to_train():
    layer = LIF(tau=4, threshold=0.5)
    assert "tau=4.0, threshold=0.5" in repr(layer)
    assert not list(layer.parameters())
    assert not layer.state_dict()


@settings(max_examples=60)
@given(
    st.integers(1, 6),
    st.sampled_from([0.75, 1.0, 2.0, 4.0]),
    st.sampled_from([0.5, 2.0, 8.0]),
    st.sampled_from(["spikes", "membrane", "both"]),
    st.booleans(),
    st.sampled_from([surrogate.ATan, surrogate.Sigmoid]),
    st.integers(0, 2**16),
)
def test_the_update_is_that_of_spikingjelly(timesteps, tau, alpha, wanted, begun, spikes, seed):
    draws = torch.Generator().manual_seed(seed)
    currents = 2 * torch.randn(timesteps, 2, 3, dtype=torch.float64, generator=draws) + 0.5
    rest = torch.rand(2, 3, dtype=torch.float64, generator=draws) if begun else torch.zeros(2, 3)
    slopes = torch.randn(timesteps + 1, 2, 3, dtype=torch.float64, generator=draws)
    spike = spikes(alpha=alpha)
    outcomes = []
    for update in (lif, by_spikingjelly):
        given_to = [each.double().clone().requires_grad_() for each in (currents, rest)]
        spikes, membrane = update(*given_to, tau, 1.0, spike)
        total = sum(
            {
                "spikes": [(spikes * slopes[:-1]).sum()],
                "membrane": [(membrane * slopes[-1]).sum()],
                "both": [(spikes * slopes[:-1]).sum(), (membrane * slopes[-1]).sum()],
            }[wanted]
        )
        outcomes.append((spikes, membrane, *torch.autograd.grad(total, given_to)))
    for ours, theirs in zip(*outcomes, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)


def by_spikingjelly(currents, membrane, tau, threshold, spike):
    return functional.lif_multi_step(
        currents, membrane, tau, True, threshold, 0.0, spike, True, False
    )[:2]


@pytest.mark.parametrize("tau", [0.75, 1.0, 2.0])
def test_another_surrogate_has_its_own_derivative(tau):
    # the sigmoid's at the threshold, with α = 4: 4 · 1/2 · 1/2
    layer = LIF(tau=tau)
    layer.spike = surrogate.Sigmoid(alpha=4.0)
    currents = torch.full((1, 1), tau, requires_grad=True)
    with fresh_membranes(layer):
        (gradient,) = torch.autograd.grad(layer(currents).sum(), currents)
    assert gradient.item() == pytest.approx(1 / tau)


def test_half_precision_is_integrated_in_single_precision():
    # in bfloat16 a membrane would round at each step
    spikes, membrane = fused(torch.full((3, 1), 0.99, dtype=torch.bfloat16), tau=256.0)
    single, exact = fused(torch.full((3, 1), 0.99).bfloat16().float(), tau=256.0)
    assert spikes.dtype is torch.bfloat16
    assert membrane.dtype is torch.float32
    assert torch.equal(membrane, exact)
    assert torch.equal(spikes.float(), single)


def test_half_precision_has_the_gradients_of_single_precision():
    draws = torch.Generator().manual_seed(0)
    values = (2 * torch.randn(4, 50, generator=draws)).bfloat16()
    gradients = []
    for dtype in (torch.bfloat16, torch.float32):
        currents = values.to(dtype).requires_grad_()
        gradients.append(torch.autograd.grad(fused(currents)[0].sum(), currents)[0])
    assert gradients[0].dtype is torch.bfloat16
    torch.testing.assert_close(gradients[0], gradients[1].bfloat16())
