"""The neuron, the network family and the events of the pack, by hand."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from claims.li2023.events import DIRECTIONS, Events, events
from claims.li2023.measuring import reestimate
from claims.li2023.networks import PreActivation, block_names, layer_names
from claims.li2023.neurons import Neurons
from tic import representation_similarity
from tic.data import Digits
from tic.errors import TicError
from tic.measure.activations import activations

DIGITS = Digits()


def build(timesteps=4, facts=DIGITS.facts, **design):
    torch.manual_seed(0)
    return PreActivation(**{"depth": 1, "width": 4} | design).build(facts, timesteps)


def images(count=40):
    return DIGITS.load("test").take(count).batches(count)


def trace(leak, currents):
    return Neurons(leak)(torch.tensor(currents)[:, None]).flatten().tolist()


# The neuron


@pytest.mark.parametrize(
    ("leak", "currents", "spikes"),
    [
        (0.5, [0.6, 0.6, 0.6, 0.6], [0, 0, 1, 0]),  # m = .6, .9, 1.05 → 0, .6
        (0.5, [1.0, 0.9, 0.6], [1, 0, 1]),  # at the threshold; then from 0: .9, 1.05
        (1.0, [0.5, 0.25, 0.25], [0, 0, 1]),
        (0.0, [0.9, 0.9, 1.1], [0, 0, 1]),
        (0.5, [-4.0, 2.5, 2.5], [0, 0, 1]),  # m = -4, .5, 2.75
    ],
)
def test_spikes_by_hand(leak, currents, spikes):
    assert trace(leak, currents) == spikes


@pytest.mark.parametrize("distance", [-3.5, -3.0, -1.0, -0.2, 0.0, 0.4, 2.9, 3.1])
def test_the_surrogate_derivative_is_that_of_its_formula(distance):
    x = torch.tensor([[1 + distance]], dtype=torch.float64, requires_grad=True)
    Neurons(0.5)(x).sum().backward()
    expected = 3 * (1 - math.tanh(3 * distance) ** 2) / (2 * math.tanh(9))
    assert float(x.grad) == pytest.approx(expected if abs(distance) < 3 else 0.0)


class Spike(torch.autograd.Function):
    @staticmethod
    def forward(ctx, distance):
        ctx.save_for_backward(distance)
        return (distance >= 0).to(distance.dtype)

    @staticmethod
    def backward(ctx, gradient):
        (distance,) = ctx.saved_tensors
        slope = 3 * (1 - torch.tanh(3 * distance) ** 2) / (2 * math.tanh(9))
        return gradient * slope * (distance.abs() < 3)


def slow_neurons(currents, leak):
    """The slow twin: every timestep a piece of autograd's graph, the reset in it."""
    membrane, spikes = torch.zeros_like(currents[0]), []
    for current in currents:
        membrane = leak * membrane + current
        spikes.append(Spike.apply(membrane - 1))
        membrane = membrane * (1 - spikes[-1])
    return torch.stack(spikes)


@given(seed=st.integers(0, 1000), leak=st.sampled_from([0.0, 0.5, 0.9, 1.0]))
@settings(max_examples=25, deadline=None)
def test_spikes_and_gradients_are_those_of_the_slow_twin(seed, leak):
    generator = torch.Generator().manual_seed(seed)
    currents = 1.5 * torch.randn(5, 3, 7, dtype=torch.float64, generator=generator)
    weights = torch.randn(5, 3, 7, dtype=torch.float64, generator=generator)
    results = []
    for run in (Neurons(leak), lambda x: slow_neurons(x, leak)):
        x = currents.clone().requires_grad_()
        spikes = run(x)
        (spikes * weights).sum().backward()
        results.append((spikes.detach(), x.grad))
    (ours, gradient), (theirs, expected) = results
    assert torch.equal(ours, theirs)
    assert torch.allclose(gradient, expected, atol=1e-12)


def test_half_precision_is_integrated_in_single_precision():
    currents = torch.full((400, 1), 0.003).bfloat16()  # 0.9 after 300 steps; bfloat16 stays at 0.5
    spikes = Neurons(1.0)(currents)
    assert spikes.dtype is torch.bfloat16
    assert torch.equal(spikes.float(), Neurons(1.0)(currents.float()))
    assert spikes.sum() == 1
    gradients = []
    for precise in (False, True):
        x = (currents.float() if precise else currents.clone()).requires_grad_()
        Neurons(1.0)(x).sum().backward()
        gradients.append(x.grad)
    assert gradients[0].dtype is torch.bfloat16
    assert torch.equal(gradients[0], gradients[1].bfloat16())


def test_gradients_flow_through_the_reset():
    # m₁ = x₁, s₁ = h(m₁ - 1), m₂ = λ m₁ (1 - s₁) + x₂: ds₂/dx₁ has h'(m₁ - 1) in it.
    x = torch.tensor([[1.2], [0.7]], dtype=torch.float64, requires_grad=True)
    Neurons(0.5)(x)[1].sum().backward()

    def slope(u):
        return 3 * (1 - math.tanh(3 * u) ** 2) / (2 * math.tanh(9))

    through = 0.5 * ((1 - 1) - 1.2 * slope(0.2))  # m₂ = .7: the neuron was reset
    assert float(x.grad[0]) == pytest.approx(slope(-0.3) * through)
    assert float(x.grad[1]) == pytest.approx(slope(-0.3))


# The network


@pytest.mark.parametrize(("depth", "layers"), [(3, 20), (6, 38), (9, 56)])
def test_the_number_of_weight_layers_is_that_of_the_name(depth, layers):
    network = build(depth=depth, shortcuts=False)
    weights = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.Linear)]
    assert len(weights) == layers
    assert PreActivation(depth=depth).label == f"snn{layers}-w16"


def test_resnet_20_has_as_many_parameters_as_its_layers_have():
    network = PreActivation().build(DIGITS.facts, 4)
    convolutions = 9 * (16 + 6 * 16 * 16 + 16 * 32 + 5 * 32 * 32 + 32 * 64 + 5 * 64 * 64)
    shortcuts = 16 * 32 + 32 * 64
    norms = 2 * (16 + 6 * 16 + 6 * 32 + 6 * 64 + 32 + 64)
    assert sum(p.numel() for p in network.parameters()) == (
        convolutions + shortcuts + norms + 64 * 10 + 10
    )


def test_every_layer_that_is_compared_exists_at_every_depth():
    for depth in (1, 2, 3):
        network = build(depth=depth)
        ((inputs, _),) = images(10)
        seen = activations(network, inputs, layer_names(3 * depth))
        assert set(seen) == set(layer_names(3 * depth))
        assert all(values.shape[:2] in ((1, 10), (4, 10)) for values in seen.values())
    assert len(layer_names(6)) == 33


@pytest.mark.parametrize("rectified", [False, True])
def test_a_block_is_the_sum_of_its_branch_and_its_input(rectified):
    network = build(depth=2, neuron="relu", timesteps=1, rectified_shortcut=rectified).eval()
    ((inputs, _),) = images()
    names = ["stem", "blocks.0", "blocks.0.branch", "blocks.2.branch", "blocks.2"]
    seen = activations(network, inputs, [*names, "blocks.1", "blocks.2.first", "blocks.2.shortcut"])
    passed = seen["stem"].relu() if rectified else seen["stem"]
    assert torch.allclose(seen["blocks.0"], seen["blocks.0.branch"] + passed, atol=1e-6)
    projected = seen["blocks.2.branch"] + seen["blocks.2.shortcut"]
    assert torch.allclose(seen["blocks.2"], projected, atol=1e-6)
    again = network.blocks[2].shortcut(seen["blocks.2.first"][0])
    assert torch.allclose(seen["blocks.2.shortcut"][0], again, atol=1e-6)
    assert torch.allclose(seen["blocks.2.first"], seen["blocks.1"].relu())


def test_without_shortcuts_sum_and_branch_are_one():
    network = build(shortcuts=False)
    ((inputs, _),) = images()
    reestimate(network, inputs)
    seen = activations(network, inputs, ["blocks.1", "blocks.1.branch"])
    assert torch.equal(seen["blocks.1"], seen["blocks.1.branch"])
    assert not any("shortcut" in name for name, _ in network.named_parameters())


def test_without_memory_a_constant_input_gives_equal_timesteps_and_with_it_not():
    ((inputs, labels),) = images()
    for leak, changes in ((0.0, False), (0.5, True)):
        network = build(leak=leak)
        reestimate(network, inputs)
        names = block_names(3)
        similar = representation_similarity(
            network, network, [(inputs, labels)], layers=names, time="apart"
        )
        change = 1 - similar.between("blocks.2[t=1]", "blocks.2[t=4]")
        assert (change > 1e-3) == changes
        if not changes:
            assert change == pytest.approx(0, abs=1e-12)


def test_the_ordinary_twin_has_the_same_parameters_and_sees_timesteps_one_by_one():
    snn, ann = build(), build(neuron="relu", timesteps=1)
    assert [p.shape for p in snn.parameters()] == [p.shape for p in ann.parameters()]
    frames = Events(DIGITS)
    network = build(neuron="relu", timesteps=8, facts=frames.facts).eval()
    ((inputs, _),) = frames.load("test").take(10).batches(10)
    logits = network(inputs)
    assert logits.shape == (8, 10, 10)
    order = torch.tensor([3, 1, 0, 2, 7, 6, 5, 4])
    assert torch.allclose(network(inputs[:, order]), logits[order], atol=1e-5)


def test_reestimated_statistics_are_those_of_the_batch():
    network = build()
    ((inputs, _),) = images()
    reestimate(network, inputs)
    assert not network.training
    seen = activations(network, inputs, ["stem", "blocks.1.norm"])
    for values in seen.values():
        channels = values.flatten(0, 1) if values.dim() == 5 else values
        assert float(channels.mean((0, 2, 3)).abs().max()) < 1e-2
        assert float(channels.var((0, 2, 3)).sub(1).abs().max()) < 5e-2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"depth": 0}, "depth must be at least 1, got 0"),
        ({"width": 0}, "width must be at least 1, got 0"),
        ({"leak": 1.5}, r"leak must be in \[0, 1\], got 1.5"),
    ],
)
def test_what_is_no_network_is_refused(changes, message):
    with pytest.raises(TicError, match=message):
        PreActivation(**changes)


def test_frames_of_another_number_are_refused():
    network = build(timesteps=8, facts=Events(DIGITS).facts)
    with pytest.raises(TicError, match=r"frames must be .* with T=8"):
        network(torch.zeros(2, 5, 2, 8, 8))


# Events


def test_events_by_hand():
    image = torch.zeros(1, 1, 3, 3)
    image[0, 0, 1, 1] = 1.0
    frames = events(image, 0.15)
    assert frames.shape == (1, 8, 2, 3, 3)
    for number, (row, column) in enumerate(DIRECTIONS):
        brighter, darker = torch.zeros(3, 3), torch.zeros(3, 3)
        brighter[1 - row, 1 - column] = 1  # its neighbour in that direction is the bright pixel
        darker[1, 1] = 1
        assert torch.equal(frames[0, number, 0], brighter)
        assert torch.equal(frames[0, number, 1], darker)


def test_edges_are_replicated_and_colours_count_by_the_largest():
    constant = torch.full((1, 3, 4, 4), 0.5)
    assert not events(constant, 0.15).any()
    image = torch.rand(1, 3, 4, 4)
    assert torch.equal(events(image, 0.2), events(image.amax(1, keepdim=True), 0.2))


@given(seed=st.integers(0, 1000), scale=st.floats(0.1, 1.0), threshold=st.floats(0.05, 0.9))
@settings(max_examples=25, deadline=None)
def test_events_follow_the_range_and_opposite_directions_mirror(seed, scale, threshold):
    generator = torch.Generator().manual_seed(seed)
    image = torch.randint(0, 17, (2, 1, 6, 6), generator=generator).double() / 16
    frames = events(image, threshold)
    assert not (frames[:, :, 0] * frames[:, :, 1]).any()
    up, down = frames[:, DIRECTIONS.index((-1, 0))], frames[:, DIRECTIONS.index((1, 0))]
    # What is brighter above is darker below, one row further up.
    assert torch.equal(up[:, 0, 1:], down[:, 1, :-1])


def test_a_data_set_of_events_is_that_of_its_images_every_time():
    frames = Events(DIGITS)
    first, again = (frames.load("test") for _ in range(2))
    assert first.digest == again.digest
    assert torch.equal(first.labels, DIGITS.load("test").labels)
    assert frames.facts.shape == (8, 2, 8, 8)
    assert first.digest != Events(DIGITS, threshold=0.3).load("test").digest
    assert frames.label == "events-digits"
    assert 0.1 < float(first.inputs.mean()) < 0.5


def test_events_of_events_are_refused():
    with pytest.raises(TicError, match="events are made of images"):
        Events(Events(DIGITS))
    with pytest.raises(TicError, match="threshold must be in"):
        Events(DIGITS, threshold=1.0)
