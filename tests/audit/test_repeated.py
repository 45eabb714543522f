"""A finding that an audit makes twice is told apart from one that agrees."""

import pytest

from tests.audit.entries import contrast, entry
from tic.document.evidence import Trend
from tic.document.repeated import repeated
from tic.stats import Outcome


def judged(name, *effects, seeds=(0, 1, 2), outcome=Outcome.SUPPORTED, low=0.0, **fields):
    """An entry whose contrasts have these effects in each seed."""
    region = contrast(seeds).region.model_copy(update={"low": low})
    contrasts = tuple(
        contrast(seeds).model_copy(update={"effects": (e,) * 3, "region": region}) for e in effects
    )
    return entry(name, outcome, contrasts=contrasts, **fields)


def test_a_claim_with_fewer_of_the_numbers_of_another_repeats_it_wherever_it_stands():
    whole, part = judged("whole", 1.0, 2.0), judged("part", 2.0)
    assert repeated([whole, part]) == repeated([part, whole]) == {"part": "whole"}


def test_of_equal_ones_the_later_repeats_the_earlier():
    assert repeated([judged("a", 1.0), judged("b", 1.0), judged("c", 1.0)]) == {"b": "a", "c": "a"}


@pytest.mark.parametrize(
    "other",
    [
        judged("other", 1.5),
        judged("other", 1.0, 3.0),
        judged("other", 1.0, low=0.5),
        judged("other", 1.0, seeds=(0, 1, 3)),
        judged("other", 1.0, outcome=Outcome.REFUTED),
        judged("other", 1.0, paper="another"),
        judged("other", 1.0, protocol="bf16"),
        judged("other", 1.0, role="rival"),
        judged("other", 1.0, role="control"),
        judged("other", 1.0, outcome=Outcome.ERROR),
        judged("other", 1.0, seeds=()),
    ],
)
def test_what_differs_in_anything_is_a_finding_of_its_own(other):
    assert repeated([judged("one", 1.0, 2.0), other]) == {}


def test_arithmetic_repeats_nothing():
    assert repeated([judged("one", 1.0, seeds=()), judged("two", 1.0, seeds=())]) == {}


def asked(identity, effects, **fields):
    """An entry with one contrast that has these fields."""
    one = contrast((0, 1, 2)).model_copy(update={"effects": effects, **fields})
    return entry(identity, Outcome.SUPPORTED, contrasts=(one,))


TREND = Trend(direction="increasing", samples=((1, 2, 3), (1, 3, 2), (2, 1, 3)))
OTHER_TREND = Trend(direction="increasing", samples=((1, 2, 4), (1, 3, 2), (2, 1, 3)))


@pytest.mark.parametrize(
    ("effects", "fields"),
    [
        ((0.0, 0.0, 0.0), {}),
        ((0.0, 1.0, 0.0), {"rate": True}),
        ((1.0, 0.5, 0.5), {"trend": TREND}),
    ],
)
def test_few_values_agree_by_chance_so_that_names_and_units_must_agree_too(effects, fields):
    one = asked("one", effects, **fields)
    assert repeated([one, asked("two", effects, **fields)]) == {"two": "one"}
    for other in ({"name": "under another attack"}, {"unit": "pp"}):
        assert repeated([one, asked("two", effects, **fields, **other)]) == {}


def test_numbers_that_no_chance_gives_are_a_repetition_under_any_name():
    effects = (0.25, 0.5, 0.75)
    assert repeated([asked("one", effects), asked("two", effects, name="on digits")]) == {
        "two": "one"
    }


@pytest.mark.parametrize("other", [{"rate": True}, {"resolution": 0.5}, {"trend": TREND}])
def test_the_same_effects_judged_otherwise_are_another_question(other):
    effects = (1.0, 0.0, 1.0)
    assert repeated([asked("one", effects), asked("two", effects, **other)]) == {}


def test_equal_rank_correlations_of_other_values_are_another_question():
    effects = (1.0, 0.5, 0.5)
    one, two = asked("one", effects, trend=TREND), asked("two", effects, trend=OTHER_TREND)
    assert repeated([one, two]) == {}
