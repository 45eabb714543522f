import numpy as np
import pytest

from tic.stats.checks import finite_array, one_sided_level


def test_a_confidence_leaves_half_of_the_rest_on_either_side():
    assert one_sided_level(0.95) == pytest.approx(0.025)


@pytest.mark.parametrize("confidence", [0, 1, 95, -0.1, float("nan")])
def test_a_confidence_outside_0_and_1_is_refused(confidence):
    with pytest.raises(ValueError, match=r"between 0 and 1, got .*; write 0.95 for 95 %"):
        one_sided_level(confidence)


def test_any_array_type_becomes_float64():
    assert finite_array([1, 2], name="effects", axes="S").dtype == np.float64


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([[1.0, 2.0]], r"effects must have shape \(S,\), got \(1, 2\)"),
        (1.0, r"effects must have shape \(S,\), got \(\)"),
        ([], "effects must hold at least one value"),
        ([1.0, float("nan"), float("inf")], r"effects must be finite, got nan \(2 of 3 values\)"),
    ],
)
def test_unusable_values_are_refused_by_name(values, message):
    with pytest.raises(ValueError, match=message):
        finite_array(values, name="effects", axes="S")
