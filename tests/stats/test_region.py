import math

import pytest

from tic.stats import Region, above, below, within


@pytest.mark.parametrize(
    ("region", "text"),
    [
        (above(0.05), "above 0.05"),
        (below(0), "below 0"),
        (within(-1, 1), "within [-1, 1]"),
        (above(0.1 + 0.2), "above 0.3"),
        (within(-12345678, 1e-9), "within [-12345678, 1e-09]"),
    ],
)
def test_a_region_reads_like_the_claim(region, text):
    assert str(region) == text


def test_constructors_leave_the_other_end_open():
    assert above(2) == Region(low=2.0)
    assert below(2) == Region(high=2.0)
    assert above(2).high == math.inf
    assert below(2).low == -math.inf


def test_bounds_are_plain_floats_whatever_came_in():
    assert type(above(1).low) is float
    assert type(within(1, 2).high) is float


@pytest.mark.parametrize(
    ("region", "inside", "outside"),
    [
        (above(0), [1e-300, 5], [0, -1]),
        (below(0), [-1e-300, -5], [0, 1]),
        (within(-1, 1), [-1, 0, 1], [-1.0000001, 1.0000001]),
    ],
)
def test_half_lines_exclude_their_bound_and_two_bounds_include_theirs(region, inside, outside):
    assert all(region.contains(effect) for effect in inside)
    assert not any(region.contains(effect) for effect in outside)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: within(1, -1), "within needs low < high, got low=1, high=-1"),
        (lambda: within(1, 1), "within needs low < high, got low=1, high=1"),
        (lambda: above(math.nan), "above needs finite bounds, got nan"),
        (lambda: below(math.inf), "below needs finite bounds, got inf"),
        (lambda: within(-math.inf, 1), "use above or below"),
        (lambda: Region(), r"needs a finite bound, got low=-inf, high=inf; use above\(x\)"),
        (lambda: Region(low=math.inf), "needs a finite bound"),
        (lambda: Region(low=math.nan, high=1), "must be a number, got nan and 1"),
    ],
)
def test_an_impossible_region_is_refused_with_the_rule(make, message):
    with pytest.raises(ValueError, match=message):
        make()
