"""Spikes counted by hand, and by a loop over what layers give out."""

import pytest
import torch
from spikingjelly.activation_based import surrogate
from torch import nn

from tic.errors import TicError
from tic.measure.activations import activations
from tic.measure.firing import firing
from tic.models import build
from tic.neurons import LIF


class Given(nn.Module):
    """Gives out what it is told, whatever it is shown, again and again where it is shown more."""

    def __init__(self, spikes):
        super().__init__()
        self.spikes = spikes

    def forward(self, inputs):
        again = -(-len(inputs) // self.spikes.shape[1])
        spikes = torch.cat([self.spikes] * again, 1) if again > 1 else self.spikes
        return spikes[:, : len(inputs)]


class Told(nn.Module):
    """Neurons that fire as they are told, (T, B, …)."""

    def __init__(self, timesteps, **layers):
        super().__init__()
        self.timesteps = timesteps
        for name, spikes in layers.items():
            self.add_module(name, Given(spikes))

    def forward(self, inputs):
        for layer in self.children():
            layer(inputs)
        return torch.zeros(self.timesteps, len(inputs), 2)


def batch(count):
    return torch.zeros(count, 1), torch.zeros(count, dtype=torch.long)


def test_spikes_are_counted_by_timestep_and_channel():
    # Two timesteps, three samples, two channels of 1 × 2 places.
    maps = torch.zeros(2, 3, 2, 1, 2)
    maps[0, :, 0] = 1  # every place of channel 0 at the first timestep: 6
    maps[1, 2, 1, 0, 1] = 1  # one place of channel 1 at the second: 1
    dense = torch.zeros(2, 3, 4)
    dense[1, 0, 3] = 1
    fired = firing(Told(2, conv=maps, dense=dense), [batch(3)], ["conv", "dense"])
    conv, last = fired.layers["conv"], fired.layers["dense"]
    assert conv.spikes.tolist() == [[6, 0], [0, 1]]
    assert (conv.neurons, conv.places, conv.samples, conv.chances) == (4, 2, 3, 24)
    assert conv.rate == 7 / 24
    assert conv.features.tolist() == [[1, 0], [0, pytest.approx(1 / 6)]]
    assert conv.by_timestep.tolist() == pytest.approx([1 / 2, 1 / 12])
    assert conv.by_channel.tolist() == pytest.approx([1 / 2, 1 / 12])
    assert (last.neurons, last.rate) == (4, 1 / 24)
    # 8 spikes over 24 + 24 chances; the mean of layers weighs both alike.
    assert fired.rate == 8 / 48
    assert fired.layer_mean == pytest.approx((7 / 24 + 1 / 24) / 2)
    assert fired.spikes_per_sample == pytest.approx(8 / 3)


def test_a_layer_that_is_missed_changes_the_rate():
    many, few = torch.ones(2, 3, 4), torch.zeros(2, 3, 4)
    network = Told(2, one=many, two=few)
    assert firing(network, [batch(3)], ["one", "two"]).rate == 0.5
    assert firing(network, [batch(3)], ["two"]).rate == 0


def test_batches_are_added_up():
    torch.manual_seed(0)
    network = build("tiny", in_channels=1, num_classes=10, timesteps=4, tau=2.0)
    images = torch.rand(15, 1, 8, 8)
    labels = torch.zeros(15, dtype=torch.long)
    for _ in range(30):  # untrained statistics of batch normalisation let nothing fire
        network.train()(images)
    names = [n for n, m in network.named_modules() if type(m).__name__ == "LIF"]
    whole = firing(network, [(images, labels)], names)
    parts = firing(network, [(images[:9], labels[:9]), (images[9:], labels[9:])], names)
    by_hand = activations(network, images, names)
    for name in names:
        assert torch.equal(whole.layers[name].spikes, parts.layers[name].spikes)
        assert whole.layers[name].rate == pytest.approx(float(by_hand[name].mean()), abs=1e-6)
    total = sum(float(values.sum()) for values in by_hand.values())
    chances = sum(values.numel() for values in by_hand.values())
    assert whole.rate == pytest.approx(total / chances)
    assert whole.rate > 0.01


def test_one_neuron_is_a_layer_too():
    spikes = torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
    fired = firing(Told(2, only=spikes), [batch(3)], ["only"])
    assert fired.layers["only"].spikes.tolist() == [[2], [1]]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_more_spikes_than_float32_counts_are_counted(dtype):
    spikes = torch.ones(1, 1, 1, 2**24 + 1, 1, dtype=dtype)
    fired = firing(Told(1, many=spikes.expand(1, 2, -1, -1, -1)), [batch(2)], ["many"])
    assert fired.layers["many"].spikes.tolist() == [[2**25 + 2]]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_spikes_of_half_precision_are_counted_exactly(dtype):
    fired = firing(Told(1, few=torch.ones(1, 2, 1, 50_001, dtype=dtype)), [batch(2)], ["few"])
    assert fired.layers["few"].spikes.tolist() == [[100_002]]


@pytest.mark.parametrize(
    ("layers", "loader", "message"),
    [
        ({"a": torch.full((2, 3, 4), 0.5)}, [3], "layer 'a' must give out spikes, 0 or 1, got 0.5"),
        ({"a": torch.full((2, 3, 4), torch.inf)}, [3], "must give out spikes, 0 or 1, got inf"),
        ({"a": torch.full((2, 3, 4), torch.nan)}, [3], "must give out spikes, 0 or 1, got nan"),
        ({"a": torch.full((2, 3, 4), -1.0)}, [3], "must give out spikes, 0 or 1, got -1"),
        ({"a": torch.ones(2, 3, 4)}, [], "the loader must give at least one batch, got none"),
        ({"b": torch.ones(2, 3, 4)}, [3], "has no layer 'a'"),
        ({"a": torch.ones(2, 3, 4) > 0}, [3], "floating-point type, got .* of torch.bool; name"),
    ],
)
def test_what_does_not_fire_is_told(layers, loader, message):
    with pytest.raises(TicError, match=message):
        firing(Told(2, **layers), [batch(count) for count in loader], ["a"])


def test_neurons_that_can_give_out_nothing_else_are_not_looked_at(monkeypatch):
    network = build("tiny", in_channels=1, num_classes=2, timesteps=3)
    layers = [name for name, layer in network.named_modules() if isinstance(layer, LIF)]
    first = network.get_submodule(layers[0])
    images = [(torch.rand(2, 1, 8, 8), torch.zeros(2, dtype=torch.long))]
    looked_at = []
    with monkeypatch.context() as patch:
        patch.setattr("tic.measure.firing.require_spikes", lambda name, _: looked_at.append(name))
        firing(network, images, layers)
        assert looked_at == []
        first.spike = surrogate.Sigmoid()
        firing(network, images, layers)
        assert set(looked_at) == {layers[0]}
    first.spike = surrogate.ATan()
    first.register_forward_hook(lambda _layer, _inputs, spikes: spikes + 0.5)
    with pytest.raises(TicError, match="must give out spikes, 0 or 1, got"):
        firing(network, images, layers)
