import pytest
import torch
from torch import nn

from tic.data import Digits
from tic.errors import TicError
from tic.measure import axes
from tic.measure.activations import Watch, activations
from tic.measure.similarity import representation_similarity
from tic.models import Spiking
from tic.neurons import LIF, fresh_membranes


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


def test_a_layer_that_joins_images_and_features_is_refused():
    with pytest.raises(TicError, match=r"layer 1 must give out .* got \(10,\); name other layers"):
        activations(nn.Sequential(nn.Identity(), nn.Flatten(0)), INPUTS)


class Averaged(nn.Module):
    """Runs two layers over time and returns the mean read-out (B, K)."""

    def __init__(self, timesteps=8):
        super().__init__()
        self.steps = timesteps
        self.stem, self.h, self.lif = nn.Linear(2, 3), nn.Identity(), LIF()

    def forward(self, inputs):
        currents = self.h(self.stem(inputs))
        with fresh_membranes(self):
            return self.lif(3 * currents.abs().expand(self.steps, *currents.shape)).mean(0)


@pytest.mark.parametrize("images", [5, 8, 16])  # 8 images at 8 timesteps look like 8 timesteps
@pytest.mark.parametrize("layers", [None, ["lif"]])
def test_time_of_a_network_that_does_not_tell_of_it_is_not_taken_for_images(images, layers):
    inputs = torch.rand(images, 2, generator=torch.Generator().manual_seed(0))
    with pytest.raises(TicError, match=r"layer lif must give .* at 1 or 1 timesteps.* timesteps"):
        activations(Averaged(), inputs, layers)


def test_a_network_that_averages_over_time_is_read_once_it_tells_its_timesteps():
    network = Averaged()
    network.timesteps = 8
    seen = activations(network, INPUTS)
    assert {name: values.shape[:2] for name, values in seen.items()} == {
        "stem": (1, 5), "h": (1, 5), "lif": (8, 5),
    }  # fmt: skip


@pytest.mark.parametrize("images", [3, 4, 6, 7])
def test_as_many_features_as_images_are_features(images):
    network = nn.Sequential(nn.Linear(2, images), nn.ReLU())
    inputs = torch.rand(images, 2)
    assert torch.equal(activations(network, inputs)["0"][0], network[0](inputs).detach())


class Table(nn.Module):
    def __init__(self, entries):
        super().__init__()
        self.table, self.last = nn.Embedding(entries, 2), nn.Identity()
        self.entries = entries

    def forward(self, inputs):
        return self.last(inputs + self.table(torch.arange(self.entries)).mean(0))


@pytest.mark.parametrize("entries", [3, 4, 5, 8, 10])
def test_what_has_one_shape_for_any_number_of_images_holds_none(entries):
    assert list(activations(Table(entries), INPUTS)) == ["last"]
    with pytest.raises(TicError, match="layer table must give out a tensor with an entry for each"):
        activations(Table(entries), INPUTS, ["table"])


class BatchFirst(nn.Module):
    """Runs over sequences (B, T, F), with the batch outermost where axes are joined."""

    def __init__(self, first="image"):
        super().__init__()
        torch.manual_seed(0)
        self.first = first
        self.a, self.b, self.c = nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2)

    def forward(self, inputs):
        batch, timesteps, _ = inputs.shape
        if self.first == "image":
            values = self.c(self.b(self.a(inputs.flatten(0, 1))))
            return values.view(batch, timesteps, -1).transpose(0, 1)
        values = self.c(self.b(self.a(inputs.transpose(0, 1).flatten(0, 1))))
        return values.view(timesteps, batch, -1)


SEQUENCES = torch.rand(6, 4, 2, generator=torch.Generator().manual_seed(1)) - 0.5


@pytest.mark.parametrize("images", [2, 3, 5, 6])
def test_the_batch_folded_outermost_is_read_as_time_is(images):
    by_image, by_time = (
        activations(BatchFirst(first), SEQUENCES[:images]) for first in ("image", "time")
    )
    assert list(by_image) == ["a", "b", "c"]
    for name, values in by_image.items():
        assert values.shape[:2] == (4, images)
        assert torch.allclose(values, by_time[name])
    by_hand = BatchFirst().a(SEQUENCES[0, 3])
    assert torch.allclose(by_image["a"][3, 0], by_hand)


def test_axes_are_read_however_an_output_lies_in_memory():
    class Images(nn.Module):
        def __init__(self):
            super().__init__()
            self.timesteps, self.seen = 4, nn.Identity()

        def forward(self, images):
            folded = images.repeat_interleave(4, 0).contiguous(memory_format=torch.channels_last)
            return self.seen(folded).unflatten(0, (-1, 4)).transpose(0, 1).flatten(2)

    images = torch.rand(6, 3, 2, 2)
    assert torch.equal(activations(Images(), images)["seen"], images.expand(4, 6, 3, 2, 2))


def test_similarity_does_not_see_in_which_order_axes_were_joined():
    loader = [(SEQUENCES, torch.zeros(6, dtype=torch.int64))]
    for time in ("joined", "mean", "apart"):
        similar = representation_similarity(
            BatchFirst("image"), BatchFirst("time"), loader, layers=["a"], time=time
        )
        assert similar.debiased.diagonal().tolist() == pytest.approx([1] * len(similar.rows))


class Quiet(BatchFirst):
    """Its second layer gives out something for the last of six images alone."""

    def __init__(self, first="image"):
        super().__init__(first)
        self.a, self.b, self.c = nn.Identity(), nn.Threshold(0.6, 0), nn.Identity()


def test_a_layer_in_which_nothing_changes_is_read_as_the_others_are():
    inputs = SEQUENCES.clone()
    inputs[5] = 1
    seen = activations(Quiet(), inputs)["b"]
    assert seen[:, 5].all()
    assert not seen[:, :5].any()


def test_images_that_share_entries_are_refused():
    class Mixed(BatchFirst):
        def forward(self, inputs):
            return super().forward(inputs + inputs.mean(0))

    with pytest.raises(TicError, match=r"layer a gives out \(12, 3\).* of its own .* name other"):
        activations(Mixed(), SEQUENCES)


class Drawing(BatchFirst):
    """Draws from a generator of its own."""

    def __init__(self, first):
        super().__init__(first)
        self.timesteps, self.draws = 4, torch.Generator().manual_seed(0)

    def forward(self, inputs):
        return super().forward(inputs + torch.rand(inputs.shape, generator=self.draws))


def test_a_network_draws_the_same_whether_it_was_asked_or_not():
    for first in ("image", "time"):
        alone, seen = Drawing(first), activations(Drawing(first), SEQUENCES)
        assert torch.equal(alone(SEQUENCES), seen["c"].detach())


def test_the_axes_of_a_spiking_network_are_known_and_of_others_they_are_asked_once(monkeypatch):
    asked, real = [], axes._first_outputs
    monkeypatch.setattr(axes, "_first_outputs", lambda *of: asked.append(of) or real(*of))
    own = Spiking("tiny").build(Digits().facts, 5)
    activations(own, torch.rand(6, 1, 8, 8))
    assert not asked
    watch = Watch(BatchFirst())
    for _ in range(3):
        watch.over(SEQUENCES, lambda *_: None)
    assert [len(inputs) for _, inputs, *_ in asked] == [3, 3]
