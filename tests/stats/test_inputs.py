"""Whatever the statistics are asked, they answer or say in a sentence what is wrong."""

import datetime
import math
from decimal import Decimal

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tic import stats
from tic.stats import above, judge, within
from tic.stats.calibration import calibrate

numbers = st.one_of(
    st.floats(),
    st.integers(),
    st.booleans(),
    st.floats(-1, 1).map(np.float32),
    st.floats(-1, 1).map(torch.tensor),
)
others = st.sampled_from(
    [
        None,
        "0.5",
        1j,
        Decimal("nan"),
        object(),
        [],
        {},
        np.ma.masked,
        datetime.timedelta(1),
        above(0),
    ]
)
odd = numbers | others | st.lists(numbers | others, max_size=3)
arrays = st.one_of(
    odd,
    st.lists(numbers, max_size=5),
    st.lists(st.lists(numbers, max_size=4), max_size=4),
    st.lists(st.floats(-1, 1), min_size=3, max_size=5).map(torch.tensor),
    st.lists(st.floats(-1, 1), min_size=3, max_size=5).map(
        lambda xs: np.ma.array(xs, mask=[True] + [False] * (len(xs) - 1))
    ),
)
regions = odd | st.just(above(0)) | st.just(within(-1, 1))
directions = odd | st.sampled_from(["increasing", "decreasing", "rising"])
verdicts = odd | st.just(judge([1, 2, 3], above(0)))

ASKED = {
    "judge": lambda draw: stats.judge(draw(arrays), draw(regions), confidence=draw(odd)),
    "judge, at 95 %": lambda draw: stats.judge(draw(arrays), draw(regions)),
    "exact": lambda draw: stats.judge(draw(arrays), draw(regions), exact=True),
    "above": lambda draw: stats.above(draw(odd)),
    "within": lambda draw: stats.within(draw(odd), draw(odd)),
    "region": lambda draw: stats.Region(draw(odd), draw(odd)),
    "holm": lambda draw: stats.holm(draw(arrays), draw(odd)),
    "holm_adjusted": lambda draw: stats.holm_adjusted(draw(arrays)),
    "power": lambda draw: stats.power_curve(draw(odd), draw(odd), draw(regions), draw(arrays)),
    "seeds": lambda draw: stats.seeds_needed(draw(odd), draw(odd), draw(regions), power=draw(odd)),
    "most seeds": lambda draw: stats.seeds_needed(1, 1, above(0), limit=draw(odd)),
    "slope": lambda draw: stats.theil_sen_slope(draw(arrays), draw(arrays)),
    "fall": lambda draw: stats.half_fall([0, 1, 2], draw(arrays), least=draw(odd)),
    "page": lambda draw: stats.page_p_value(draw(arrays), direction=draw(directions)),
    "effects": lambda draw: stats.page_effects(draw(arrays), direction=draw(directions)),
    "trend": lambda draw: stats.judge_trend(draw(arrays), direction=draw(directions)),
    "combine": lambda draw: stats.combine([draw(verdicts)]),
    "sensitivity": lambda draw: stats.sensitivity(draw(verdicts)),
    "trend_sensitivity": lambda draw: stats.trend_sensitivity(
        draw(verdicts), draw(arrays), direction=draw(directions)
    ),
    "calibrate": lambda draw: calibrate(draw(odd), draw(odd), n_seeds=draw(arrays)),
}


def refusal(call):
    """The sentence of a refusal; None where there was an answer."""
    try:
        call()
    except ValueError as error:
        return str(error)
    return None


@pytest.mark.parametrize("name", ASKED)
@settings(max_examples=60)
@given(data=st.data())
def test_odd_input_is_answered_or_refused_in_a_sentence(name, data):
    sentence = refusal(lambda: ASKED[name](data.draw))
    assert sentence is None or ", got " in sentence


@settings(max_examples=100)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=3, max_size=6))
def test_every_interval_that_is_given_is_one(effects):
    if max(map(abs, effects)) > 1e290:
        assert "beyond 1e+290" in refusal(lambda: judge(effects, above(0)))
        return
    verdict = judge(effects, above(0))
    if verdict.interval is not None:
        low, high = verdict.interval
        assert math.isfinite(low)
        assert low < high < math.inf
        assert 0 <= verdict.p_value <= 1
