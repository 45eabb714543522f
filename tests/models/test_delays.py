"""Layers with a delay per synapse: by hand, beside a twin that gathers, and beside a peer."""

import copy
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import tic
from tic.errors import TicError
from tic.models import DelayedLinear
from tic.neurons import LIF, fresh_membranes

DOUBLE = torch.float64


def layer_of(weight, delay, largest, width=0.5, **fields):
    weight, delay = (torch.tensor(each, dtype=DOUBLE) for each in (weight, delay))
    outputs, inputs = weight.shape
    layer = DelayedLinear(inputs, outputs, largest, **fields).double()
    layer.weight.data, layer.delay.data, layer.width.data = weight, delay, torch.tensor(width)
    return layer.double()


def drawn(inputs, outputs, largest, seed=0, **fields):
    torch.manual_seed(seed)
    return DelayedLinear(inputs, outputs, largest, **fields).double()


def gathered(inputs, weight, delay):
    """The twin: Σ_i w_oi x_i(t - d_oi), one synapse and timestep after the other."""
    steps, batch, _ = inputs.shape
    currents = torch.zeros(steps, batch, len(weight), dtype=inputs.dtype)
    for o, i in [(o, i) for o in range(weight.shape[0]) for i in range(weight.shape[1])]:
        for t in range(int(delay[o, i]), steps):
            currents[t, :, o] += weight[o, i] * inputs[t - int(delay[o, i]), :, i]
    return currents


def smeared(inputs, layer):
    """The twin of training: the one above for every tap, weighted by κ as it is written."""
    taps = torch.arange(layer.largest_delay + 1, dtype=inputs.dtype)
    kernel = torch.exp(-((taps.view(-1, 1, 1) - layer.delay) ** 2) / (2 * layer.width**2))
    kernel = kernel / kernel.sum(0)
    return sum(
        gathered(inputs, share * layer.weight, torch.full_like(share, k))
        for k, share in enumerate(kernel)
    )


# By hand


def test_a_spike_arrives_after_its_delay_with_its_weight():
    layer = layer_of([[2.0, -1.0]], [[1.0, 3.0]], 3, kernel="tap", learned=False)
    inputs = torch.zeros(5, 1, 2, dtype=DOUBLE)
    inputs[0, 0, 0] = inputs[1, 0, 1] = 1
    assert layer(inputs).flatten().tolist() == [0, 2, 0, 0, -1]


def test_an_input_that_arrives_after_the_recording_is_lost():
    layer = layer_of([[1.0, 1.0]], [[7.0, 1.0]], 9, kernel="tap", learned=False)
    inputs = torch.tensor([[[1.0, 2.0]], [[3.0, 4.0]]], dtype=DOUBLE)
    assert layer(inputs).flatten().tolist() == [0, 2]


def test_the_gaussian_has_its_width_and_sums_to_one():
    layer = layer_of([[3.0]], [[1.0]], 2, width=0.8)
    side = math.exp(-1 / (2 * 0.8**2))
    expected = torch.tensor([side, 1, side]) * 3 / (1 + 2 * side)
    torch.testing.assert_close(layer.dense_kernel()[0, 0].float(), expected)
    inputs = torch.zeros(4, 1, 1, dtype=DOUBLE)
    inputs[1] = 1
    torch.testing.assert_close(
        layer(inputs).flatten(), torch.tensor([0, *expected.tolist()]).double()
    )


def test_a_kernel_is_normalised_where_its_delay_lies_far_out():
    layer = layer_of([[1.0, 1.0]], [[-300.0, 300.0]], 4, width=0.1)
    assert layer.dense_kernel()[0].tolist() == [[1, 0, 0, 0, 0], [0, 0, 0, 0, 1]]


def test_evaluation_rounds_delays_to_one_tap():
    layer = layer_of([[1.0, 2.0, 3.0, 4.0]], [[0.4, 0.6, 2.5, 9.0]], 3).eval()
    assert layer.whole_delays().tolist() == [[0, 1, 2, 3]]  # halves to even, and what is beyond
    expected = [[1, 0, 0, 0], [0, 2, 0, 0], [0, 0, 3, 0], [0, 0, 0, 4]]
    assert layer.dense_kernel()[0].tolist() == expected


# Twins

shapes = st.tuples(st.integers(1, 6), st.integers(0, 3), st.integers(1, 4), st.integers(1, 4))


@settings(max_examples=40)
@given(shapes, st.integers(0, 7), st.sampled_from(["tap", "gaussian"]), st.integers(0, 99))
def test_evaluation_is_that_of_a_twin_that_gathers(shape, largest, kernel, seed):
    steps, batch, inputs, outputs = shape
    layer = drawn(inputs, outputs, largest, seed, kernel=kernel, learned=kernel == "gaussian")
    given_to = torch.randn(steps, batch, inputs, dtype=DOUBLE)
    expected = gathered(given_to, layer.weight.detach(), layer.delay.detach().round())
    torch.testing.assert_close(layer.eval()(given_to), expected)
    if kernel == "tap":
        assert torch.equal(layer.train()(given_to), layer.eval()(given_to))


@settings(max_examples=20)
@given(shapes, st.integers(1, 5), st.sampled_from([0.3, 1.0, 6.0]), st.integers(0, 99))
def test_training_is_that_of_a_twin_that_gathers_every_tap(shape, largest, width, seed):
    steps, batch, inputs, outputs = shape
    layer = drawn(inputs, outputs, largest, seed)
    layer.width.fill_(width)
    given_to = torch.randn(steps, batch, inputs, dtype=DOUBLE)
    torch.testing.assert_close(layer(given_to), smeared(given_to, layer))


@settings(max_examples=15)
@given(shapes, st.integers(1, 5), st.sampled_from([0.5, 2.0]), st.booleans(), st.integers(0, 99))
def test_gradients_are_those_of_differences(shape, largest, width, learned, seed):
    steps, batch, inputs, outputs = shape
    layer = drawn(inputs, outputs, largest, seed, learned=learned)
    layer.width.fill_(width)

    def call(given_to, weight, delay):
        return torch.func.functional_call(
            layer, {"weight": weight, "delay": delay}, (given_to.transpose(0, 1),)
        )

    given_to = torch.randn(batch, steps, inputs, dtype=DOUBLE, requires_grad=True)
    delay = layer.delay.detach().clone().requires_grad_(learned)
    assert torch.autograd.gradcheck(call, (given_to, layer.weight, delay))


def test_single_precision_is_that_of_double_precision():
    layer = drawn(20, 16, 12)
    layer.width.fill_(3.0)
    given_to = torch.rand(30, 4, 20, dtype=DOUBLE)
    exact = layer(given_to)
    torch.testing.assert_close(layer.float()(given_to.float()).double(), exact, rtol=0, atol=1e-5)


@pytest.mark.parametrize("mode", [True, False])
def test_without_delays_it_is_a_linear_layer_bit_for_bit(mode):
    torch.manual_seed(0)
    linear = nn.Linear(20, 7, bias=False)
    torch.manual_seed(0)
    layer = DelayedLinear(20, 7, 0).train(mode)
    given_to = torch.randn(9, 4, 20)
    results = []
    for module in (linear, layer):
        currents = module(given_to)
        (gradient,) = torch.autograd.grad(currents.square().sum(), module.weight)
        results.append((currents, gradient))
    for ours, theirs in zip(*results, strict=True):
        assert torch.equal(ours, theirs)
    assert [name for name, _ in layer.named_parameters()] == ["weight"]


def test_all_delays_of_zero_are_a_linear_layer():
    layer = drawn(5, 3, 6, kernel="tap", learned=False)
    layer.delay.zero_()
    given_to = torch.randn(4, 2, 5, dtype=DOUBLE)
    torch.testing.assert_close(layer(given_to), given_to @ layer.weight.T)


def test_bfloat16_sums_in_single_precision():
    layer = DelayedLinear(6, 4, 3)
    given_to = torch.rand(8, 2, 6).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        currents = layer(given_to)
    assert torch.equal(currents, layer(given_to.float()))
    currents.sum().backward()
    assert layer.weight.grad.dtype is torch.float32


# The peer


@pytest.mark.parametrize("width", [0.0, 0.73, 12.0])
def test_it_computes_what_the_library_of_dilated_kernels_does(width):
    dcls = pytest.importorskip("DCLS.construct.modules", reason="dcls is missing")
    size, floor = 7, 0.27
    ours = drawn(5, 3, size - 1)
    ours.width.fill_(width + floor)
    peer = dcls.Dcls1d(5, 3, 1, dilated_kernel_size=size, bias=False, version="gauss").double()
    # Its kernel runs backwards over the past, with positions about the middle.
    peer.weight.data = ours.weight.data[..., None].clone()
    peer.P.data = (size // 2 - ours.delay.data)[None, ..., None].clone()
    peer.SIG.data.fill_(width)
    given_to = torch.randn(9, 2, 5, dtype=DOUBLE, requires_grad=True)
    theirs = peer(nn.functional.pad(given_to.permute(1, 2, 0), (size - 1, 0))).permute(2, 0, 1)
    slopes = torch.randn(9, 2, 3, dtype=DOUBLE)
    mine = torch.autograd.grad(ours(given_to), [given_to, ours.weight, ours.delay], slopes)
    other = torch.autograd.grad(theirs, [given_to, peer.weight, peer.P], slopes)
    # It divides by the sum of a kernel plus 1e-7.
    near = {"rtol": 1e-6, "atol": 1e-6}
    torch.testing.assert_close(ours(given_to), theirs, **near)
    torch.testing.assert_close(mine[0], other[0], **near)
    torch.testing.assert_close(mine[1], other[1][..., 0], **near)
    torch.testing.assert_close(mine[2], -other[2][0, ..., 0], **near)


# State and copies


@pytest.mark.parametrize("learned", [True, False])
def test_all_that_it_computes_with_is_kept(learned):
    first, second = drawn(4, 3, 5, 0, learned=learned), drawn(4, 3, 5, 1, learned=learned)
    first.width.fill_(2.5)
    assert set(first.state_dict()) == {"weight", "delay", "width"}
    second.load_state_dict(first.state_dict())
    given_to = torch.randn(6, 2, 4, dtype=DOUBLE)
    for other in (second, copy.deepcopy(first)):
        assert torch.equal(other(given_to), first(given_to))
        assert other.delay is not first.delay
    assert isinstance(first.delay, nn.Parameter) == learned


def test_it_shows_what_it_was_made_with():
    assert repr(DelayedLinear(4, 3, 5)).endswith(
        "(4, 3, largest_delay=5, kernel='gaussian', learned=True)"
    )


@pytest.mark.parametrize("numbers", [(0, 3, 5), (4, 0, 5), (4, 3, -1), (4, 3, 2.5)])
def test_numbers_that_make_no_layer_are_refused(numbers):
    with pytest.raises(TicError, match="must be"):
        DelayedLinear(*numbers)


def test_a_kernel_that_is_none_and_delays_that_cannot_be_learned_are_refused():
    with pytest.raises(TicError, match="unknown kernel 'box'; known: gaussian, tap"):
        DelayedLinear(4, 3, 5, "box")
    with pytest.raises(TicError, match=r"through the kernel 'gaussian', got 'tap'.*learned=False"):
        DelayedLinear(4, 3, 5, "tap")


@pytest.mark.parametrize("shape", [(6, 4), (6, 2, 5), (0, 2, 4)])
def test_inputs_of_another_shape_are_refused(shape):
    with pytest.raises(TicError, match=r"must have shape \(T, B, I\) with I=4, got"):
        DelayedLinear(4, 3, 5)(torch.zeros(shape))


# Under what measures


class Network(nn.Module):
    """Recordings (B, T, F) to logits (T, B, K), with delays in both layers."""

    def __init__(self, **fields):
        super().__init__()
        self.first, self.neurons = DelayedLinear(6, 5, 3, **fields), LIF()
        self.second = DelayedLinear(5, 3, 2, **fields)

    def forward(self, recordings):
        with fresh_membranes(self):
            return self.second(self.neurons(self.first(recordings.transpose(0, 1))))


@pytest.mark.parametrize("learned", [True, False])
def test_fisher_information_is_that_of_gradients_sample_by_sample(learned):
    torch.manual_seed(0)
    network = Network(learned=learned).double()
    recordings, labels = 20 * torch.rand(4, 7, 6, dtype=DOUBLE), torch.tensor([0, 1, 2, 0])
    info = tic.fisher_information(network, [(recordings, labels)], estimator="empirical")
    network.eval()
    expected = torch.zeros(2, 7, dtype=DOUBLE)
    for b in range(4):
        for t in range(7):
            logits = network(recordings[b : b + 1])[: t + 1].mean(0)
            loss = nn.functional.cross_entropy(logits, labels[b : b + 1])
            grads = torch.autograd.grad(
                loss, [network.first.weight, network.second.weight], allow_unused=True
            )
            expected[:, t] += torch.stack([each.square().sum() for each in grads]) / 4
    assert min(expected[:, -1]) > 0
    for name, trace in zip(("first", "second"), expected, strict=True):
        assert info.by_layer[name].tolist() == pytest.approx(trace.tolist())
