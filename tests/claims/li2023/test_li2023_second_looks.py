"""What rivals measure, on networks whose answer is known without training."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from claims.li2023 import second_looks
from claims.li2023.attacking import (
    STEPS,
    AttackedMeasurement,
    SuiteMeasurement,
    attacked_in_training,
    pixels,
)
from claims.li2023.measuring import PairMeasurement, reestimate
from claims.li2023.networks import PreActivation, block_names, layer_names, spikes_after
from claims.li2023.recipes import SMOKE, ordinary, spiking
from claims.li2023.second_looks import (
    LOOKS,
    MatchedMeasurement,
    Thinned,
    WithoutMeasurement,
    _as_many_of_each,
)
from tic.attacks import Member
from tic.data import Digits
from tic.measure.activations import activations

SAMPLES = Digits().load("test").take(60)
RECIPE = spiking(SMOKE)


def images():
    ((inputs, labels),) = SAMPLES.batches(60)
    return inputs, labels


def network(seed, **design):
    torch.manual_seed(seed)
    made = PreActivation(**{"depth": 1, "width": 4} | design)
    built = made.build(Digits().facts, 4 if made.neuron == "spiking" else 1)
    reestimate(built, images()[0])
    return built


def without(one, other, **fields):
    return WithoutMeasurement(epoch=6, other=RECIPE, **fields).take(one, SAMPLES, [other])


def test_by_every_look_a_network_is_like_itself_and_unlike_another():
    same, other = without(network(0), network(0)), without(network(0), network(1, neuron="relu"))
    for look in (*LOOKS, "classes"):
        assert list(same[look]) == list(layer_names(3))
        assert list(same[look].values()) == pytest.approx([1] * 18, abs=1e-4)
        assert max(other[look].values()) < 0.99
    assert other["images"] != other["component"]
    assert 0 < other["variance"] < 1
    assert other["count"] == 60


def test_the_pair_is_the_one_that_the_claims_compare():
    for epoch in (0, 6):
        ours = WithoutMeasurement(epoch=epoch, other=ordinary(RECIPE))
        claims = PairMeasurement(epoch=epoch, other=ordinary(RECIPE))
        assert ours.partners(RECIPE) == claims.partners(RECIPE)
        partner = ordinary(RECIPE)
        assert ours.partner_epoch(partner) == claims.partner_epoch(partner)


def test_untrained_networks_are_given_their_statistics_in_a_second_look_too():
    torch.manual_seed(0)
    fresh = [PreActivation(depth=1, width=4).build(Digits().facts, 4) for _ in range(2)]
    before, after = (without(*copy.deepcopy(fresh), reestimated=given) for given in (False, True))
    assert before["images"] != after["images"]


def test_spikes_after_a_block_are_what_its_output_is_given_to():
    assert spikes_after(3) == ("blocks.1.first", "blocks.2.first", "last")
    seen = activations(network(0, neuron="relu"), images()[0], ["blocks.0", "blocks.1.first"])
    assert torch.equal(seen["blocks.0"].relu(), seen["blocks.1.first"])


def test_thinned_spikes_have_the_rate_that_was_asked_for_and_are_some_of_the_spikes():
    one = network(0)
    names = spikes_after(3)
    whole = activations(one, images()[0], names)
    kept = torch.tensor([[0.5, 1.0], [0.25, 0.5], [1.0, 0.0]])
    neurons = [torch.arange(whole[name].flatten(2).shape[2]).flip(0)[::2] for name in names]
    thinned = Thinned(one, names, kept, neurons)
    fewer = activations(thinned, images()[0], thinned.names)
    for row, name, own, of in zip(kept, names, thinned.names, neurons, strict=True):
        spikes = whole[name].flatten(2)[..., of]
        assert fewer[own].shape == spikes.shape
        assert not (fewer[own] > spikes).any()
        assert torch.equal(fewer[own][1:-1], spikes[1:-1])
        for share, step in zip(row.tolist(), (0, -1), strict=True):
            rate = float(fewer[own][step].mean() / spikes[step].mean())
            assert rate == pytest.approx(share, abs=0.06)
    assert not any(module._forward_hooks for module in one.modules())


def matched(one, matched="rates"):
    return MatchedMeasurement(epoch=6, matched=matched).take(one, SAMPLES, [])


def test_at_one_rate_all_neurons_are_looked_at():
    one = network(0)
    seen = activations(one, images()[0], spikes_after(3))
    for (first, last), spikes in zip(matched(one)["rates"], seen.values(), strict=True):
        assert first == pytest.approx(float(spikes[0].mean()))
        assert last == pytest.approx(float(spikes[-1].mean()))


def test_of_as_many_neurons_no_spike_is_left_out(monkeypatch):
    shares = []
    show = Thinned._show

    def shown(thinned, number):
        shares.extend(thinned.kept[number].tolist())
        return show(thinned, number)

    monkeypatch.setattr(Thinned, "_show", shown)
    matched(network(0), "neurons")
    assert set(shares) == {1.0}
    shares.clear()
    matched(network(0))
    assert min(shares) < max(shares) == pytest.approx(1)


def test_rates_are_those_of_the_spikes_that_are_drawn_and_change_is_theirs():
    one = network(0)
    result = matched(one, "neurons")
    seen = activations(one, images()[0], spikes_after(3))
    sizes = [spikes.flatten(2).shape[2] for spikes in seen.values()]
    assert len(set(sizes)) > 1
    drawn = _as_many_of_each(sizes)
    for (first, last), spikes, of in zip(result["rates"], seen.values(), drawn, strict=True):
        chosen = spikes.flatten(2)[..., of]
        assert chosen.shape[2] == min(sizes)
        assert first == pytest.approx(float(chosen[0].mean()))
        assert last == pytest.approx(float(chosen[-1].mean()))
    assert set(result["debiased"]) == set(result["biased"]) == set(block_names(3))
    assert result["debiased"]["blocks.2"] != result["biased"]["blocks.2"]
    assert result == matched(one, "neurons")
    assert result["debiased"] != matched(one)["debiased"]


def test_at_equal_rates_nothing_is_left_out():
    """Without memory every timestep is the same; thinned ones would not be."""
    one = network(0, leak=0.0)
    for name in spikes_after(3):
        # All fire like the first of them: what is left of their rates differs by nothing.
        one.get_submodule(name).forward = lambda currents: torch.ones_like(currents).where(
            torch.arange(currents.shape[1])[:, None, None, None] % 2 == 0, 0.0
        )
    result = matched(one)
    assert [rate for both in result["rates"] for rate in both] == pytest.approx([0.5] * 6)
    assert list(result["debiased"].values()) == pytest.approx([1] * 3, abs=1e-9)


class OfSizes(nn.Module):
    """Layers of unlike numbers of neurons, which fire alike and the same at all timesteps."""

    timesteps = 4

    def __init__(self, rates):
        super().__init__()
        self.layers = nn.ModuleList(nn.Identity() for _ in rates)
        draws = torch.Generator().manual_seed(0)
        self.maps = [torch.randn(64, neurons, generator=draws) for neurons, _ in rates]
        self.shares = [share for _, share in rates]

    def forward(self, images):
        pixels = images.flatten(1)
        pixels = pixels - pixels.mean(0)
        for layer, by_pixel, share in zip(self.layers, self.maps, self.shares, strict=True):
            currents = pixels @ by_pixel
            spikes = (currents > currents.quantile(1 - share)).float()
            layer(spikes.expand(self.timesteps, -1, -1))
        return torch.zeros(self.timesteps, len(images), 10)


@pytest.mark.parametrize("matched", ["rates", "neurons"])
def test_what_is_left_out_makes_no_change(monkeypatch, matched):
    # Nothing changes over time, however many spikes are left out of however many neurons.
    one = OfSizes([(512, 0.2), (256, 0.2), (128, 0.2), (128, 0.1)]).eval()
    monkeypatch.setattr(second_looks, "blocks_of", lambda network: 4)
    monkeypatch.setattr(
        second_looks, "spikes_after", lambda blocks: [f"layers.{k}" for k in range(blocks)]
    )
    result = MatchedMeasurement(epoch=6, matched=matched).take(one, Digits().load("test"), [])
    assert [rate for both in result["rates"] for rate in both] == pytest.approx(
        [0.2] * 6 + [0.1] * 2, abs=0.01
    )
    for kind in ("debiased", "biased"):
        assert list(result[kind].values()) == pytest.approx([1.0] * 4, abs=1e-9)


def test_of_a_neuron_the_same_is_left_out_at_both_timesteps():
    one, name = OfSizes([(300, 0.5)]).eval(), "layers.0"
    kept, everything = torch.tensor([[0.25, 0.5]]), [torch.arange(300)]
    seen = activations(Thinned(one, [name], kept, everything), images()[0], ["fewer.0"])["fewer.0"]
    whole = activations(one, images()[0], [name])[name]
    assert not (seen[0] > seen[-1]).any()  # fewer of them, and none that is left out at the other
    for share, step in ((0.25, 0), (0.5, -1)):
        assert float(seen[step].mean() / whole[step].mean()) == pytest.approx(share, abs=0.02)


def test_a_network_that_never_fires_has_no_change():
    one = network(0)
    for name in spikes_after(3):
        one.get_submodule(name).threshold = 1e30
    assert matched(one)["debiased"] == {}


# Attacks


def attacked(one, epsilon=0.5, **fields):
    return AttackedMeasurement(epoch=6, epsilon=epsilon, **fields).take(one, SAMPLES, [])


def test_an_attack_in_training_mode_by_hand():
    one, (inputs, labels) = network(0, neuron="relu"), images()
    size = pixels(SAMPLES.facts, 0.5)
    ours = attacked_in_training(copy.deepcopy(one), inputs, labels, size)
    other, moved = copy.deepcopy(one).train(), inputs.clone()
    for _ in range(STEPS):
        moved.requires_grad_(True)
        cross_entropy(other(moved).mean(0), labels, reduction="sum").backward()
        step = moved.detach() + size / 10 * moved.grad.sign()
        moved = torch.clamp(torch.min(torch.max(step, inputs - size), inputs + size), 0, 1)
    assert float((ours - moved).abs().max()) < 1e-6
    assert float((ours - inputs).abs().max()) == pytest.approx(size, abs=1e-6)


def test_in_training_mode_the_statistics_drift_and_the_clean_network_stays():
    one = network(0, neuron="relu")
    before = copy.deepcopy(one.state_dict())
    clean, drifted = (
        attacked(one, 0.0, crafting="training"),
        attacked(one, crafting="training", drifted=True),
    )
    hit = attacked(one, crafting="training")
    assert list(clean["debiased"].values()) == pytest.approx([1, 1, 1], abs=1e-12)
    assert hit["debiased"]["blocks.2"] < drifted["debiased"]["blocks.2"] < 1 - 1e-6
    assert all(torch.equal(before[name], value) for name, value in one.state_dict().items())
    assert not one.training


def test_an_attack_in_evaluation_mode_moves_no_statistics():
    one = network(0, neuron="relu")
    still = attacked(one, drifted=True)
    assert list(still["debiased"].values()) == pytest.approx([1, 1, 1], abs=1e-12)
    assert still["accuracy"] == attacked(one, 0.0)["accuracy"]


def test_other_attacks_leave_no_more_and_move_other_images():
    one = network(0)
    claimed = attacked(one, 0.3)
    suite = SuiteMeasurement(epoch=6, epsilon=0.3).take(one, SAMPLES, [])
    assert suite["attacked"] == pytest.approx(claimed["accuracy"])
    assert suite["worst"] <= suite["attacked"]
    assert 0 < suite["exchanged"] <= 100 - suite["attacked"]
    assert suite["debiased"] != claimed["debiased"]
    assert suite["images"] == 60


def test_where_no_other_attack_finds_anything_the_claims_images_are_left(monkeypatch):
    monkeypatch.setattr("claims.li2023.attacking.attack_suite", lambda *_: ())
    one = network(0, neuron="relu")
    suite = SuiteMeasurement(epoch=6, epsilon=0.3).take(one, SAMPLES, [])
    claimed = attacked(one, 0.3)
    assert suite["debiased"] == claimed["debiased"]
    assert (suite["worst"], suite["exchanged"]) == (suite["attacked"], 0)


class Recorded:
    """An attack that moves every pixel by half of the radius, and remembers what it was given."""

    def __init__(self, size):
        self.size, self.given = size, []

    def __call__(self, model, given, labels, batch):
        self.given.append(len(given))
        return (given + self.size / 2).clamp(0, 1)


def test_an_image_that_was_broken_is_not_attacked_again(monkeypatch):
    one, size = network(0, neuron="relu"), pixels(SAMPLES.facts, 0.3)
    first, again, same = Recorded(size), Recorded(size), Recorded(size)
    members = (
        Member("first", first, "margin"), Member("again", again, "auto"),
        Member("same", same, "paper"),
    )  # fmt: skip
    monkeypatch.setattr("claims.li2023.attacking.attack_suite", lambda *_: members)
    SuiteMeasurement(epoch=6, epsilon=0.3).take(one, SAMPLES, [])
    inputs, labels = images()
    right = int((one((inputs + size / 2).clamp(0, 1)).mean(0).argmax(1) == labels).sum())
    assert first.given == [60]
    assert again.given == [right]
    assert same.given == []


def test_every_attack_that_is_asked_for_runs_on_these_neurons():
    """So near to the images nothing is broken that was right, and no attack is spared."""
    one = network(0)
    suite = SuiteMeasurement(epoch=6, epsilon=1e-6).take(one, SAMPLES, [])
    assert suite["attacked"] == attacked(one, 0.0)["accuracy"]
    assert suite["worst"] == pytest.approx(suite["attacked"], abs=4)
    assert suite["worst"] > 0
