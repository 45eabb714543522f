"""Operations and energy by hand, and by a loop over every connection."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tic.errors import TicError
from tic.measure.energy import ACCUMULATE, MULTIPLY_ACCUMULATE, Operations, operations, reached
from tic.models import DelayedLinear

LABELS = torch.zeros(2, dtype=torch.long)


def test_the_constants_are_those_of_horowitz():
    assert (ACCUMULATE, MULTIPLY_ACCUMULATE) == (0.9, 4.6)
    counted = Operations({"a": 10.0, "b": 5.0}, {"a": 0.0, "b": 2.0})
    assert counted.synaptic_operations == 15
    assert counted.energy == pytest.approx(15 * 0.9 + 2 * 4.6)


def test_spikes_reach_all_neurons_of_a_linear_layer():
    spikes = torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
    counted = operations(nn.Sequential(nn.Linear(3, 5)), [(spikes, LABELS)])
    # 3 spikes × 5 neurons over 2 samples
    assert counted.accumulates == {"0": 7.5}
    assert counted.multiply_accumulates == {"0": 0.0}
    assert counted.energy == pytest.approx(6.75)


def test_other_values_are_multiplied_where_they_are_not_0():
    values = torch.tensor([[0.5, 0.0, 2.0], [0.0, 0.0, 1.0]])
    counted = operations(nn.Sequential(nn.Linear(3, 5)), [(values, LABELS)])
    # ½ and 2 are multiplied, the 1 beside them is a spike: 2 and 1 of them × 5 over 2 samples.
    assert counted.multiply_accumulates == {"0": 5.0}
    assert counted.accumulates == {"0": 2.5}


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_how_samples_are_batched_does_not_matter(size):
    frames = torch.tensor([[1.0, 1, 0], [0, 1, 0], [0, 2, 1], [1, 1, 1]])
    labels = torch.zeros(4, dtype=torch.long)
    batches = list(zip(frames.split(size), labels.split(size), strict=True))
    counted = operations(nn.Sequential(nn.Linear(3, 5)), batches)
    # 7 ones and one 2 in four samples.
    assert counted.synaptic_operations == 7 * 5 / 4
    assert counted.energy == pytest.approx((7 * 0.9 + 4.6) * 5 / 4)


def test_a_network_that_works_in_place_does_not_change_the_images():
    frames = torch.ones(1, 3)
    network = nn.Sequential(nn.Threshold(2, 0.0, inplace=True), nn.Linear(3, 5))
    operations(network, [(frames, LABELS[:1])])
    assert frames.tolist() == [[1, 1, 1]]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from([0.0, 1.0, 2.0, -1.0, 0.5]), min_size=12, max_size=12))
def test_operations_are_a_mean_over_samples(values):
    frames = torch.tensor(values).view(3, 1, 2, 2)
    network = nn.Sequential(nn.Conv2d(1, 2, 2, padding=1))
    whole = operations(network, [(frames, LABELS[:1].expand(3))])
    alone = [operations(network, [(frame[None], LABELS[:1])]) for frame in frames]
    assert whole.synaptic_operations == pytest.approx(
        sum(one.synaptic_operations for one in alone) / 3
    )
    assert whole.energy == pytest.approx(sum(one.energy for one in alone) / 3)


def connections(conv, spikes):
    """Count the products of a weight and an input that are not 0, one after the other."""
    count = 0
    batch, _, height, width = spikes.shape
    outputs, inputs, rows, columns = conv.weight.shape
    (down, right), (top, left) = conv.stride, conv.padding
    out = conv(spikes).shape[2:]
    for b, o, c in itertools.product(range(batch), range(outputs), range(inputs)):
        channel = o // (outputs // conv.groups) * inputs + c
        for y, x, i, j in itertools.product(*map(range, (*out, rows, columns))):
            r, s = y * down + i - top, x * right + j - left
            if 0 <= r < height and 0 <= s < width and spikes[b, channel, r, s]:
                count += bool(conv.weight[o, c, i, j] != 0)
    return count


@pytest.mark.parametrize("dead", [0.0, 0.6])
@pytest.mark.parametrize(
    "conv",
    [
        nn.Conv2d(4, 6, 3, padding=1),
        nn.Conv2d(4, 6, 3, stride=2, bias=False),
        nn.Conv2d(4, 6, (1, 3), padding=(0, 1), groups=2),
        nn.Conv2d(4, 4, 3, padding=1, groups=4),
    ],
)
def test_spikes_reach_the_neurons_that_a_convolution_connects(conv, dead):
    torch.manual_seed(1)
    spikes = (torch.rand(2, 4, 5, 6) < 0.3).float()
    with torch.no_grad():
        conv.weight.copy_(torch.rand(conv.weight.shape) + 0.1)
        conv.weight[torch.rand(conv.weight.shape) < dead] = 0
    assert reached(conv, spikes) == connections(conv, spikes) > 0


def test_dead_synapses_carry_nothing():
    spikes = torch.tensor([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]])
    layer = nn.Linear(3, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[0.5, 0.0, 0.0], [0.0, -1.0, 0.0]]))
    # Input 0 fires once and 1 twice, each with one live synapse; input 2 has none.
    assert reached(layer, spikes) == 3
    with torch.no_grad():
        layer.weight.zero_()
    assert operations(layer, [(spikes, LABELS)]).energy == 0


def test_a_spike_in_the_corner_reaches_fewer_neurons():
    conv = nn.Conv2d(1, 2, 3, padding=1)
    spikes = torch.zeros(2, 1, 1, 5, 5)
    spikes[0, 0, 0, 0, 0], spikes[1, 0, 0, 2, 2] = 1, 1
    assert [reached(conv, one) for one in spikes] == [8, 18]


def test_other_numbers_of_axes_are_counted_likewise():
    spikes = torch.zeros(1, 1, 4)
    spikes[0, 0, 1] = 1
    assert reached(nn.Conv1d(1, 3, 3, padding=1), spikes) == 9
    cube = torch.zeros(1, 1, 3, 3, 3)
    cube[0, 0, 1, 1, 1] = 1
    assert reached(nn.Conv3d(1, 2, 3, padding=1), cube) == 54


def test_spikes_arrive_after_their_delays_or_not_at_all():
    layer = DelayedLinear(2, 3, 4, "tap", learned=False)
    layer.delay.copy_(torch.tensor([[0.0, 1.4], [1.0, 3.6], [2.0, 0.0]]))
    spikes = torch.zeros(3, 1, 2)
    spikes[0, 0, 0] = spikes[2, 0, 0] = spikes[1, 0, 1] = 1
    # The first reaches all three, the second the first one, the third the first and the last.
    assert reached(layer, spikes) == 3 + 1 + 2
    assert reached(DelayedLinear(2, 3, 0), spikes) == reached(nn.Linear(2, 3), spikes) == 9


def test_delayed_synapses_may_be_dead():
    layer = DelayedLinear(2, 2, 3, "tap", learned=False)
    layer.delay.copy_(torch.tensor([[0.0, 1.0], [2.0, 0.0]]))
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, 1.0], [1.0, 0.0]]))
    spikes = torch.zeros(3, 1, 2)
    spikes[0, 0] = spikes[1, 0, 0] = 1
    # Input 0 at the first step: through delays 0 and 2; at the second: through delay 0 alone, since
    # the other one outlasts the recording. Input 1 at the first step: through delay 1.
    assert reached(layer, spikes) == 2 + 1 + 1


class Named(nn.Module):
    """Calls its layer by name."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 5)

    def forward(self, inputs):
        return self.layer(input=inputs)


def test_layers_may_be_called_by_name():
    counted = operations(Named(), [(torch.eye(3)[:2], LABELS)])
    assert counted.accumulates == {"layer": 5.0}


class Folding(nn.Conv2d):
    """Takes (T, B, C, H, W), as layers of SpikingJelly do over many steps."""

    def forward(self, input):
        return super().forward(input.flatten(0, 1)).unflatten(0, input.shape[:2])


def test_convolutions_may_fold_time_into_the_batch():
    spikes = (torch.rand(3, 2, 1, 4, 4) < 0.5).float()
    conv = Folding(1, 2, 3, padding=1)
    counted = operations(conv, [(spikes, torch.zeros(3, dtype=torch.long))])
    assert counted.synaptic_operations == reached(conv, spikes.flatten(0, 1)) / 3 > 0


class Attentive(nn.Module):
    """Layers whose operations are counted, between ones whose operations are not."""

    def __init__(self):
        super().__init__()
        self.first = nn.utils.parametrizations.weight_norm(nn.Linear(4, 4))
        self.norm = nn.LayerNorm((2, 4))
        self.mixing = nn.MultiheadAttention(4, 2)
        self.grown = nn.ConvTranspose1d(2, 2, 3)
        self.unused = nn.Bilinear(2, 2, 2)

    def forward(self, inputs):
        values = self.norm(self.first(inputs))
        return self.grown(self.mixing(values, values, values)[0])


def test_layers_that_are_not_counted_are_named(caplog):
    batch = torch.ones(2, 2, 4), LABELS
    counted = operations(Attentive(), [batch, batch])
    assert counted.accumulates == {"first": 32.0}
    assert counted.uncounted == ("mixing", "grown")
    (record,) = caplog.records
    assert "not counted: mixing (MultiheadAttention), grown (ConvTranspose1d)" in record.message
    assert operations(nn.Sequential(nn.Linear(4, 5)), [batch]).uncounted == ()


def test_batches_and_timesteps_are_added_up_and_nothing_stays():
    network = nn.Sequential(nn.Linear(3, 5))
    steps = torch.ones(7, 2, 3)
    counted = operations(network, [(steps[0], LABELS), (steps[1], LABELS)])
    assert counted.accumulates == {"0": 15.0}
    assert not network[0]._forward_hooks


def test_a_network_whose_operations_cannot_be_counted_is_told():
    with pytest.raises(TicError, match="runs no convolution and no linear layer"):
        operations(nn.Sequential(nn.ReLU()), [(torch.ones(2, 3), LABELS)])
    with pytest.raises(TicError, match="the loader must give at least one batch, got none"):
        operations(nn.Sequential(nn.Linear(3, 5)), [])
