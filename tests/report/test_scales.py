import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tic.report.drawing import scales
from tic.report.drawing.scales import Scale

FINITE = st.floats(allow_nan=False, allow_infinity=False)


def test_a_linear_scale_maps_its_ends_onto_the_paper():
    scale = Scale(0, 10, 40, 240)
    assert [scale(v) for v in (0, 2.5, 10)] == [40, 90, 240]


def test_a_scale_may_run_upwards_as_y_does():
    assert Scale(0, 100, 180, 20)(25) == 140


def test_a_log_scale_gives_every_decade_the_same_room():
    scale = Scale(0.01, 100, 0, 400, log=True)
    assert [scale(v) for v in (0.01, 1, 100)] == [0, 200, 400]


def test_values_outside_lie_on_the_nearer_edge():
    scale = Scale(0, 1, 10, 20)
    assert (scale(-5), scale(5)) == (10, 20)


@pytest.mark.parametrize(
    ("span", "labels"),
    [
        ((0, 1), ("0.0", "0.2", "0.4", "0.6", "0.8", "1.0")),
        ((-1.3, 1.2), ("−1.0", "−0.5", "0.0", "0.5", "1.0")),
        ((0, 300), ("0", "50", "100", "150", "200", "250", "300")),
        ((0, 2.2e-6), ("0", "5.0×10⁻⁷", "1.0×10⁻⁶", "1.5×10⁻⁶", "2.0×10⁻⁶")),
    ],
)
def test_ticks_are_round_and_printed_alike(span, labels):
    assert scales.tick_labels(scales.ticks(span)) == labels


@pytest.mark.parametrize(
    ("span", "labels"),
    [
        ((0.005, 20), ("0.01", "0.1", "1", "10")),
        ((1e-9, 1e3), ("10⁻⁹", "10⁻⁶", "10⁻³", "10⁰", "10³")),
        ((2, 30), ("2", "5", "10", "20")),
        ((4, 4.4), ("4.0", "4.1", "4.2", "4.3", "4.4")),
    ],
)
def test_log_ticks_are_decades_or_round_numbers(span, labels):
    assert scales.log_labels(scales.ticks(span, 4, log=True)) == labels


def test_decades_are_powers_where_they_are_far_apart():
    assert scales.log_labels((1e-6, 1e-3, 1.0)) == ("10⁻⁶", "10⁻³", "10⁰")
    assert scales.log_labels((0.01, 0.1, 1.0, 10.0)) == ("0.01", "0.1", "1", "10")


def test_one_value_still_gets_an_axis():
    assert scales.domain([5.0]) == (4.5, 5.5)
    assert scales.domain([0.0, 0.0]) == (-1.0, 1.0)
    assert scales.domain([]) == (0.0, 1.0)


def test_amounts_start_at_zero_unless_zero_is_far_off():
    assert scales.from_zero((0.7, 10.3), [1.0, 10.0]) == (0.0, 10.3)
    assert scales.from_zero((90, 98), [91.0, 97.0]) == (90, 98)
    assert scales.from_zero((-1, 3), [-0.5, 2.0]) == (-1, 3)


def test_ranges_are_shared_only_while_each_stays_readable():
    near = [(0.0, 1.0), (0.0, 2.0)]
    assert scales.share(near, 0.4) == ((0.0, 2.0), (0.0, 2.0))
    assert scales.share([(0.0, 1.0), (0.0, 40.0)], 0.2) == ((0.0, 1.0), (0.0, 40.0))
    assert scales.share([(0, 1), (0, 40), (0, 1.5)], 0.2) == ((0, 1.5), (0, 40), (0, 1.5))


@given(st.lists(FINITE, min_size=1))
@example([1.7e308, -1.7e308])
@example([5e-324, 0.0])
@example([1.0, 1.0000000000000002])
def test_ticks_lie_inside_the_axis_whatever_the_values(values):
    span = scales.domain(values)
    at = scales.ticks(span)
    assert span[0] < span[1]
    assert 2 <= len(at) <= 12
    assert all(span[0] <= value <= span[1] for value in at)
    assert len(set(scales.tick_labels(at))) == len(at)
    scale = Scale(*span, 0, 100)
    assert all(0 <= scale(value) <= 100 for value in (*at, *values))


@given(st.lists(FINITE, min_size=1))
@example([5e-324, 1.7e308])
@example([0.0, -3.0])
def test_log_ticks_lie_inside_the_axis_whatever_the_values(values):
    span = scales.log_domain(values)
    at = scales.ticks(span, 4, log=True)
    assert 0 < span[0] < span[1]
    assert len(at) >= 2
    assert all(span[0] <= value <= span[1] for value in at)
    assert len(scales.log_labels(at)) == len(at)
    scale = Scale(*span, 100, 0, log=True)
    assert all(math.isfinite(scale(value)) for value in (*at, *values))
