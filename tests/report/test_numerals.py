import pytest
from hypothesis import given
from hypothesis import strategies as st

from tic.report import numerals

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"),
        (0.31234, "0.312"),
        (-0.31234, "−0.312"),
        (9.996, "10.0"),
        (1234.5, "1234"),
        (12345.6, "12\u202f346"),
        (2.345e-4, "2.35×10⁻⁴"),
        (-1.5e7, "−1.50×10⁷"),
        (float("inf"), "∞"),
    ],
)
def test_numbers_have_three_digits_and_a_true_minus(value, shown):
    assert numerals.number(value) == shown


def test_a_rounded_zero_has_no_sign():
    assert numerals.fixed(-0.0004, 2) == "0.00"


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ((0.3123, 0.2841, 0.3409), ("0.312", "0.284", "0.341")),
        ((12.31, 8.12, 16.54), ("12.3", "8.1", "16.5")),
        ((0.2,), ("0.200",)),
        ((3e-5, 1e-5, 5e-5), ("3.00×10⁻⁵", "1.00×10⁻⁵", "5.00×10⁻⁵")),
        ((), ()),
    ],
)
def test_an_estimate_and_its_interval_have_the_same_decimals(values, shown):
    assert numerals.aligned(values) == shown


@pytest.mark.parametrize(
    ("values", "edges", "shown"),
    [
        ((-0.6667, -0.9995, -0.3338), [-1.0], ("−0.6667", "−0.9995", "−0.3338")),
        ((-0.6667, -0.9995, -0.3338), [-1.001], ("−0.67", "−1.00", "−0.33")),
        ((0.3, 0.0499, 0.55), [0.05], ("0.3000", "0.0499", "0.5500")),
        ((0.3, 0.05, 0.55), [0.05], ("0.30", "0.05", "0.55")),  # on the edge
        ((0.3, 0.05 - 1e-15, 0.55), [0.05], ("0.300000000", "0.050000000", "0.550000000")),
    ],
)
def test_no_rounding_takes_a_value_over_an_edge_as_far_as_nine_decimals_tell(values, edges, shown):
    assert numerals.aligned(values, edges) == shown


THOUSANDTHS = st.integers(1, 10**8).map(lambda number: number / 1000)


@given(THOUSANDTHS, THOUSANDTHS)
def test_a_number_shows_on_which_side_of_an_edge_it_lies(value, edge):
    shown = float(numerals.number_beside(value, edge).replace("\u202f", ""))
    assert (shown < edge, shown > edge) == (value < edge, value > edge)


def test_a_number_far_from_the_edge_has_three_digits():
    assert numerals.number_beside(-0.9995, -0.5) == "−1.00"
    assert numerals.number_beside(-0.9995, -1.0) == "−0.9995"


@pytest.mark.parametrize(
    ("value", "cell", "statement"),
    [
        (None, "–", "p –"),
        (0.00042, "<\u202f0.001", "p <\u202f0.001"),
        (0.0123, "0.012", "p = 0.012"),
        (0.341, "0.34", "p = 0.34"),
        (0.999, ">\u202f0.99", "p >\u202f0.99"),
    ],
)
def test_p_values(value, cell, statement):
    assert numerals.p_value(value) == cell
    assert numerals.p_statement(value) == statement


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "–"),
        (0.42, "0.4\u202fs"),
        (41.2, "41\u202fs"),
        (200, "3\u202fmin 20\u202fs"),
        (3599.7, "1\u202fh 0\u202fmin"),
        (7500, "2\u202fh 5\u202fmin"),
        (100_000, "1\u202fd 3\u202fh"),
        (float("inf"), "–"),
    ],
)
def test_durations_have_two_units(seconds, shown):
    assert numerals.duration(seconds) == shown


def test_units_stay_on_the_line_when_they_are_short():
    assert numerals.with_unit("1.2", "pp") == "1.2\u202fpp"
    assert numerals.with_unit("1.2", "share of ΣI_t") == "1.2 share of ΣI_t"
    assert numerals.with_unit("1.2", "") == "1.2"


def test_seeds_are_named_by_their_ends_when_consecutive():
    assert numerals.seed_names((3,)) == "seed 3"
    assert numerals.seed_names((0, 1, 2)) == "seeds 0–2"
    assert numerals.seed_names((0, 2, 7)) == "seeds 0, 2, 7"
    assert numerals.seed_names((0, 1, 4, 5, 6, 9)) == "seeds 0, 1, 4–6, 9"


def test_levels_and_differences():
    assert numerals.level(0.95) == "95\u202f%"
    assert numerals.level(0.975) == "97.5\u202f%"
    assert numerals.level(0.999993) == "99.9993\u202f%"
    assert numerals.level(1 - 1e-12).startswith("99.9999")
    assert numerals.level(1.0) == "100\u202f%"
    assert numerals.signed(3.111, 2) == "+3.11"
    assert numerals.signed(-3.111, 2) == "−3.11"
    assert numerals.decimals_of(92.04) == 2
    assert numerals.decimals_of(20.0) == 0


@given(FINITE, FINITE, FINITE)
def test_every_finite_number_can_be_printed(one, two, three):
    assert numerals.number(one)
    assert len(numerals.aligned((one, two, three))) == 3
    assert numerals.duration(one)


def test_numbers_of_one_table_share_their_decimals():
    assert numerals.alike((91.25, 3.0, 0.0)) == ("91.2", "3.0", "0.0")
    assert numerals.alike((0.5, 0.25)) == ("0.500", "0.250")
    assert numerals.alike((12345.0, 1.0)) == ("12\u202f345", "1")
    assert numerals.alike((1e9, 1.0)) == ("1.00×10⁹", "1.00")
    assert numerals.alike(()) == ()


def test_items_are_enumerated_with_an_and():
    assert numerals.enumerated(("a", "b", "c")) == "a, b and c"
    assert numerals.enumerated(("a", "b")) == "a and b"
    assert numerals.enumerated(("a",)) == "a"
    assert numerals.enumerated(()) == ""


@pytest.mark.parametrize(
    ("seeds", "text"),
    [
        ((9, 41), "9 to 41 seeds"),
        ((9, None), "9 to more than 1000 seeds"),
        ((14, 14), "about 14 seeds"),
    ],
)
def test_seeds_that_would_decide_are_a_range(seeds, text):
    assert numerals.seed_range(seeds) == text
