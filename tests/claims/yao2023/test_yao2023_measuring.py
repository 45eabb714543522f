"""What is measured, on networks and maps whose answer is known without training."""

import numpy as np
import pytest
import torch
from torch.nn.functional import max_pool2d

from claims.yao2023.attention import ConstantScale, SplitAttention
from claims.yao2023.measuring import (
    EDGES,
    FeatureMeasurement,
    FiringMeasurement,
    HalfMeasurement,
    LikenessMeasurement,
    MapMeasurement,
    PotentialMeasurement,
    alike,
    batch_size,
    displaced,
    receptive,
)
from claims.yao2023.networks import Frames
from claims.yao2023.recipes import MOTION
from tic.audit import Facts
from tic.data import Digits, Samples
from tic.data.events import MovingImages
from tic.measure.activations import activations

DATA = MovingImages(Digits(), field=12)
SAMPLES = DATA.load("test").take(30)
DESIGN = Frames(channels=(4, 4, 6), hidden=(10,), dropout=0.0)


def network(seed=0, **fields):
    torch.manual_seed(seed)
    made = DESIGN.but(**fields).build(DATA.facts, 8)
    made.train()(SAMPLES.inputs)  # batch normalisation has statistics of its own then
    return made.eval()


def taken(kind, one=None, **fields):
    return kind(epoch=6, **fields).take(one or network(), SAMPLES, [])


def test_the_firing_rate_is_that_of_all_spikes_over_all_neurons():
    one = network()
    result = taken(FiringMeasurement, one)
    seen = activations(one, SAMPLES.inputs, one.neuron_layers())
    spikes = {name: float(values.sum()) for name, values in seen.items()}
    chances = {name: values.numel() for name, values in seen.items()}
    assert result["neurons"] == pytest.approx(sum(spikes.values()) / sum(chances.values()))
    rates = [spikes[name] / chances[name] for name in seen]
    assert list(result["rates"].values()) == pytest.approx(rates)
    assert result["layers"] == pytest.approx(np.mean(rates))
    convolutions = [f"neuron.{k}" for k in range(3)]
    inner = sum(spikes[n] for n in convolutions) / sum(chances[n] for n in convolutions)
    assert result["convolutions"] == pytest.approx(inner)
    assert result["events"] == pytest.approx(float(SAMPLES.inputs.sum()) / 30)
    by_time = seen["neuron.1"].mean((1, 2, 3, 4)).tolist()
    assert result["by_timestep"]["neuron.1"] == pytest.approx(by_time, abs=1e-6)


def test_the_modules_own_products_cost_energy():
    plain, scaled = network(), network(attention=SplitAttention(reduction=2))
    with torch.no_grad():
        for scale in scaled.scale:
            scale.conv1.weight.fill_(0)
            scale.conv2.weight.fill_(0)
    half = network(attention=ConstantScale(0.5))
    half.load_state_dict(plain.state_dict())
    scaled.load_state_dict(plain.state_dict(), strict=False)
    without = taken(FiringMeasurement, half)
    with_it = taken(FiringMeasurement, scaled)
    assert with_it["neurons"] == pytest.approx(without["neurons"])
    products = 8 * (4 * 144 + 4 * 36 + 6 * 9)
    # Mapping: each of 4, 4 and 6 channels of 30 recordings, through 4 neurons, both ways.
    assert with_it["energy"] - without["energy"] >= 4.6 * products
    assert with_it["energy"] - without["energy"] < 4.6 * (products + 18 * (144 + 36 + 9) * 2 + 2000)


def test_operations_are_those_of_spikes_and_not_of_input_events():
    facts = Facts(name="f", shape=(2, 2, 3, 3), num_classes=2, train_size=1, test_size=1)
    design = Frames(channels=(1, 1), pooled=(), hidden=(), biased=False, dropout=0.0)
    one = design.build(facts, 2).eval()
    with torch.no_grad():
        one.conv[0].weight.zero_()[0, 0, 1, 1] = 1.0
        one.conv[1].weight.fill_(1.0)
        one.dense[0].weight.fill_(1.0)
    frames = torch.zeros(1, 2, 2, 3, 3)
    frames[0, 0, 0, 1, 1] = 1.0
    samples = Samples(facts, "test", frames, torch.tensor([0]))
    result = FiringMeasurement(epoch=1).take(one, samples, [])
    # The event makes the middle neuron spike, which makes all nine of the next layer spike once.
    assert result["rates"] == pytest.approx(
        {"neuron.0": 1 / 18, "neuron.1": 1 / 2, "neuron.2": 1 / 2}
    )
    assert result["operations"] == 9 + 9 * 2
    assert result["energy"] == pytest.approx(0.9 * (1 + 9 + 9 * 2))


@pytest.mark.parametrize("attention", [None, SplitAttention(reduction=2)])
def test_a_network_that_never_fires_has_no_operations(attention):
    silent = taken(FiringMeasurement, network(attention=attention), threshold=1e30)
    assert (silent["neurons"], silent["operations"]) == (0, 0)
    assert silent["energy"] > 0


def test_a_neuron_is_in_the_foreground_where_the_object_is_in_its_receptive_field():
    one = network()
    objects = torch.zeros(1, 8, 12, 12, dtype=torch.bool)
    objects[0, 3, 0, 0] = True
    inside = [receptive(one, objects, number) for number in range(3)]
    assert [where.shape[-1] for where in inside] == [12, 6, 3]
    assert [int(where.sum()) for where in inside] == [4, 4, 4]
    assert inside[0][0, 3, :2, :2].all()
    assert not inside[2][0, 2].any()
    pooled = network(pooling="max")
    assert [int(receptive(pooled, objects, n).sum()) for n in range(3)] == [4, 9, 9]


def test_a_gradient_says_which_neurons_an_object_reaches():
    one = network()
    objects = SAMPLES.objects[:1]
    inside = receptive(one, objects, 1)
    frames = torch.zeros(1, 8, 2, 12, 12, requires_grad=True)
    conv = list(one.conv[:2])
    with torch.no_grad():
        for layer in conv:
            layer.weight.fill_(1.0)
    hidden = conv[1](conv[0](frames.flatten(0, 1)))
    hidden = torch.nn.functional.avg_pool2d(hidden, 2)
    for y, x in ((0, 0), (3, 2), (5, 5)):
        (gradient,) = torch.autograd.grad(hidden[4, 0, y, x], frames, retain_graph=True)
        reached = bool((gradient[0, 4].sum(0).bool() & objects[0, 4]).any())
        assert bool(inside[0, 4, y, x]) == reached


def test_background_and_foreground_are_all_neurons():
    one = network()
    layers = taken(FeatureMeasurement, one)["layers"]
    seen = activations(one, SAMPLES.inputs, list(layers))
    for number, (name, layer) in enumerate(layers.items()):
        values = seen[name]
        assert np.array(layer["mean"]) == pytest.approx(values.mean((1, 3, 4)).numpy(), abs=1e-6)
        both = np.array(layer["back"]) + np.array(layer["fore"])
        assert both == pytest.approx(values.sum((1, 3, 4)).numpy())
        places = np.array(layer["back_neurons"]) + np.array(layer["fore_neurons"])
        assert set(places) == {30 * values.shape[3] * values.shape[4]}
        where = SAMPLES.objects.float()
        for layer_number in range(number + 1):
            where = max_pool2d(where, 3, 1, 1)
            where = max_pool2d(where, 2) if layer_number else where
        assert layer["fore_neurons"] == where.sum((0, 2, 3)).tolist()


def test_data_of_which_nobody_knows_the_object_have_no_background():
    plain = Samples(SAMPLES.facts, "test", SAMPLES.inputs, SAMPLES.labels)
    layers = FeatureMeasurement(epoch=6).take(network(), plain, [])["layers"]
    assert set(layers["neuron.0"]) == {"mean"}


def test_spikes_that_are_not_counted_are_missed_alike_everywhere():
    one = network()
    whole, half = (taken(FeatureMeasurement, one, counted=share)["layers"] for share in (1.0, 0.5))
    assert np.sum(whole["neuron.0"]["back"]) > 100
    for name, layer in whole.items():
        for ground in ("back", "fore"):
            spikes = np.sum(layer[ground])
            assert abs(np.sum(half[name][ground]) - spikes / 2) <= 2 * spikes**0.5  # four sd
            assert half[name][f"{ground}_neurons"] == layer[f"{ground}_neurons"]


def test_displaced_objects_are_as_large_and_anywhere():
    one = network()
    own, moved = (
        taken(FeatureMeasurement, one, displaced=elsewhere)["layers"]["neuron.0"]
        for elsewhere in (False, True)
    )
    assert own["fore"] != moved["fore"]
    objects = torch.zeros(400, 3, 5, 7, dtype=torch.bool)
    objects[..., 2, 2:4] = True
    places = displaced(objects)
    assert (places.sum((2, 3)) == 2).all()
    # Of 1200 objects of two places each, about 69 lie on every one of 35.
    assert ((places.sum((0, 1)) - 1200 * 2 / 35).abs() < 45).all()
    assert not (places[:, 0] == places[:, 1]).all()


def test_potentials_are_those_that_neurons_are_given():
    one = network()
    result = taken(PotentialMeasurement, one)
    inputs, membranes = [], []
    for neuron in one.neuron[:3]:
        neuron.register_forward_pre_hook(lambda _m, given: inputs.append(given[0].flatten()))
        neuron.register_forward_pre_hook(
            lambda m, given: membranes.append(m.potentials(given[0]).flatten())
        )
    with torch.no_grad():
        one(SAMPLES.inputs)
    for name, parts in (("input", inputs), ("membrane", membranes)):
        values = torch.cat(parts)
        assert result[name]["sd"] == pytest.approx(float(values.std()), rel=1e-4)
        assert result[name]["above"] == pytest.approx(float((values >= 0.3).float().mean()))
        assert sum(result[name]["counts"]) == len(values)
        inside = ((values >= 0) & (values < 0.1)).sum()
        assert result[name]["counts"][EDGES.index(0.0)] == pytest.approx(int(inside), abs=9)
    near = ((torch.cat(membranes) - 0.3).abs() < 0.25).float().mean()
    assert result["window"] == pytest.approx(float(near))


def test_maps_are_alike_as_correlations_say():
    draws = np.random.default_rng(0)
    maps = draws.normal(size=(3, 2, 20))
    maps[1, 1] = 5.0  # the same everywhere: it has none
    same, other = alike(torch.from_numpy(maps))
    pairs = [(0, 1, 0), (1, 2, 0)]  # channel 1 has no neighbour that varies
    expected = [np.corrcoef(maps[t, c], maps[u, c])[0, 1] for t, u, c in pairs]
    assert same == pytest.approx(expected)
    beside = [np.corrcoef(maps[t, 0], maps[t, 1])[0, 1] for t in (0, 2)]
    assert sorted(other) == pytest.approx(sorted([*beside, *beside]))


def test_channels_that_change_places_are_not_like_themselves():
    still = torch.from_numpy(np.random.default_rng(1).normal(size=(1, 6, 200))).expand(8, 6, 200)
    assert np.mean(alike(still)[0]) == pytest.approx(1)
    same, other = alike(still, rotated=True)
    assert abs(np.mean(same)) < 0.1
    assert sorted(other) == pytest.approx(sorted(alike(still)[1]))


def test_likeness_of_a_network_leaves_out_what_is_undefined():
    assert set(taken(LikenessMeasurement)) == {"same", "other"}
    assert taken(LikenessMeasurement, threshold=1e30) == {}


def test_maps_are_means_over_recordings():
    one = network()
    maps = np.array(taken(MapMeasurement, one, layer=1, timestep=5)["maps"])
    seen = activations(one, SAMPLES.inputs, ["neuron.1"])["neuron.1"]
    assert maps == pytest.approx(seen[5].mean(0).numpy(), abs=1e-6)


def test_halves_are_every_second_recording():
    one = network()
    result = taken(HalfMeasurement, one)
    right = (one(SAMPLES.inputs).mean(0).argmax(1) == SAMPLES.labels).float()
    assert result["chosen_by"] == pytest.approx(100 * float(right[::2].mean()))
    assert result["judged_by"] == pytest.approx(100 * float(right[1::2].mean()))


def test_falsified_networks_are_themselves_again_afterwards():
    one = network(attention=ConstantScale(0.5))
    before = taken(FiringMeasurement, one)
    silent = taken(FiringMeasurement, one, threshold=1e30)
    assert silent["neurons"] == 0
    unscaled = taken(FiringMeasurement, one, without_maps=True)
    assert unscaled["neurons"] > 1.2 * before["neurons"]
    shown = taken(FiringMeasurement, one, shown=0.5)
    assert shown["events"] == pytest.approx(before["events"] / 2, rel=0.05)
    assert taken(FiringMeasurement, one) == before


def test_no_batch_has_as_many_recordings_as_there_are_timesteps():
    for samples, timesteps in ((360, 8), (98, 8), (8, 8), (288, 60), (150, 60), (90, 90), (7, 8)):
        size = batch_size(samples, timesteps)
        sizes = {min(size, samples - start) for start in range(0, samples, size)}
        assert timesteps not in sizes


def test_the_smoke_setting_is_measured_in_its_own_shape():
    built = MOTION.recipe.architecture.build(MOTION.recipe.dataset.facts, 8)
    assert built.convolutional() == ("neuron.0", "neuron.1", "neuron.2")
    assert len(built.neuron_layers()) == 5
