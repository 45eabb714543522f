import pytest
import torch
from torch import nn

from tic.data import Digits
from tic.errors import TicError
from tic.measure.activations import activations
from tic.models import Spiking


class Counting(nn.Module):
    """Gives out its input times the number of the call."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, inputs):
        self.calls += 1
        return inputs * self.calls


class Steps(nn.Module):
    """Runs its inner layer once per timestep, and its first one once for all."""

    def __init__(self, timesteps=3):
        super().__init__()
        self.timesteps = timesteps
        self.first, self.inner, self.last = nn.Identity(), Counting(), nn.ReLU(inplace=True)

    def forward(self, inputs):
        self.inner.calls = 0
        currents = self.first(inputs)
        return self.last(torch.stack([self.inner(currents) for _ in range(self.timesteps)]))


class Folded(Steps):
    def forward(self, inputs):
        repeated = inputs.repeat(self.timesteps, 1)
        return self.last(self.first(repeated)).view(self.timesteps, *inputs.shape)


INPUTS = torch.arange(10.0).view(5, 2) - 4


def test_a_layer_in_one_call_per_timestep_in_one_for_all_and_one_that_runs_once():
    seen = activations(Steps(), INPUTS)
    assert {name: tuple(values.shape) for name, values in seen.items()} == {
        "first": (1, 5, 2), "inner": (3, 5, 2), "last": (3, 5, 2),
    }  # fmt: skip
    assert torch.equal(seen["first"][0], INPUTS)
    assert torch.equal(seen["inner"][2], 3 * INPUTS)
    assert torch.equal(seen["last"][1], (2 * INPUTS).clamp(min=0))


def test_time_folded_into_the_batch_is_outermost():
    seen = activations(Folded(), INPUTS)
    assert seen["first"].shape == (3, 5, 2)
    assert torch.equal(seen["first"][2], INPUTS)


def test_what_a_following_layer_changes_in_place_was_seen_before():
    network = nn.Sequential(nn.Identity(), nn.ReLU(inplace=True))
    seen = activations(network, INPUTS.clone())
    assert torch.equal(seen["0"][0], INPUTS)


def test_containers_can_be_named_and_the_order_is_that_of_the_calls():
    network = nn.Sequential(nn.Sequential(nn.Identity(), nn.ReLU()), nn.Identity())
    assert list(activations(network, INPUTS, ["1", "0"])) == ["0", "1"]


def test_a_network_that_does_not_tell_its_timesteps_is_asked():
    class Silent(Steps):
        def __init__(self):
            super().__init__()
            del self.timesteps

        def forward(self, inputs):
            self.inner.calls = 0
            return torch.stack([self.inner(inputs) for _ in range(4)])

    assert activations(Silent(), INPUTS)["inner"].shape == (4, 5, 2)


def test_a_spiking_network_gives_spikes_and_is_left_as_it_was_found():
    torch.manual_seed(0)
    network = Spiking("tiny").build(Digits().facts, 4).train()
    before = {name: values.clone() for name, values in network.state_dict().items()}
    seen = activations(network, torch.rand(6, 1, 8, 8))
    assert seen["blocks.0.lif1"].shape[:2] == (4, 6)
    assert set(seen["blocks.0.lif1"].unique().tolist()) <= {0.0, 1.0}
    assert seen["stem.0"].shape[:2] == (1, 6)
    assert network.training
    assert all(torch.equal(before[name], v) for name, v in network.state_dict().items())
    assert not any(module._forward_hooks for module in network.modules())
    assert not seen["stem.0"].requires_grad


def test_hooks_are_gone_when_the_network_fails():
    network = nn.Sequential(nn.Linear(3, 2))
    with pytest.raises(TicError, match="fails on inputs of shape"):
        activations(network, INPUTS)
    assert not network[0]._forward_hooks


@pytest.mark.parametrize(
    ("network", "layers", "message"),
    [
        (Steps(), ["innner"], r"Steps has no layer 'innner'; .* such as first, inner, last"),
        (Steps(), [""], "has no layer ''"),
        (Steps(), [], "must be different names, at least one"),
        (Steps(), ["last", "last"], "must be different names"),
        (Folded(), ["inner"], "layer inner is not run"),
        (Steps(5), None, "as many images as there are timesteps.*got 5 of both"),
        (nn.Sequential(nn.Flatten(0)), ["0"], r"an entry for each of the 5 images.*got \(10,\)"),
    ],
)
def test_what_cannot_be_looked_at_is_refused(network, layers, message):
    with pytest.raises(TicError, match=message):
        activations(network, INPUTS, layers)


def test_a_layer_that_is_used_at_two_places_is_refused():
    shared = nn.ReLU()
    with pytest.raises(TicError, match=r"layer 0 must run once, or once at every .* got 2 times"):
        activations(nn.Sequential(shared, nn.Identity(), shared), INPUTS)


def test_without_names_a_neuron_is_a_layer_though_it_holds_its_surrogate():
    network = Spiking("tiny").build(Digits().facts, 4)
    names = list(activations(network, torch.rand(6, 1, 8, 8)))
    assert names[:3] == ["stem.0", "stem.1", "lif"]
    assert "blocks.0.conv1.0" in names
    assert not {"blocks", "blocks.0", "blocks.0.conv1"} & set(names)
    assert names[-1] == "classifier"


def test_a_layer_without_images_is_passed_over_unless_it_is_named():
    assert list(activations(nn.Sequential(nn.Identity(), nn.Flatten(0)), INPUTS)) == ["0"]
