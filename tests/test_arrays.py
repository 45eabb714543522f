import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch

from tic.arrays import LARGEST, finite_array, real_number, whole_number


@pytest.mark.parametrize(
    "values",
    [
        [1, 2],
        (1.0, Fraction(2)),
        [Decimal(1), Decimal(2)],
        np.array([1, 2], dtype=np.int8),
        np.array([1, 2], dtype=np.longdouble),
        np.array([1, 2], dtype=object),
        np.ma.array([1, 2], mask=[0, 0]),
        np.ma.array([1, 2, 3], mask=[0, 0, 1]).compressed(),
        torch.tensor([1.0, 2.0], requires_grad=True),
        torch.tensor([1.0, 2.0], dtype=torch.bfloat16),
        [torch.tensor(1.0, requires_grad=True), torch.tensor(2)],
    ],
    ids=repr,
)
def test_numbers_of_any_array_type_become_float64(values):
    found = finite_array(values, name="effects", axes="S")
    assert type(found) is np.ndarray
    assert found.dtype == np.float64
    assert found.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([[1.0, 2.0]], r"effects must have shape (S,), got (1, 2); reshape them"),
        (1.0, "effects must have shape (S,), got (); reshape them"),
        ([], "effects must hold at least one value, got none; measure a run first"),
        ([1.0, float("nan"), float("inf")], "effects must be finite, got nan (2 of 3 values)"),
        ([1.0, -2e290], "effects must not be beyond 1e+290 in size, got 2e+290; state them in a"),
    ],
)
def test_unusable_values_are_refused_by_name(values, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        finite_array(values, name="effects", axes="S")


@pytest.mark.parametrize(
    "values",
    [
        np.ma.array([1.0, 2.0], mask=[0, 1]),
        [1.0, np.ma.masked],
        [np.ma.array(1.0, mask=False), np.ma.array(1.0, mask=True)],
    ],
)
def test_masked_values_are_not_taken_for_numbers(values):
    with pytest.raises(
        ValueError, match=r"effects must have no masked value, got 1 of [12]; leave"
    ):
        finite_array(values, name="effects", axes="S")


@pytest.mark.parametrize(
    "values",
    [
        ["1", "2"],
        [1 + 1j],
        np.array([1 + 0j]),
        torch.tensor([1j]),
        [None],
        [[1], [2, 3]],
        np.array(["2024-01-01"], dtype="datetime64[D]"),
        {"a": 1},
        object(),
        [10**400],
        torch.empty(2, device="meta"),
    ],
)
def test_what_is_no_real_number_is_refused(values):
    with pytest.raises(ValueError, match=r"effects must be real numbers, got .*; pass one number"):
        finite_array(values, name="effects", axes="S")


def test_a_long_value_is_shown_by_its_start():
    with pytest.raises(ValueError, match=r"got \['x', .{54}…; pass"):
        finite_array(["x"] * 1000, name="effects", axes="S")


def test_the_largest_size_is_still_allowed():
    assert finite_array([-LARGEST, LARGEST], name="effects", axes="S").tolist() == [-1e290, 1e290]


@pytest.mark.parametrize("value", [2, 2.0, np.float32(2), np.array(2), torch.tensor(2.0)])
def test_one_number_is_one_number(value):
    assert real_number(value, name="mean") == 2.0
    assert whole_number(value, name="limit", least=2) == 2


def test_a_large_whole_number_keeps_its_last_digit():
    assert whole_number(2**53 + 1, name="seed", least=0) == 2**53 + 1


def test_several_numbers_are_not_one():
    with pytest.raises(ValueError, match=r"mean must be a single number, got shape \(1,\); choose"):
        real_number([2.0], name="mean")


@pytest.mark.parametrize("value", [2.5, float("inf"), float("nan")])
def test_a_share_of_a_thing_is_no_count(value):
    with pytest.raises(ValueError, match=r"limit must be a whole number, got .*; round it"):
        whole_number(value, name="limit", least=1)


def test_a_count_may_not_be_less_than_its_least():
    with pytest.raises(ValueError, match="limit must be at least 3, got 2; change it"):
        whole_number(2, name="limit", least=3)


def test_a_count_may_have_a_most():
    with pytest.raises(ValueError, match="limit must be at most 9, got 10; 5 is usual"):
        whole_number(10, name="limit", least=3, most=9, way_out="5 is usual")


def test_nothing_may_be_asked_for():
    assert finite_array([], name="p-values", axes="N", may_be_empty=True).size == 0
