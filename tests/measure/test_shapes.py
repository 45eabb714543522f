import pytest

from tic.measure.shapes import fits, is_finite


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        (3, ()),
        (-0.5, ()),
        ([1, 2.5], (2,)),
        ([], (0,)),
        ([[1, 2], [3, 4], [5, 6]], (3, 2)),
        ({"a": 1, "b": {"c": [1.0]}}, {"a": (), "b": {"c": (1,)}}),
    ],
)
def test_what_has_the_shape_fits(value, shape):
    assert fits(value, shape)


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ([1], ()),
        ("3", ()),
        (None, ()),
        (float("nan"), ()),
        (10**400, ()),
        (1, (1,)),
        ([1], (2,)),
        ([1, "2"], (2,)),
        ([[1, 2], [3]], (2, 2)),
        ({"a": [1]}, (1,)),
        ([1], {"a": ()}),
        ({}, {"a": ()}),
        ({"a": 1, "b": 2}, {"a": ()}),
        ({"a": {"b": 1}}, {"a": ()}),
    ],
)
def test_anything_else_does_not(value, shape):
    assert not fits(value, shape)


@pytest.mark.parametrize(
    ("value", "finite"),
    [(0, True), (1.7e308, True), (10**308, True), (10**309, False), (float("-inf"), False)],
)
def test_a_number_is_finite_where_a_float_can_hold_it(value, finite):
    assert is_finite(value) is finite
