import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from tic.stats import holm, holm_adjusted

p_values = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def test_holm_by_hand():
    # sorted 0.01, 0.02, 0.03, 0.04 against 0.05/4, 0.05/3, ...: the second fails and all after it
    assert holm([0.03, 0.01, 0.04, 0.02], 0.05) == [False, True, False, False]
    assert holm_adjusted([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])


def test_one_p_value_needs_no_correction():
    assert holm([0.05], 0.05) == [True]
    assert holm_adjusted([0.3]) == [0.3]


def test_no_p_values_give_none_back():
    assert holm([], 0.05) == []
    assert holm_adjusted([]) == []


def test_a_certain_result_costs_the_others_nothing():
    assert holm([0.0, 0.024], 0.025) == [True, True]


@given(p_values)
def test_correction_never_helps_and_keeps_the_order(values):
    adjusted = holm_adjusted(values)
    assert all(p <= q <= 1 for p, q in zip(values, adjusted, strict=True))
    by_p = [q for _, q in sorted(zip(values, adjusted, strict=True))]
    assert by_p == sorted(by_p)


@pytest.mark.parametrize("tests", [1, 2, 5, 20])
def test_holm_is_that_of_statsmodels(tests):
    values = np.random.default_rng(tests).random(tests) ** 4
    survivors, adjusted, _, _ = multipletests(values, alpha=0.05, method="holm")
    assert holm(values, 0.05) == survivors.tolist()
    assert holm_adjusted(values) == pytest.approx(adjusted)


@given(p_values)
def test_survivors_are_the_step_down_procedure(values):
    order = sorted(range(len(values)), key=values.__getitem__)
    expected, alive = [False] * len(values), True
    for rank, position in enumerate(order):
        alive = alive and values[position] <= 0.05 / (len(values) - rank)
        expected[position] = alive
    assert holm(values, 0.05) == expected


@pytest.mark.parametrize(
    ("values", "level", "message"),
    [
        ([0.5, 1.2], 0.05, r"p-values must lie in \[0, 1\], got 1.2"),
        ([-0.1, 0.5], 0.05, r"p-values must lie in \[0, 1\], got -0.1"),
        ([0.5, float("nan")], 0.05, "p-values must be finite"),
        ([0.5], 5, "level must lie between 0 and 1, got 5; write 0.05"),
    ],
)
def test_what_is_no_probability_is_refused(values, level, message):
    with pytest.raises(ValueError, match=message):
        holm(values, level)
