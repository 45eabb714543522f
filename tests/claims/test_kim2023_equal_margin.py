"""Accuracy of two networks at equal clean margin."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from claims.kim2023.test_rival_robustness import BINS, at_equal_margin

MARGINS = st.lists(st.integers(-5, 40).map(float), min_size=1, max_size=40)


def networks(margins):
    """Margins and which images withstand the attack: one of two, more or less at random."""
    one = np.array(margins)
    return one, np.random.default_rng(len(margins)).random(len(one)) < 0.5


def test_images_are_compared_where_both_networks_have_some():
    one, other = np.array([1, 2, 3, 4]), np.array([4, 5, 6, 8])
    # The quartiles of all eight are 2.75, 4 and 5.25. Only the third bin has images of both: 4 of
    # the one, which is lost, and 4 and 5 of the other, of which one is.
    found = at_equal_margin(one, np.array([0, 0, 1, 0]), other, np.array([1, 0, 0, 0]))
    assert found == (0, 50)


def test_bins_are_averaged_by_their_weights():
    one, one_right = np.array([1, 1, 1, 9, 9]), np.array([1, 0, 0, 1, 1])
    other, other_right = np.array([1, 9, 9, 9]), np.array([1, 0, 1, 0])
    # Quartiles of three and one 1 and two and three 9: 1, 9 and 9. Margins of 1 fall into the
    # second bin with one image to compare, margins of 9 into the last with two.
    assert at_equal_margin(one, one_right, other, other_right) == pytest.approx(
        ((1 * 100 / 3 + 2 * 100) / 3, (1 * 100 + 2 * 100 / 3) / 3)
    )


def test_images_that_are_wrong_without_an_attack_are_left_out():
    margins, right = np.array([1.0, 2, 3, 4]), np.array([1, 1, 0, 1])
    wrong, lost = np.full(7, -1.0), np.zeros(7)
    plain = at_equal_margin(margins, right, margins, 1 - right)
    assert plain == (75, 25)
    joined = np.concatenate([wrong, margins])
    with_wrong = np.concatenate([lost, right])
    assert at_equal_margin(joined, with_wrong, margins, 1 - right) == plain


def test_a_margin_of_zero_is_wrong():
    assert at_equal_margin(np.zeros(3), np.ones(3), np.ones(3), np.ones(3)) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([1, 2, 3, 4], [101, 102, 103, 104]),
        ([-1, -2], [1, 2]),
        ([1, 2], [-1, -2]),
        ([-1, -2], [-1, -2]),
    ],
)
def test_networks_without_a_common_bin_are_not_compared(one, other):
    right = np.ones(len(one))
    assert at_equal_margin(np.array(one), right, np.array(other), right) is None


@given(MARGINS)
def test_identical_networks_are_equally_good(margins):
    assume(max(margins) > 0)
    one, right = networks(margins)
    low, high = at_equal_margin(one, right, one, right)
    assert low == pytest.approx(high)
    assert low == pytest.approx(100 * right[one > 0].mean())


@given(MARGINS, MARGINS, st.integers(-10, 10).map(lambda power: 2.0**power))
def test_the_scale_of_both_margins_does_not_matter(one, other, scale):
    # A power of two, so that no margin moves over an edge by rounding.
    (one, one_right), (other, other_right) = networks(one), networks(other)
    found = at_equal_margin(one, one_right, other, other_right)
    assert at_equal_margin(scale * one, one_right, scale * other, other_right) == found


@given(MARGINS, MARGINS)
def test_the_networks_may_stand_in_either_order(one, other):
    (one, one_right), (other, other_right) = networks(one), networks(other)
    found = at_equal_margin(one, one_right, other, other_right)
    swapped = at_equal_margin(other, other_right, one, one_right)
    assert swapped == (None if found is None else found[::-1])


@given(MARGINS, MARGINS, st.integers(0, 2**32 - 1))
def test_the_order_of_the_images_does_not_matter(one, other, seed):
    (one, one_right), (other, other_right) = networks(one), networks(other)
    found = at_equal_margin(one, one_right, other, other_right)
    order = np.random.default_rng(seed).permutation(len(one))
    shuffled = at_equal_margin(one[order], one_right[order], other, other_right)
    assert shuffled == (None if found is None else pytest.approx(found))


@given(MARGINS, MARGINS)
def test_accuracies_are_percentages(one, other):
    (one, one_right), (other, other_right) = networks(one), networks(other)
    found = at_equal_margin(one, one_right, other, other_right)
    assert found is None or all(-1e-9 <= each <= 100 + 1e-9 for each in found)


def test_an_advantage_that_is_all_margin_goes():
    # Both lose what has a margin below 10; the one has larger margins and so loses less.
    one, other = np.arange(1.0, 401) / 4, np.arange(1.0, 401) / 16
    found = at_equal_margin(one, one >= 10, other, other >= 10)
    assert 100 * (np.mean(one >= 10) - np.mean(other >= 10)) == pytest.approx(30)
    assert found[0] == pytest.approx(found[1], abs=5)
    assert BINS == 4
