"""The `judge` of a claim's test: it records, refuses and combines."""

import math

import pytest

from tic.audit.exhibits import curves
from tic.audit.judge import Judge
from tic.document.figures import Panel
from tic.errors import TicError
from tic.stats import Outcome, above, below, within

HIGH, LOW = [4.0, 5.0, 6.5], [-4.0, -5.0, -6.5]


@pytest.fixture
def judge():
    return Judge((0, 1, 2), 0.95)


def test_a_claim_holds_when_all_its_contrasts_hold(judge):
    first = judge(HIGH, above(0), name="first")
    second = judge([4.1, 5.0, 6.0], above(0), name="second")
    found = judge.verdict()
    assert found.outcome is Outcome.SUPPORTED
    assert found.p_value == max(first.p_value, second.p_value)


def test_a_claim_is_refuted_when_any_contrast_is(judge):
    judge(HIGH, above(0), name="first")
    judge(LOW, above(0), name="second")
    assert judge.verdict().outcome is Outcome.REFUTED


def test_a_claim_is_inconclusive_when_a_contrast_is_and_none_is_refuted(judge):
    judge(HIGH, above(0), name="first")
    judge([-1, 0, 1.5], above(0), name="second")
    found = judge.verdict()
    assert found.outcome is Outcome.INCONCLUSIVE
    assert found.reason.startswith("contrast 2 of 2")


def test_a_contrast_is_recorded_with_all_that_the_report_needs(judge):
    judge(HIGH, within(-1, 10), name="gap", unit="pp")
    (contrast,) = judge.contrasts
    assert (contrast.name, contrast.unit, contrast.seeds) == ("gap", "pp", (0, 1, 2))
    assert contrast.effects == (4.0, 5.0, 6.5)
    assert contrast.estimate == pytest.approx(15.5 / 3)
    assert (contrast.region.low, contrast.region.high) == (-1, 10)
    assert contrast.region.text == "within [-1, 10]"
    assert contrast.confidence == 0.95


@pytest.mark.parametrize(("region", "bounds"), [(above(2), (2, None)), (below(3), (None, 3))])
def test_an_open_end_is_recorded_as_none(judge, region, bounds):
    judge(HIGH, region, name="gap")
    assert (judge.contrasts[0].region.low, judge.contrasts[0].region.high) == bounds


def test_a_trend_is_judged_by_page_and_recorded_as_a_contrast(judge):
    verdict = judge.trend([[1, 2, 3], [2, 4, 9], [0, 1, 5]], direction="increasing", name="rise")
    # All three seeds are in order: each of the 3!³ = 216 arrangements is equally likely.
    assert verdict.p_value == pytest.approx(1 / 216)
    assert judge.verdict().outcome is Outcome.SUPPORTED
    assert judge.contrasts[0].effects == (1, 1, 1)
    assert judge.contrasts[0].unit == "rank correlation"
    assert judge.contrasts[0].interval is None


@pytest.mark.parametrize("effects", [[4.0, 5.0], [4.0, 5.0, 6.0, 7.0]])
def test_there_must_be_one_effect_per_seed(judge, effects):
    with pytest.raises(
        TicError, match=f"gap: one effect .* got {len(effects)} effects for 3 seeds"
    ):
        judge(effects, above(0), name="gap")
    assert judge.contrasts == ()
    with pytest.raises(TicError, match="judged nothing"):
        judge.verdict()


@pytest.mark.parametrize(
    ("effects", "shape"),
    [(4.5, r"\(\)"), ([[4.0, 5.0]] * 3, r"\(3, 2\)"), ([[[1.0]]], r"\(1, 1, 1\)")],
)
def test_what_is_not_one_number_per_seed_is_refused_with_the_way_out(judge, effects, shape):
    told = rf"gap: effects must have shape \(S,\), got {shape}; give one number per seed, since "
    with pytest.raises(TicError, match=told):
        judge(effects, above(0), name="gap")


def test_whatever_cannot_be_judged_is_an_error_of_the_claim_and_not_of_this_library(judge):
    for record in (
        lambda: judge([1, 2, math.inf], above(0), name="gap"),
        lambda: judge([1, 2, 3], above(0), name="gap", resolution=-1),
        lambda: judge([1, 2, 3], 80, name="gap"),
        lambda: judge([1], 80, name="gap", exact=True),
        lambda: judge.rate([1, 0, 1], 0.1, name="gap"),
        lambda: judge.rate(["no"] * 3, below(0.1), name="gap"),
        lambda: judge.rate([0.5, 0, 1], below(0.1), name="gap"),
        lambda: judge.trend([1, 2, 3], direction="increasing", name="gap"),
        lambda: judge.worst_case("gap", [math.nan] * 3, [1, 2, 3], reported=None),
    ):
        with pytest.raises(TicError, match=r"^gap: "):
            record()


def test_a_trend_needs_one_row_per_seed(judge):
    with pytest.raises(TicError, match="got 2 effects for 3 seeds"):
        judge.trend([[1, 2, 3], [2, 4, 9]], direction="increasing", name="rise")


def test_the_same_seed_twice_is_refused():
    with pytest.raises(TicError, match=r"seeds must be distinct, got \[0, 0, 0, 0, 0\]"):
        Judge((0, 0, 0, 0, 0), 0.95)


def test_the_same_effect_five_times_is_inconclusive():
    judge = Judge(range(5), 0.95)
    judge([3.0] * 5, above(0), name="copied")
    assert judge.verdict().outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize("count", [1, 2])
def test_fewer_than_three_seeds_are_inconclusive(count):
    judge = Judge(range(count), 0.95)
    judge([3.0, 3.1][:count], above(0), name="gap")
    assert judge.verdict().outcome is Outcome.INCONCLUSIVE


def test_an_exact_effect_stands_for_no_seed(judge):
    judge([0.2], within(0.1, 0.3), name="saving", exact=True)
    assert judge.contrasts[0].seeds == ()
    assert judge.verdict().outcome is Outcome.SUPPORTED
    assert judge.verdict().p_value is None


def test_a_test_that_judged_nothing_has_no_verdict(judge):
    judge.compare("accuracy", "Table 1", unit="%", reported=92, measured=[90, 91, 92])
    with pytest.raises(TicError, match="judged nothing; call judge"):
        judge.verdict()


@pytest.mark.parametrize(("measured", "kept"), [([1, 2], (1, 2)), (3.5, (3.5,))])
def test_the_papers_number_is_recorded_beside_ours(judge, measured, kept):
    judge.compare("accuracy", "Table 1", unit="%", reported=92.04, measured=measured)
    (comparison,) = judge.comparisons
    assert (comparison.reported, comparison.measured, comparison.place) == (92.04, kept, "Table 1")


def test_notes_and_figures_are_kept_in_order(judge):
    judge.note("first")
    judge.note("second")
    panel = Panel(title="p", x_label="x", y_label="y", series=(curves("s", [1, 2], [[3, 4]]),))
    judge.figure("title", "caption", panel, panel)
    assert judge.notes == ["first", "second"]
    assert judge.figures[0].panels == (panel, panel)


def test_curves_have_one_row_per_seed():
    series = curves("I_t", range(1, 4), [[1, 2, 3], [4, 5, 6]], marker=1.5)
    assert series.x == (1, 2, 3)
    assert series.values == ((1, 2, 3), (4, 5, 6))
    assert series.marker == 1.5


def test_a_single_curve_is_one_row():
    assert curves("I_t", [1, 2], [3, 4]).values == ((3, 4),)


def test_numbers_that_are_not_finite_are_refused(judge):
    with pytest.raises(ValueError, match="finite"):
        judge([1, 2, math.nan], above(0), name="gap")


def test_a_rate_is_judged_by_exact_tests_and_recorded_as_such():
    judge = Judge(tuple(range(36)), 0.95)
    judge.rate([False] * 36, below(0.1), name="diverged")
    (contrast,) = judge.contrasts
    # 0.9^36 = 2.25 %
    assert contrast.p_value == pytest.approx(0.9**36)
    assert (contrast.outcome, contrast.rate, contrast.estimate) == (Outcome.SUPPORTED, True, 0)
    assert contrast.effects == (0.0,) * 36


def test_a_rate_needs_one_outcome_per_seed(judge):
    with pytest.raises(TicError, match="one effect per seed is needed, got 2 effects for 3 seeds"):
        judge.rate([0, 1], below(0.1), name="diverged")


def test_equal_effects_of_a_known_resolution_are_recorded_with_it(judge):
    judge([0.0] * 3, within(-5, 5), name="gap", resolution=0.5)
    judge([0.0] * 3, within(-5, 5), name="unknown")
    assert [each.resolution for each in judge.contrasts] == [0.5, None]
    assert [each.outcome for each in judge.contrasts] == [Outcome.SUPPORTED, Outcome.INCONCLUSIVE]
