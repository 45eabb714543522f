import pytest

from tic.stats.checks import one_sided_level


def test_a_confidence_leaves_half_of_the_rest_on_either_side():
    assert one_sided_level(0.95) == pytest.approx(0.025)


@pytest.mark.parametrize("confidence", [0, 1, 95, -0.1, float("nan")])
def test_a_confidence_outside_0_and_1_is_refused(confidence):
    with pytest.raises(ValueError, match=r"between 0 and 1, got .*; write 0.95 for 95 %"):
        one_sided_level(confidence)


@pytest.mark.parametrize("confidence", ["0.95", None, [0.95], 0.95 + 0j])
def test_a_confidence_that_is_no_number_is_refused(confidence):
    with pytest.raises(ValueError, match=r"confidence must be (real numbers|a single number), got"):
        one_sided_level(confidence)
