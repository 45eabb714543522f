"""What the judge said of a claim follows again from what it recorded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from judged_audits import judge_of, judged

from tic import stats
from tic.document.audit import Entry
from tic.document.deciding import region_of, rejudge, worst_case
from tic.stats import Outcome, above, below, within

NUMBERS = st.floats(-100, 100).map(lambda number: round(number, 6))
REGIONS = st.one_of(
    NUMBERS.map(above), NUMBERS.map(below), NUMBERS.map(lambda low: within(low, low + 5))
)


@st.composite
def recorded(draw, judge):
    """Let a judge record a few contrasts, checks and worst cases of random numbers."""
    per_seed = st.lists(NUMBERS, min_size=len(judge.seeds), max_size=len(judge.seeds))
    for number in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["sampled", "exact", "trend"]))
        if kind == "sampled":
            judge(draw(per_seed), draw(REGIONS), name=f"gap {number}", unit="pp")
        elif kind == "exact":
            judge([draw(NUMBERS)], draw(REGIONS), name=f"count {number}", exact=True)
        else:
            row = st.lists(NUMBERS, min_size=4, max_size=4)
            rows = st.lists(row, min_size=len(judge.seeds), max_size=len(judge.seeds))
            judge.trend(draw(rows), direction="increasing", name=f"rise {number}")
    if draw(st.booleans()):
        judge.check("sound", "It is sound.", "seen", holds=draw(st.booleans()), needed=True)
    if draw(st.booleans()):
        judge.leave_open("nobody knows")
    if draw(st.booleans()):
        judge.worst_case("PGD", draw(per_seed), draw(per_seed), reported=3.0)
    return judge


def through_json(entry):
    return Entry.model_validate_json(entry.model_dump_json())


@given(data=st.data(), seeds=st.integers(1, 6))
def test_a_recorded_claim_is_judged_again_to_the_same_entry(data, seeds):
    judge = data.draw(recorded(judge_of(tuple(range(seeds)))))
    entry = judged("claim", judge)
    assert rejudge(through_json(entry)) == entry


@given(data=st.data(), repeated=st.booleans())
def test_a_claim_that_was_read_in_several_ways_is_judged_again_to_the_same_entry(data, repeated):
    judge = judge_of((0, 1, 2, 3))
    for number in range(data.draw(st.integers(1, 4))):
        other = data.draw(recorded(judge_of(judge.seeds)))
        judge.record_reading({"estimator": str(number)}, other)
    judge.readings_contradict()
    if repeated:
        judge.leave_open("two seeds are one training")
    entry = judged("claim", judge)
    assert rejudge(through_json(entry)) == entry


@pytest.mark.parametrize("count", [0, 1, 2])
def test_fewer_than_two_readings_refute_no_contradiction(count):
    judge = judge_of((0, 1, 2, 3))
    for number in range(count):
        other = judge_of(judge.seeds)
        other([4.0, 5.0, 6.0, 5.0], above(0), name="fall")
        judge.record_reading({"estimator": str(number)}, other)
    judge.readings_contradict()
    entry = judged("claim", judge)
    assert entry.outcome is (Outcome.REFUTED if count == 2 else Outcome.INCONCLUSIVE)
    if count < 2:
        assert entry.left_open == (
            f"{count} of the 2 readings that may contradict each other were recorded",
        )
    assert rejudge(through_json(entry)) == entry


@pytest.mark.parametrize(
    ("values", "outcome"),
    [((2.0, 3.0, 4.0), Outcome.INCONCLUSIVE), ((2.4, 2.8, 3.2), Outcome.SUPPORTED)],
)
def test_readings_share_the_error_rate_of_their_contradiction(values, outcome):
    # By hand, n = 3: of 2, 3, 4 t = 3 / (1 / sqrt(3)) = 5.196, and p = (1 - t / sqrt(t² + 2)) / 2 =
    # 0.0176 on one side, between 0.0125 and 0.025: enough for one reading, and not for one of two.
    # Of 2.4, 2.8, 3.2 t = 2.8 / (0.4 / sqrt(3)) = 12.124, and p = 0.0034, enough for both.
    judge = judge_of((0, 1, 2))
    for sign in (1, -1):
        alone = judge_of(judge.seeds)
        alone([sign * value for value in values], above(0), name="fall")
        assert alone.verdict().outcome is (Outcome.SUPPORTED if sign > 0 else Outcome.REFUTED)
        judge.record_reading({"sign": str(sign)}, alone)
    judge.readings_contradict()
    assert judge.verdict().outcome is outcome


@pytest.mark.parametrize(
    ("attacked", "worst", "outcome"),
    [
        ((50, 50), (50, 50), Outcome.INCONCLUSIVE),
        ((50, 50, 50), (50, 50, 50), Outcome.REFUTED),
        ((50, 51, 52), (49.3, 50.29, 51.31), Outcome.REFUTED),
        ((50, 51, 52), (48.7, 49.69, 50.71), Outcome.SUPPORTED),
    ],
    ids=["no gap of two seeds", "no gap of three", "0.7 pp", "1.3 pp"],
)
def test_an_attack_overstates_robustness_by_more_than_a_percentage_point(attacked, worst, outcome):
    assert worst_case("PGD", None, attacked, worst, 0.95).outcome is outcome


def test_how_near_a_verdict_is_to_another_is_told_of_none_that_nobody_reads(monkeypatch):
    asked, sensitivity = [], stats.sensitivity
    monkeypatch.setattr(stats, "sensitivity", lambda v: asked.append(v) or sensitivity(v))
    judge = judge_of((0, 1, 2))
    for number in range(4):
        once = judge_of((0, 1, 2))
        once([1.0, 1.01, 1.02 + number / 100], above(0), name="gap")
        judge.record_reading({"epoch": str(number)}, once)
    judge.readings_contradict()
    assert judge.verdict().outcome is Outcome.REFUTED
    assert asked == []
    judge.decision()
    assert len(asked) == 1


def test_a_changed_effect_changes_what_is_judged_again():
    judge = judge_of((0, 1, 2))
    judge([4.0, 5.0, 6.0], above(0), name="gap")
    entry = judged("claim", judge)
    assert entry.outcome is Outcome.SUPPORTED
    moved = entry.contrasts[0].model_copy(update={"effects": (-40.0, 5.0, 6.0)})
    again = rejudge(entry.model_copy(update={"contrasts": (moved,)}))
    assert again.outcome is Outcome.INCONCLUSIVE
    assert again.contrasts[0].estimate == pytest.approx(-29 / 3)


def test_a_changed_sample_of_a_trend_changes_its_effects():
    judge = judge_of((0, 1, 2))
    judge.trend([[1, 2, 3]] * 2 + [[2, 5, 9]], direction="increasing", name="rise")
    entry = judged("claim", judge)
    contrast = entry.contrasts[0]
    trend = contrast.trend.model_copy(
        update={"samples": ((3.0, 2.0, 1.0), *contrast.trend.samples[1:])}
    )
    again = rejudge(
        entry.model_copy(update={"contrasts": (contrast.model_copy(update={"trend": trend}),)})
    )
    assert again.contrasts[0].effects == (-1, 1, 1)


def test_an_entry_that_was_not_judged_stays_as_it_is():
    judge = judge_of((0, 1, 2))
    judge([4.0, 5.0, 6.0], above(0), name="gap")
    entry = judged("claim", judge).model_copy(
        update={"contrasts": (), "outcome": Outcome.ERROR, "own_outcome": Outcome.ERROR}
    )
    assert rejudge(entry) is entry


@pytest.mark.parametrize("region", [above(0.1), below(-3), within(-1, 1)])
def test_a_region_is_read_back_as_it_was_written(region):
    judge = judge_of((0, 1, 2))
    judge([4.0, 5.0, 6.0], region, name="gap")
    assert region_of(judge.contrasts[0].region) == region


def test_a_region_without_a_bound_is_refused():
    judge = judge_of((0, 1, 2))
    judge([4.0, 5.0, 6.0], above(0), name="gap")
    record = judge.contrasts[0].region.model_copy(update={"low": None})
    with pytest.raises(ValueError, match="a region needs a finite bound"):
        region_of(record)
