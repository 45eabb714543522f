"""What is measured, on networks whose answer is known without training."""

import numpy as np
import pytest
import torch

from claims.li2023.attacking import AttackedMeasurement
from claims.li2023.measuring import (
    DynamicsMeasurement,
    PairMeasurement,
    reestimate,
)
from claims.li2023.networks import BRANCH, PreActivation, block_names, layer_names
from claims.li2023.recipes import SMOKE, ordinary, spiking
from claims.li2023.runs import Similarities
from tic.data import Digits
from tic.errors import NotApplicableError
from tic.measure.activations import activations

SAMPLES = Digits().load("test").take(60)
RECIPE = spiking(SMOKE)
NAMES = layer_names(3)


def network(seed, **design):
    torch.manual_seed(seed)
    made = PreActivation(**{"depth": 1, "width": 4} | design)
    built = made.build(Digits().facts, 4 if made.neuron == "spiking" else 1)
    ((inputs, _),) = SAMPLES.batches(60)
    reestimate(built, inputs)
    return built


def pair(one, other, **fields):
    measurement = PairMeasurement(epoch=6, other=RECIPE, **fields)
    result = measurement.take(one, SAMPLES, [other])
    return result, Similarities(
        (10,), (result["debiased"],), (3,), np.array([result["gap"]]),
        np.array([result["by_chance"]]), result["images"],
    )  # fmt: skip


def test_a_network_is_like_itself_and_has_no_pattern():
    result, similar = pair(network(0), network(0))
    assert similar.of(NAMES) == pytest.approx(1, abs=1e-9)
    assert similar.recovery() == pytest.approx(0, abs=1e-9)
    assert result["images"] == 60


def test_without_shortcuts_the_pattern_is_exactly_nothing():
    one, other = (network(seed, shortcuts=False, neuron="relu") for seed in (0, 1))
    _, similar = pair(one, other)
    assert similar.recovery() == pytest.approx(0, abs=1e-12)
    assert 0.1 < float(similar.mean()[0]) < 0.999


def test_the_pattern_is_the_mean_over_blocks_of_sum_minus_branch():
    _, similar = pair(network(0, neuron="relu"), network(1))
    table = similar.tables[0]
    by_hand = [
        table[name][name] - table[f"{name}.{BRANCH}"][f"{name}.{BRANCH}"] for name in block_names(3)
    ]
    assert similar.recovery() == pytest.approx(np.mean(by_hand))
    assert similar.recovery() != pytest.approx(0, abs=1e-3)


def test_other_images_are_not_similar_and_the_bias_shows():
    one = network(0, neuron="relu")
    _, similar = pair(one, network(0, neuron="relu"), permuted=True)
    assert abs(float(similar.mean()[0])) < 0.06
    assert float(similar.gaps[0]) == pytest.approx(float(similar.by_chance[0]), abs=0.06)
    assert float(similar.gaps[0]) > 0.05
    assert "Debiased CKA over 60 images" in similar.note


def test_a_network_that_never_fires_has_no_number():
    result, similar = pair(network(0, neuron="relu"), network(1), threshold=1e30)
    assert "stem" in result["debiased"]["stem"]
    with pytest.raises(NotApplicableError, match=r"blocks.0.first with seed 10 is undefined"):
        similar.mean()
    cells = similar.cells()[0]
    assert cells[0][0] is not None
    assert cells[0][1] is None


def test_time_joined_and_averaged_are_two_readings():
    one, other = network(0), network(1)
    joined, mean = (pair(one, other, time=time)[1].mean() for time in ("joined", "mean"))
    assert joined != pytest.approx(mean, abs=1e-5)


def test_an_untrained_network_fires_more_once_its_statistics_are_its_own():
    torch.manual_seed(0)
    fresh = PreActivation(depth=2, width=4).build(Digits().facts, 4).eval()
    ((inputs, _),) = SAMPLES.batches(60)
    rates = []
    for _ in range(2):
        rates.append(
            float(activations(fresh, inputs, ["blocks.5.second"])["blocks.5.second"].mean())
        )
        measured = DynamicsMeasurement(epoch=0, reestimated=True).take(fresh, SAMPLES, [])
        assert len(measured["debiased"]) == 6
    assert rates[1] > 3 * rates[0]


def test_memory_makes_the_dynamics():
    measured = {
        leak: DynamicsMeasurement(epoch=6, leak=leak).take(network(0), SAMPLES, [])["debiased"]
        for leak in (0.0, None)
    }
    assert set(measured[None]) == set(block_names(3))
    for name in block_names(3):
        assert np.array(measured[0.0][name]) == pytest.approx(np.ones((4, 4)), abs=1e-12)
    assert measured[None]["blocks.2"][0][3] < 0.999
    # The identity shortcut carries the constant stem through the first stage.
    assert measured[None]["blocks.0"][0][3] > measured[None]["blocks.2"][0][3]


def attacked(one, epsilon, **fields):
    return AttackedMeasurement(epoch=6, epsilon=epsilon, **fields).take(one, SAMPLES, [])


def test_attacks_move_representations_and_clean_images_do_not():
    one = network(0, neuron="relu")
    clean, hit = attacked(one, 0.0), attacked(one, 0.5)
    assert list(clean["debiased"].values()) == pytest.approx([1, 1, 1], abs=1e-12)
    assert max(hit["debiased"].values()) < 0.99
    assert hit["accuracy"] <= clean["accuracy"]
    noise = attacked(one, 0.5, signs=True)
    assert min(noise["debiased"].values()) < 0.9999
    assert noise == attacked(one, 0.5, signs=True)


@pytest.mark.parametrize("signs", [False, True])
def test_no_pixel_moves_further_than_epsilon_or_out_of_its_range(signs):
    measurement = AttackedMeasurement(epoch=6, epsilon=0.3, signs=signs)
    ((images, labels),) = SAMPLES.batches(60)
    size = 0.3 * Digits().facts.std[0]
    changed = measurement._changed(network(0, neuron="relu"), images, labels, size, 0)
    assert float((changed - images).abs().max()) == pytest.approx(size, abs=1e-6)
    assert float(changed.min()) >= 0
    assert float(changed.max()) <= 1


def test_a_pair_before_training_is_untrained_on_both_sides():
    measurement = PairMeasurement(epoch=0, other=ordinary(RECIPE))
    assert measurement.partners(RECIPE) == (ordinary(RECIPE),)
    assert measurement.partner_epoch(ordinary(RECIPE)) == 0
    assert PairMeasurement(epoch=6, other=RECIPE).partner_epoch(RECIPE) == RECIPE.epochs


def test_measuring_leaves_the_weights_alone():
    one, other = network(0), network(1)
    before = [p.clone() for p in (*one.parameters(), *other.parameters())]
    pair(one, other)
    attacked(one, 0.3)
    after = [*one.parameters(), *other.parameters()]
    assert all(torch.equal(x, y) for x, y in zip(before, after, strict=True))
    assert not any(m._forward_hooks for m in one.modules())
    assert activations(one, SAMPLES.presented(SAMPLES.inputs[:5]), ["pool"])["pool"].shape[0] == 4


def test_both_networks_of_an_untrained_pair_are_given_their_statistics():
    torch.manual_seed(0)
    one, other = (PreActivation(depth=1, width=4).build(Digits().facts, 4) for _ in range(2))
    result = PairMeasurement(epoch=0, other=RECIPE, reestimated=True).take(one, SAMPLES, [other])
    assert set(result["debiased"]) == set(NAMES)
    for network in (one, other):
        assert float(network.stem[1].running_mean.abs().max()) > 0
        assert network.blocks[2].norm.momentum is None
