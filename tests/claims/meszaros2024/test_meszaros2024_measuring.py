"""What is measured, on networks whose structure is known without training."""

import math

import numpy as np
import pytest
import torch

from claims.meszaros2024.judging import require_new_voices
from claims.meszaros2024.measuring import (
    BlurredMeasurement,
    ChangeMeasurement,
    DensityMeasurement,
    GroupingMeasurement,
    HalfMeasurement,
    HeldOutMeasurement,
    MapMeasurement,
    SelectionMeasurement,
)
from claims.meszaros2024.networks import Delayed
from claims.meszaros2024.recipes import HEIDELBERG, SPOKEN, condition
from claims.meszaros2024.runs import MeszarosRuns
from fixtures.speech_files import write_digits
from tic.audit.judge import Judge
from tic.data.speech import HeidelbergDigits, SpokenDigits, Utterances
from tic.lab import Lab
from tic.measure.robustness import accuracy

DATA = SpokenDigits()
SAMPLES = DATA.load("test").take(200)
BANDS, HIDDEN, DELAYS = 20, 16, 13


def network(seed=0, **fields):
    torch.manual_seed(seed)
    design = Delayed(hidden=HIDDEN, largest_delay=DELAYS - 1, tau=8.0).but(**fields)
    return design.build(DATA.facts, 40).eval()


def planted(signs, delays=None, live=None, seed=0):
    """A network with given signs, delays and live synapses of the first layer."""
    made = network(seed)
    with torch.no_grad():
        made.inner.weight.copy_(torch.as_tensor(signs, dtype=torch.float32) * 0.3)
        if delays is not None:
            made.inner.delay.copy_(torch.as_tensor(delays, dtype=torch.float32))
        if live is not None:
            made.inner.weight.mul_(torch.as_tensor(live))
    return made


def taken(kind, made, partners=(), **fields):
    return kind(epoch=3, **fields).take(made, SAMPLES, partners)


def autocorrelation(signs, delays, reach, places=None):
    """Pooled Moran's I, one pair of synapses after the other."""
    places = range(BANDS) if places is None else places
    above, below = 0.0, 0.0
    for neuron_signs, neuron_delays in zip(signs, delays, strict=True):
        points = [
            (places[band], neuron_delays[band], neuron_signs[band])
            for band in range(BANDS)
            if neuron_signs[band]
        ]
        mean = sum(sign for *_, sign in points) / len(points)
        products, weights = 0.0, 0.0
        for one, (band, delay, sign) in enumerate(points):
            for other, (band2, delay2, sign2) in enumerate(points):
                if one != other:
                    squares = (band - band2) ** 2 + (delay - delay2) ** 2
                    weight = math.exp(-squares / reach**2 / 2)
                    products += weight * (sign - mean) * (sign2 - mean)
                    weights += weight
        above += products * len(points) / weights
        below += sum((sign - mean) ** 2 for *_, sign in points)
    return above / below


def drawn(seed=0, share=0.4):
    draws = np.random.default_rng(seed)
    signs = draws.choice([-1, 1], (HIDDEN, BANDS)) * (draws.random((HIDDEN, BANDS)) < share)
    return signs, draws.integers(0, DELAYS, (HIDDEN, BANDS))


def shuffled(values, live, draws):
    values = values.copy()
    for row, there in zip(values, live, strict=True):
        row[there] = draws.permutation(row[there])
    return values


@pytest.mark.parametrize("reach", [1.5, 3.0])
def test_grouping_is_autocorrelation_beyond_that_of_permuted_signs_bands_and_delays(reach):
    signs, delays = drawn()
    live, plain = signs != 0, autocorrelation(signs, delays, reach)
    draws, nulls = np.random.default_rng(5), {"signs": [], "bands": [], "delays": []}
    for _ in range(60):
        nulls["signs"].append(autocorrelation(shuffled(signs, live, draws), delays, reach))
        nulls["delays"].append(autocorrelation(signs, shuffled(delays, live, draws), reach))
        # To permute bands among pairs of delay and sign is to permute these pairs among bands.
        order = shuffled(np.tile(np.arange(BANDS), (HIDDEN, 1)), live, draws)
        pairs = (np.take_along_axis(values, order, 1) for values in (signs, delays))
        nulls["bands"].append(autocorrelation(*pairs, reach))
    grouped = taken(GroupingMeasurement, planted(signs, delays), reach=reach)
    for null, values in nulls.items():
        tolerance = 5 * np.std(values) / np.sqrt(60)
        assert grouped[null] == pytest.approx(plain - np.mean(values), abs=tolerance)


def patches():
    """Half of the bands excite with short delays and inhibit with long ones, half the reverse."""
    _, delays = drawn(1)
    early, low = delays < DELAYS / 2, np.arange(BANDS) < BANDS / 2
    return np.where(early == low, 1, -1), delays


def test_patches_group_and_random_signs_do_not():
    signs, delays = patches()
    grouped = taken(GroupingMeasurement, planted(signs, delays))
    assert min(grouped.values()) > 0.2
    mixed = np.random.default_rng(0).permuted(signs, axis=1)
    nothing = taken(GroupingMeasurement, planted(mixed, delays))
    assert max(map(abs, nothing.values())) < 0.12


@pytest.mark.parametrize(
    ("falsified", "vanishes"),
    [("signs", {"signs", "bands", "delays"}), ("bands", {"bands"}), ("delays", {"delays"})],
)
def test_what_is_falsified_vanishes(falsified, vanishes):
    signs, delays = patches()
    grouped = taken(GroupingMeasurement, planted(signs, delays), falsified=falsified)
    assert max(abs(grouped[name]) for name in vanishes) < 0.12


def test_sorted_signs_group_in_space_alone_whatever_was_learned():
    signs, delays = drawn(2, share=1.0)
    grouped = taken(GroupingMeasurement, planted(signs, delays), falsified="sorted")
    assert grouped["bands"] > 0.3
    assert grouped["signs"] > 0.3
    assert abs(grouped["delays"]) < 0.1


def test_permuted_bands_group_in_order_of_frequency():
    signs = np.tile(np.where(np.arange(BANDS) < BANDS / 2, 1, -1), (HIDDEN, 1))
    data = SpokenDigits(frequencies="permuted")
    places = data.places().numpy()
    made = planted(signs[:, places], drawn(3)[1])
    seen = taken(GroupingMeasurement, made)["signs"]
    again = taken(GroupingMeasurement, made, places=tuple(places.tolist()))["signs"]
    assert seen < 0.15 < 0.3 < again


@pytest.mark.parametrize("reach", [1.5, 3.0])
def test_density_is_the_weight_of_neighbours_over_that_of_uniform_positions(reach):
    signs, delays = drawn(7)
    near = [
        math.exp(-((one - other) ** 2 + (late - later) ** 2) / reach**2 / 2)
        for row, when in zip(signs, delays, strict=True)
        for one, late in zip(np.flatnonzero(row), when[row != 0], strict=True)
        for other, later in zip(np.flatnonzero(row), when[row != 0], strict=True)
        if one != other
    ]
    draws = np.random.default_rng(8)
    bands = np.argsort(draws.random((200_000, BANDS)), axis=1)[:, :2]
    times = draws.integers(0, DELAYS, (200_000, 2))
    apart = (np.diff(bands, axis=1) ** 2 + np.diff(times, axis=1) ** 2) / reach**2
    expected = np.mean(near) / np.exp(-apart / 2).mean() - 1
    density = taken(DensityMeasurement, planted(signs, delays), reach=reach)
    assert density["excess"] == pytest.approx(expected, abs=0.03)


def test_synapses_at_the_same_delay_are_dense_whatever_their_signs_and_drawn_ones_are_not():
    signs, delays = drawn(9, share=1.0)
    at_once = taken(DensityMeasurement, planted(signs, np.full_like(delays, 6)))
    # Every neighbour has the same delay, which leaves of the weight of uniform ones this share.
    steps = np.arange(DELAYS)
    left = np.exp(-(((steps[:, None] - steps) / 1.5) ** 2) / 2).mean()
    assert at_once["excess"] == pytest.approx(1 / left - 1)
    assert abs(taken(DensityMeasurement, network(hidden=2000))["excess"]) < 0.02
    flipped = taken(DensityMeasurement, planted(-signs, delays))
    assert flipped == taken(DensityMeasurement, planted(signs, delays))


def test_nothing_is_dense_without_pairs():
    signs = np.zeros((HIDDEN, BANDS))
    signs[:, 3] = 1
    assert taken(DensityMeasurement, planted(signs, drawn()[1])) == {}


def test_changes_are_those_since_the_beginning():
    start, end = network(), network()
    with torch.no_grad():
        start.inner.weight[:, :15] = 0
        end.inner.weight[:, :10] = 0
        end.inner.delay.copy_(start.inner.delay + 2.0)
    change = taken(ChangeMeasurement, end, [start])
    assert change["live"] == [10 * HIDDEN, 20 * HIDDEN]
    assert change["synapses"] == [20 * HIDDEN, 20 * HIDDEN]
    assert change["born"] == pytest.approx([0.5, 0.0])
    assert change["moved"] == pytest.approx([2.0, 0.0])
    assert taken(ChangeMeasurement, end, [start], unmasked=True)["live"] == [20 * HIDDEN] * 2
    recipe = condition(SPOKEN, "dynamic", "learned", 0.5)
    measurement = ChangeMeasurement(epoch=20)
    assert measurement.partners(recipe) == (recipe,)
    assert measurement.partner_epoch(recipe) == 0


def test_selection_is_the_distance_of_live_delays_beyond_chance():
    _, delays = drawn(4)
    signs = np.ones((HIDDEN, BANDS))
    short = taken(SelectionMeasurement, planted(signs, delays, delays < DELAYS // 2))
    count, share = int((delays < DELAYS // 2).sum()), (delays < DELAYS // 2).mean()
    assert count > 50
    # All that are live are short, and only the share of these among all.
    assert short["distance"] == pytest.approx(1 - share, abs=0.08)
    random = np.random.default_rng(1).random((HIDDEN, BANDS)) < 0.3
    assert abs(taken(SelectionMeasurement, planted(signs, delays, random))["distance"]) < 0.06
    assert taken(SelectionMeasurement, planted(signs, delays))["distance"] == pytest.approx(0)


def test_maps_count_signs_by_band_and_delay():
    signs, delays = drawn(6)
    expected = np.zeros((BANDS, DELAYS))
    for band in range(BANDS):
        for neuron in range(HIDDEN):
            expected[band, delays[neuron, band]] += signs[neuron, band] / HIDDEN
    np.testing.assert_allclose(taken(MapMeasurement, planted(signs, delays))["signs"], expected)


def test_held_out_speakers_are_in_no_other_split():
    recipe = condition(SPOKEN, "dense", "learned")
    held_out = HeldOutMeasurement(epoch=3)
    data = held_out.dataset(recipe)
    assert data == SpokenDigits(evaluated="validation")
    voices = {
        name: set(made.speakers.tolist())
        for name, made in {
            "train": DATA.load("train"), "test": DATA.load("test"), "held out": data.load("test"),
        }.items()
    }  # fmt: skip
    assert [len(those) for those in voices.values()] == [25, 10, 6]
    assert len(set().union(*voices.values())) == 41
    samples, made = data.load("test"), network()
    right = int((made(samples.inputs).mean(0).argmax(1) == samples.labels).sum())
    assert held_out.take(made, samples, ()) == {"accuracy": pytest.approx(100 * right / 240)}


def test_the_lists_of_the_heidelberg_digits_have_some_new_voices(tmp_path):
    pytest.importorskip("soundfile")
    write_digits(tmp_path)
    setting = HEIDELBERG.but(dataset=HeidelbergDigits(recordings=(3, 2, 0)))
    runs = MeszarosRuns(setting.recipe, setting, Lab(tmp_path / "store", data_root=tmp_path))
    assert (runs.voices("train"), runs.voices("test")) == ({0, 2}, {0, 5})
    judge = Judge((0, 1), 0.95)
    require_new_voices(judge, {"": runs})
    assert [(made.found, made.holds) for made in judge.checks] == [("1 of 2 were not", True)]


def labelled(labels):
    """The utterances with other labels."""
    return Utterances(SAMPLES.facts, "test", SAMPLES.inputs, labels, SAMPLES.speakers)


@torch.no_grad()
def test_blurred_accuracy_is_that_of_kernels_as_they_were_trained():
    made, twin = network(), network()
    for layer in (made.inner, made.outer, twin.inner, twin.outer):
        layer.delay.fill_(2.4)
    twin.inner.train()
    twin.outer.train()
    samples = labelled(twin(SAMPLES.inputs).mean(0).argmax(1))
    rounded = accuracy(made, samples.batches(50))
    assert BlurredMeasurement(epoch=3).take(made, samples, ())["accuracy"] == 100
    assert rounded < 100


@torch.no_grad()
def test_halves_have_every_second_voice():
    made = network()
    made.outer.weight.zero_()  # every class is as likely, so that the first is taken
    voices = SAMPLES.speakers.unique().tolist()
    others = torch.tensor([voice in voices[1::2] for voice in SAMPLES.speakers.tolist()])
    halves = HalfMeasurement(epoch=3).take(made, labelled(others.long()), ())
    assert halves == {"chosen_by": 100, "judged_by": 0}
