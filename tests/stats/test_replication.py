import numpy as np
import pytest

from tic.stats import prediction_interval


def test_a_further_value_lies_by_t_around_the_mean():
    # mean 2, s = 1, t(2) at 97.5 % = 4.302653: 4.302653 * sqrt(1 + 1/3) = 4.968276
    assert prediction_interval([1, 2, 3]) == pytest.approx((-2.968276, 6.968276))


def test_too_few_values_and_values_without_spread_predict_nothing():
    assert prediction_interval([1, 2]) is None
    assert prediction_interval([2, 2, 2, 2]) is None


@pytest.mark.parametrize("value", [91.4, 0.1, -1e-7, 1e8 / 3, 0.0])
@pytest.mark.parametrize("count", [3, 5, 12])
def test_equal_values_of_any_size_have_no_spread(value, count):
    assert prediction_interval([value] * count) is None
    assert prediction_interval([value, *[value * (1 + 1e-15)] * (count - 1)]) is None


@pytest.mark.parametrize("n_seeds", [3, 5, 12])
def test_a_further_normal_value_lies_inside_as_often_as_promised(n_seeds):
    values = np.random.default_rng(0).normal(3, 2, (4000, n_seeds + 1))
    inside = [
        low <= further <= high
        for *seeds, further in values.tolist()
        for low, high in [prediction_interval(seeds)]
    ]
    assert np.mean(inside) == pytest.approx(0.95, abs=3 * (0.95 * 0.05 / 4000) ** 0.5)
