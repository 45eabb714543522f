"""Grouping of signs: closed forms, a slow twin, a library, and what permutations leave."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tic.errors import TicError
from tic.measure.structure import (
    NULLS,
    Synapses,
    grouping,
    join_counts,
    pair_correlation,
)

ONE = Synapses(
    delays=[[0, 3, 1, 1, 7, 2, 5, 4]],
    signs=[[1, 1, -1, 1, -1, -1, 1, -1]],
    live=[[1, 1, 0, 1, 1, 1, 0, 1]],
)
ONE_BY_ESDA = 0.22838505651851249
"""Moran's I of `ONE` by esda 2.5.1, radius 1.5."""


def drawn(seed, neurons=5, bands=9, share=0.6, largest=6):
    draws = np.random.default_rng(seed)
    shape = (neurons, bands)
    return Synapses(
        delays=draws.integers(0, largest + 1, shape),
        signs=draws.choice([-1, 1], shape),
        live=draws.random(shape) < share,
    )


def row(signs, delays=None):
    signs = np.array([signs])
    return Synapses(np.zeros(signs.shape) if delays is None else [delays], signs, signs != 0)


def points(synapses, neuron):
    """Live synapses of a neuron: band, delay, sign."""
    return [
        (band, synapses.delays[neuron, band], synapses.signs[neuron, band])
        for band in range(synapses.live.shape[1])
        if synapses.live[neuron, band]
    ]


def weight(one, other, radius):
    return math.exp(-0.5 * ((one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2) / radius**2)


def slow_moran(rows, radius):
    """By definition, pair by pair."""
    above = below = 0.0
    for synapses in rows:
        n = len(synapses)
        pairs = list(itertools.permutations(range(n), 2))
        total = sum(weight(synapses[j], synapses[k], radius) for j, k in pairs)
        if not total:
            continue
        mean = sum(sign for *_, sign in synapses) / n
        value = [sign - mean for *_, sign in synapses]
        crossed = sum(
            value[j] * weight(synapses[j], synapses[k], radius) * value[k] for j, k in pairs
        )
        above += n / total * crossed
        below += sum(v * v for v in value)
    return above / below


@pytest.mark.parametrize("radius", [1.0, 1.5, 3.0])
@pytest.mark.parametrize("seed", range(4))
def test_morans_i_is_pooled_by_definition(seed, radius):
    synapses = drawn(seed)
    rows = [points(synapses, neuron) for neuron in range(5)]
    own = grouping(synapses, radius=radius, permutations=2).moran
    assert own == pytest.approx(slow_moran(rows, radius), abs=1e-12)


def test_of_one_neuron_it_is_what_esda_gives():
    assert grouping(ONE, permutations=2).moran == pytest.approx(ONE_BY_ESDA, abs=1e-12)


def test_alternating_signs_and_blocks_have_closed_forms():
    # So near that only neighbours count: n / 2(n − 1) pairs, all unlike.
    alternating = grouping(row([1, -1] * 4), radius=0.2, permutations=2).moran
    assert alternating == pytest.approx(-1, abs=1e-6)
    # Of seven neighbouring pairs in two blocks of four, one is unlike.
    blocks = grouping(row([1] * 4 + [-1] * 4), radius=0.2, permutations=2).moran
    assert blocks == pytest.approx((6 - 1) / 7, abs=1e-6)


def test_two_blocks_apart_in_time_are_grouped_in_time_and_not_in_space():
    delays = [0, 20] * 8
    synapses = row([1, -1] * 8, delays)
    assert grouping(synapses).excess > 0.5
    assert grouping(synapses, null="delays").z > 3
    neighbours = row([1] * 8 + [-1] * 8, [0] * 16)
    assert grouping(neighbours, null="bands").z > 3
    assert grouping(neighbours, null="delays").z is None  # all have the same
    assert grouping(neighbours, null="delays").excess == pytest.approx(0, abs=1e-12)


def test_signs_may_be_grouped_by_time_alone():
    draws = np.random.default_rng(0)
    delays = draws.integers(0, 25, (64, 40))
    by_time = Synapses(delays, np.where(delays < 12, 1, -1), np.ones((64, 40)))
    assert grouping(by_time, null="delays").excess > 0.3
    assert abs(grouping(by_time, null="bands").excess) < 0.03
    bands = np.broadcast_to(np.arange(40), (64, 40))
    by_band = Synapses(delays, np.where(bands < 20, 1, -1), np.ones((64, 40)))
    assert grouping(by_band, null="bands").excess > 0.3
    assert abs(grouping(by_band, null="delays").excess) < 0.03


@pytest.mark.parametrize("null", NULLS)
def test_permutations_are_those_of_live_synapses_within_neurons(null):
    """With few synapses every permutation can be listed, and the mean over many is theirs."""
    synapses = drawn(7, neurons=2, bands=5, share=0.7)  # five and two are live
    rows = [points(synapses, neuron) for neuron in range(2)]
    index = {"bands": 0, "delays": 1, "signs": 2}[null]

    def permuted(synapses):
        column = [point[index] for point in synapses]
        for order in itertools.permutations(column):
            yield [
                (*point[:index], new, *point[index + 1 :])
                for point, new in zip(synapses, order, strict=True)
            ]

    values = [slow_moran(pair, 1.5) for pair in itertools.product(*map(permuted, rows))]
    own = grouping(synapses, null=null, permutations=4000)
    assert own.permuted.mean() == pytest.approx(np.mean(values), abs=0.03)
    assert own.permuted.std() == pytest.approx(np.std(values), abs=0.03)
    assert {round(value, 9) for value in own.permuted} <= {round(value, 9) for value in values}


@given(st.integers(0, 10**6), st.sampled_from([1.0, 1.5, 3.0]), st.sampled_from(NULLS))
@settings(max_examples=25, deadline=None)
def test_turning_all_signs_round_changes_nothing(seed, radius, null):
    synapses = drawn(seed)
    turned = Synapses(synapses.delays, -synapses.signs, synapses.live)
    own, other = (
        grouping(given, null=null, radius=radius, permutations=5, seed=seed)
        for given in (synapses, turned)
    )
    assert own.moran == pytest.approx(other.moran, abs=1e-12)
    np.testing.assert_allclose(own.permuted, other.permuted, atol=1e-12)


@given(st.integers(0, 10**6))
@settings(max_examples=15, deadline=None)
def test_permuted_signs_have_the_mean_that_chance_gives(seed):
    synapses = drawn(seed, neurons=1, bands=12)
    count = int(synapses.live.sum())
    if len(set(synapses.signs[synapses.live])) < 2:
        return
    own = grouping(synapses, permutations=3000, seed=seed)
    error = 5 * own.permuted.std() / math.sqrt(3000)
    assert own.permuted.mean() == pytest.approx(-1 / (count - 1), abs=error + 1e-9)


@given(st.integers(0, 10**6), st.integers(-3, 3))
@settings(max_examples=15, deadline=None)
def test_where_the_origin_is_does_not_matter_nor_the_order_of_columns(seed, shift):
    synapses = drawn(seed)
    own = grouping(synapses, permutations=2).moran
    moved = Synapses(synapses.delays + shift, synapses.signs, synapses.live, np.arange(9) + shift)
    assert grouping(moved, permutations=2).moran == pytest.approx(own, abs=1e-12)
    order = np.random.default_rng(seed).permutation(9)
    columns = (synapses.delays[:, order], synapses.signs[:, order], synapses.live[:, order])
    assert grouping(Synapses(*columns, order), permutations=2).moran == pytest.approx(own, abs=1e-9)


def test_places_bring_permuted_bands_back_in_order():
    order = np.random.default_rng(1).permutation(20)
    signs = np.where(order < 10, 1, -1)[None].repeat(6, 0)
    delays, live = np.zeros((6, 20)), np.ones((6, 20))
    assert grouping(Synapses(delays, signs, live)).excess < 0.3
    assert grouping(Synapses(delays, signs, live, order)).excess > 0.7


def test_random_signs_are_not_grouped_and_the_same_seed_gives_the_same():
    synapses = drawn(5, neurons=64, bands=40, share=0.5, largest=24)
    own = grouping(synapses)
    assert abs(own.excess) < 0.05
    assert abs(own.z) < 3
    assert np.array_equal(own.permuted, grouping(synapses).permuted)
    assert not np.array_equal(own.permuted, grouping(synapses, seed=1).permuted)


def test_neurons_with_too_few_synapses_are_left_out():
    many = drawn(1, neurons=1)
    signs = np.concatenate([many.signs, [[1] + [0] * 8], [[-1] + [0] * 7 + [1]], [[0] * 9]])
    delays = np.concatenate([many.delays, np.zeros((1, 9)), [[0] * 8 + [900]], np.zeros((1, 9))])
    both = Synapses(delays, signs, np.concatenate([many.live, signs[1:] != 0]))
    assert grouping(both, permutations=2).moran == pytest.approx(
        grouping(many, permutations=2).moran, abs=1e-12
    )


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("radius", [1.0, 3.0])
def test_joins_are_counted_by_definition(seed, radius):
    synapses = drawn(seed, neurons=3, bands=6)
    own, expected = join_counts(synapses, radius=radius)
    slow, chance = np.zeros(3), np.zeros(3)
    for neuron in range(3):
        live = points(synapses, neuron)
        signs = [sign for *_, sign in live]
        orders = list(itertools.permutations(signs))
        for j, k in itertools.combinations(range(len(live)), 2):
            value = weight(live[j], live[k], radius)
            slow[_joined(signs[j], signs[k])] += value
            for order in orders:
                chance[_joined(order[j], order[k])] += value / len(orders)
    np.testing.assert_allclose(own, slow, atol=1e-12)
    np.testing.assert_allclose(expected, chance, atol=1e-12)


def _joined(one, other):
    return 2 if one != other else (0 if one > 0 else 1)


def test_pairs_at_positions_drawn_uniformly_are_as_near_as_expected():
    draws = np.random.default_rng(2)
    live = draws.random((400, 20)).argsort(1) < 5
    delays = draws.integers(0, 13, (400, 20))
    signs = np.ones((400, 20))
    uniform = Synapses(delays, signs, live)
    for radius in (1.0, 3.0):
        assert pair_correlation(uniform, 12, radius=radius) == pytest.approx(1, abs=0.1)
    together = Synapses(delays // 4, signs, live)
    assert pair_correlation(together, 12) > 2
    near = np.zeros((400, 20))
    near[:, 5:10] = 1
    assert pair_correlation(Synapses(delays, signs, near), 12) > 2


def test_pairs_that_are_expected_can_be_counted():
    # Two of three bands and delays 0 or 1, all as likely, listed.
    radius = 1.5
    places = list(itertools.product([0, 1, 2], [0, 1]))
    listed = [
        2 * weight(one, other, radius)
        for one, other in itertools.combinations(places, 2)
        if one[0] != other[0]
    ]
    synapses = Synapses([[0, 9, 1]], [[1, 1, 1]], [[1, 0, 1]])
    own = 2 * weight((0, 0), (2, 1), radius)
    ratio = own / np.mean(listed)
    assert pair_correlation(synapses, 1, radius=radius) == pytest.approx(ratio)


def test_a_layer_may_be_given_by_its_weights():
    weights = torch.tensor([[0.5, -0.1, 0.0], [0.0, 2.0, -3.0]], requires_grad=True)
    delays = torch.nn.Parameter(torch.tensor([[0.0, 1, 2], [3, 4, 5]]))
    synapses = Synapses.of(weights, delays)
    assert synapses.live.tolist() == [[True, True, False], [False, True, True]]
    assert synapses.signs.tolist() == [[1, -1, 0], [0, 1, -1]]
    assert grouping(synapses, permutations=2).moran == pytest.approx(-1)


def test_what_stands_at_dead_synapses_does_not_matter():
    live = drawn(3)
    delays, signs = live.delays.copy(), live.signs.copy()
    delays[~live.live], signs[~live.live] = np.nan, np.inf
    odd = Synapses(delays, signs, live.live)
    assert grouping(odd, permutations=5).moran == grouping(live, permutations=5).moran
    assert join_counts(odd) == join_counts(live)
    np.testing.assert_array_equal(pair_correlation(odd, 6), pair_correlation(live, 6))
    weights = live.signs * live.live
    assert Synapses.of(weights, delays).live.tolist() == live.live.tolist()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[0, 1]], [[1, 2]], [[1, 1]]), "signs of live synapses must be −1 or 1, got 2"),
        (([[0, 1]], [[1, 1]], [[1, 1], [1, 1]]), "delays must have the shape of live"),
        (([[0, np.nan]], [[1, 1]], [[1, 1]]), "delays of live synapses must be finite"),
        (([[0, 1]], [[1, np.inf]], [[1, 1]]), "signs of live synapses must be finite, got inf"),
        (([0, 1], [1, 1], [1, 1]), "live must have shape"),
        (([[0, 1]], [[1, 1]], [[1, 1]], [0]), "places must be one per band, got 1 of 2"),
    ],
)
def test_what_are_no_synapses_is_told(arguments, message):
    with pytest.raises(TicError, match=message):
        Synapses(*arguments)


def test_what_cannot_be_measured_is_told():
    with pytest.raises(TicError, match="live synapses of both signs near each other"):
        grouping(row([1, 1, 1]))
    with pytest.raises(TicError, match="live synapses of both signs near each other"):
        grouping(row([1, -1], [0, 10_000]))
    far = Synapses([[0, 0, 200]], [[1, -1, 1]], [[1, 1, 1]], [1, 2, 500])
    assert grouping(far).moran == pytest.approx(-1)
    for null in ("bands", "delays"):
        with pytest.raises(TicError, match=f"their {null} are permuted, .* larger radius than 1.5"):
            grouping(far, null=null)
    with pytest.raises(TicError, match="radius must be above 0"):
        grouping(ONE, radius=0.0)
    with pytest.raises(TicError, match="permutations must be at least 2"):
        grouping(ONE, permutations=1)
    with pytest.raises(TicError, match="null"):
        grouping(ONE, null="positions")
    with pytest.raises(TicError, match="whole timesteps from 0 to 3"):
        pair_correlation(ONE, 3)
    with pytest.raises(TicError, match="none has; there are no pairs"):
        pair_correlation(row([0, 1, 0]), 3)
