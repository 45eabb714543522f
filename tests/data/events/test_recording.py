"""Events and their frames, by hand and by an obvious twin."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tic.data.events import Events, Sensor, frames_by_count, frames_by_time, window
from tic.errors import TicError

SENSOR = Sensor(2, 3)


def events(t, x=None, y=None, p=None, sensor=SENSOR):
    zeros = [0] * len(t)
    return Events(*(np.array(v, np.int64) for v in (t, x or zeros, y or zeros, p or zeros)), sensor)


def test_events_are_summed_by_time_polarity_and_place():
    made = events([0, 5, 10, 19, 25], [0, 2, 2, 1, 0], [0, 1, 1, 0, 0], [1, 0, 0, 1, 1])
    frames = frames_by_time(made, 2, 10)
    assert frames.shape == (2, 2, 2, 3)
    assert frames.dtype == np.float32
    assert frames[0].tolist() == [[[0, 0, 0], [0, 0, 1]], [[1, 0, 0], [0, 0, 0]]]
    assert frames[1].tolist() == [[[0, 0, 0], [0, 0, 1]], [[0, 1, 0], [0, 0, 0]]]


def test_frames_begin_where_they_are_told():
    made = events([100, 105, 110])
    assert frames_by_time(made, 2, 10).sum((1, 2, 3)).tolist() == [2, 1]
    assert frames_by_time(made, 2, 10, start=95).sum((1, 2, 3)).tolist() == [1, 2]
    assert frames_by_time(made, 2, 10, start=105).sum((1, 2, 3)).tolist() == [2, 0]


def test_cells_at_the_edge_are_cut():
    made = events([0, 1], [2, 1], [1, 0])
    assert SENSOR.cells(2) == (1, 2)
    assert frames_by_time(made, 1, 10, cell=2)[0, 0].tolist() == [[1, 1]]


def test_frames_of_as_many_events_leave_the_rest_to_the_last():
    made = events([0, 0, 0, 7, 9, 9, 9, 9])
    assert frames_by_count(made, 3).sum((1, 2, 3)).tolist() == [2, 2, 4]
    with pytest.raises(TicError, match="9 frames need at least as many events, got 8"):
        frames_by_count(made, 9)


@given(st.lists(st.tuples(*(st.integers(0, n) for n in (40, 2, 1, 1))), min_size=1, max_size=30))
def test_frames_are_those_of_a_loop(rows):
    rows = sorted(rows)
    made = events(*map(list, zip(*rows, strict=True)))
    expected = np.zeros((3, 2, 2, 3))
    for t, x, y, p in rows:
        frame = (t - rows[0][0]) // 10
        if frame < 3:
            expected[frame, p, y, x] += 1
    assert np.array_equal(frames_by_time(made, 3, 10), expected)


def test_a_window_holds_its_start_and_not_its_end():
    part = window(events([1, 2, 3, 4]), 2, 2)
    assert part.t.tolist() == [2, 3]
    with pytest.raises(TicError, match="no event from 10 to 12 µs; the recording runs from 1 to 4"):
        window(events([1, 4]), 10, 2)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"t": []}, "at least one event, got none"),
        ({"t": [1, 2], "x": [0]}, "one number per event each, got .*'x': 1"),
        ({"t": [3, 2]}, "t must never fall, got 2 after 3 at event 1"),
        ({"t": [-1, 2]}, "t must be at least 0, got -1"),
        ({"t": [1, 2], "x": [0, 3]}, "x must be from 0 to 2, got 3 at event 1"),
        ({"t": [1], "y": [-1]}, "y must be from 0 to 1, got -1 at event 0"),
        ({"t": [1], "p": [2]}, "p must be from 0 to 1, got 2 at event 0"),
    ],
)
def test_what_is_no_recording_is_told(fields, message):
    with pytest.raises(TicError, match=message):
        events(**fields)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.array([0.5]), "t must be whole numbers, one per event, got float64"),
        (
            np.array([[1]]),
            r"t must be whole numbers, one per event, got int64 of the shape \(1, 1\)",
        ),
        (np.array([2**63], np.uint64), "t must be below"),
    ],
)
def test_what_are_no_numbers_is_told(wrong, message):
    one = np.array([0])
    with pytest.raises(TicError, match=message):
        Events(wrong, one, one, one, SENSOR)


def test_too_many_cells_are_refused_before_they_are_made():
    with pytest.raises(TicError, match="at most 268435456 cells"):
        frames_by_time(events([1], sensor=Sensor(10**6, 10**6)), 10**6, 1)
    with pytest.raises(TicError, match="timesteps must be a whole number of at least 1, got 0"):
        frames_by_time(events([1]), 0, 1)
    with pytest.raises(TicError, match="at least 1 of each, got 0 and 3"):
        Sensor(0, 3)
