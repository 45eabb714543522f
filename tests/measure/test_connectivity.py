"""Paths, churn and delays of sparse layers, by hand and by listing."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tic.errors import TicError
from tic.measure.structure import churn, delay_distance, delay_histogram, live_paths


def test_paths_are_counted():
    first = [[1, 1, 0], [0, 0, 1], [0, 0, 0]]  # hidden × inputs
    second = [[1, 0, 1], [1, 0, 0]]  # outputs × hidden
    assert live_paths(first, second) == (4, 1, 2, 4)
    assert live_paths([[1, 0]], [[0], [0]]) == (0, 0, 0, 0)
    weights = torch.nn.Linear(4, 5).weight, torch.nn.Linear(5, 3).weight
    assert live_paths(*weights) == (4 * 5 * 3, 5, 3, 12)


@given(st.integers(0, 10**6), st.floats(0.1, 0.9))
def test_paths_are_those_that_can_be_listed(seed, share):
    draws = np.random.default_rng(seed)
    first, second = draws.random((4, 3)) < share, draws.random((2, 4)) < share
    listed = [
        (i, h, o) for i in range(3) for h in range(4) for o in range(2)
        if first[h, i] and second[o, h]
    ]  # fmt: skip
    assert live_paths(first, second) == (
        len(listed),
        len({h for _, h, _ in listed}),
        len({o for *_, o in listed}),
        len({(i, o) for i, _, o in listed}),
    )


def test_churn_is_the_share_that_went():
    assert churn([[1, 1, 1, 1, 0]], [[1, 0, 1, 1, 1]]) == 0.25
    assert churn([[1, 0]], [[1, 1]]) == 0
    assert churn([[1, 0]], [[0, 1]]) == 1


def test_delays_of_live_synapses_are_counted_rounded():
    delays = torch.tensor([[0.0, 1.4, 1.6], [3.0, 2.2, 9.0]])
    assert delay_histogram(delays, [[1, 1, 1], [1, 1, 0]], 4).tolist() == [1, 1, 2, 1, 0]
    assert delay_histogram(delays, np.zeros((2, 3)), 2).tolist() == [0, 0, 0]


def test_the_distance_of_delays_is_that_of_their_distribution_functions():
    delays = np.arange(8.0).reshape(2, 4)
    assert delay_distance(delays, np.ones((2, 4))) == 0
    assert delay_distance(delays, delays < 2) == 0.75
    assert delay_distance(delays, delays == 7) == pytest.approx(0.875)


@given(st.integers(0, 10**6))
def test_the_distance_is_the_largest_over_all_delays(seed):
    draws = np.random.default_rng(seed)
    delays, live = draws.integers(0, 6, (4, 5)), draws.random((4, 5)) < 0.5
    live[0, 0] = True
    shares = [((delays[live] <= d).mean(), (delays <= d).mean()) for d in range(6)]
    largest = max(abs(own - all_) for own, all_ in shares)
    assert delay_distance(delays, live) == pytest.approx(largest, abs=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: live_paths(np.ones((3, 2)), np.ones((2, 4))), "as many inputs as the first has"),
        (lambda: live_paths([1], [[1]]), "first must have shape"),
        (lambda: churn([[1, 1]], [[1]]), "both masks must have one shape"),
        (lambda: churn([[0]], [[1]]), "must have been live before"),
        (lambda: delay_histogram([[5]], [[1]], 4), "delays must be from 0 to 4, got 5"),
        (lambda: delay_histogram([[5]], [[1, 1]], 4), "must have the shape of delays"),
        (lambda: delay_distance([[5]], [[0]]), "a synapse must be live"),
        (lambda: delay_distance([[np.inf]], [[1]]), "delays must be finite"),
    ],
)
def test_what_cannot_be_measured_is_told(call, message):
    with pytest.raises(TicError, match=message):
        call()
