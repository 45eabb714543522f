"""What stands beside the contrasts: checks, tables, worst cases, readings."""

import numpy as np
import pytest
from pydantic import ValidationError

from tic.audit.exhibits import Exhibits
from tic.audit.judge import Judge
from tic.document.deciding import MASKED
from tic.document.evidence import Unknown
from tic.errors import TicError
from tic.stats import Outcome, above, below

HIGH, LOW, WIDE = [4.0, 5.0, 6.5], [-4.0, -5.0, -6.5], [-1.0, 0.0, 1.5]


@pytest.fixture
def judge():
    return Judge((0, 1, 2), 0.95)


# Checks


@pytest.mark.parametrize("effects", [HIGH, LOW])
def test_where_a_needed_check_fails_nothing_can_be_said(judge, effects):
    judge(effects, above(0), name="gap")
    judge.check("masks", "Half of the weights are zero.", "0 %", holds=False, needed=True)
    found = judge.verdict()
    assert (found.outcome, found.p_value) == (Outcome.INCONCLUSIVE, None)
    assert found.reason == (
        "nothing can be said where this does not hold: Half of the weights are zero."
    )
    assert judge.decision().sensitivity is None
    assert len(judge.contrasts) == 1


def test_all_needed_checks_that_fail_are_told(judge):
    judge(HIGH, above(0), name="gap")
    for says, holds in (("One.", False), ("Two.", True), ("Three.", False)):
        judge.check("name", says, "", holds=holds, needed=True)
    assert judge.verdict().reason.endswith("does not hold: One.; Three.")


@pytest.mark.parametrize(("holds", "needed"), [(True, True), (True, False), (False, False)])
def test_any_other_check_changes_no_verdict(judge, holds, needed):
    judge(HIGH, above(0), name="gap")
    before, nearness = judge.verdict(), judge.decision().sensitivity
    judge.check("loss", "It converges.", "0.1 nats", holds=holds, needed=needed)
    assert judge.verdict() == before
    assert judge.decision().sensitivity == nearness
    (check,) = judge.checks
    assert (check.name, check.says, check.found) == ("loss", "It converges.", "0.1 nats")
    assert (check.holds, check.needed) == (holds, needed)


def test_numbers_of_one_place_are_set_beside_those_that_are_known_of_it():
    exhibits = Exhibits()
    nobody = Unknown(why="Nobody read it.")
    reported = {"accuracy": 91.5, "rate": nobody, "energy": 3.0}
    measured = {"rate": 0.25, "accuracy": [90, 92]}
    exhibits.compare_all("Table 1", unit="%", reported=reported, measured=measured)
    one, other = exhibits.comparisons
    assert (one.quantity, one.reported, one.measured) == ("rate", nobody, (0.25,))
    assert (other.quantity, other.reported, other.measured) == ("accuracy", 91.5, (90, 92))
    assert {(each.place, each.unit) for each in (one, other)} == {("Table 1", "%")}


def test_a_check_is_not_needed_unless_told():
    exhibits = Exhibits()
    exhibits.check("loss", "It converges.", "", holds=False)
    assert exhibits.checks[0].needed is False


def test_a_failed_check_does_not_stand_in_for_a_contrast(judge):
    judge.check("masks", "They are applied.", "", holds=False, needed=True)
    with pytest.raises(TicError, match="judged nothing"):
        judge.verdict()


# Nearness


def test_a_contrast_says_how_near_it_was_to_another_verdict(judge):
    judge(HIGH, above(0), name="gap")
    found = judge.contrasts[0].sensitivity
    assert found.flips_to is Outcome.INCONCLUSIVE
    # At the flip confidence one end of the interval lies on the bound: p = (1 - confidence) / 2.
    assert found.flip_confidence == pytest.approx(1 - 2 * judge.contrasts[0].p_value)
    assert found.flip_margin == pytest.approx(judge.contrasts[0].interval[0])
    assert found.without == (Outcome.INCONCLUSIVE,) * 3  # two seeds are too few


def test_a_claim_says_how_near_it_was_by_its_weakest_contrast(judge):
    judge(HIGH, above(0), name="strong")
    judge([1.2, 2.0, 2.5], above(0), name="weak")
    found = judge.decision().sensitivity
    assert found.flip_confidence == pytest.approx(1 - 2 * judge.contrasts[1].p_value)
    assert found.flips_to is Outcome.INCONCLUSIVE
    assert found.without == (Outcome.INCONCLUSIVE,) * 3


def test_a_trend_says_how_near_it_was_too(judge):
    judge.trend([[1, 2, 3], [2, 4, 9], [0, 1, 5]], direction="increasing", name="rise")
    found = judge.contrasts[0].sensitivity
    assert found.flip_confidence == pytest.approx(1 - 2 / 216)
    assert found.flip_margin is None
    assert len(found.without) == 3


# Worst cases


@pytest.mark.parametrize(
    ("lost", "outcome"),
    [
        ([10.0, 11.0, 12.0], Outcome.SUPPORTED),
        ([0.0, 0.1, 0.0], Outcome.REFUTED),
        ([0.0, 1.0, 2.0], Outcome.INCONCLUSIVE),
    ],
)
@pytest.mark.parametrize(("effects", "claim"), [(HIGH, Outcome.SUPPORTED), (LOW, Outcome.REFUTED)])
def test_a_worst_case_has_a_verdict_of_its_own_and_does_not_decide_the_claim(
    judge, lost, outcome, effects, claim
):
    judge(effects, above(0), name="gap")
    attacked = np.array([70.0, 71.0, 72.0])
    judge.worst_case("PGD, α low", attacked, attacked - lost, reported=74.63)
    (found,) = judge.worst_cases
    assert (found.figure, found.reported, found.outcome) == ("PGD, α low", 74.63, outcome)
    assert found.attacked == (70, 71, 72)
    assert found.worst == tuple(attacked - lost)
    assert judge.verdict().outcome is claim
    assert len(judge.contrasts) == 1


@pytest.mark.parametrize("count", [1, 2, 3])
def test_that_no_attack_does_better_on_one_or_two_seeds_leaves_a_worst_case_open(judge, count):
    judge.worst_case("PGD", [50.0] * count, [50.0] * count, reported=None)
    (found,) = judge.worst_cases
    assert found.outcome is (Outcome.REFUTED if count >= 3 else Outcome.INCONCLUSIVE)


def test_an_attack_overstates_when_it_stays_behind_by_more_than_a_point(judge):
    assert MASKED == 1.0
    for behind in (0.9, 1.1):
        lost = behind + np.array([-0.01, 0.0, 0.01])
        judge.worst_case("FGSM", [50, 50, 50], 50 - lost, reported=None)
    assert [each.outcome for each in judge.worst_cases] == [Outcome.REFUTED, Outcome.SUPPORTED]


def test_worst_cases_alone_judge_nothing(judge):
    judge.worst_case("FGSM", HIGH, LOW, reported=None)
    with pytest.raises(TicError, match="judged nothing"):
        judge.verdict()


# Readings


def other(*contrasts):
    found = Judge((0, 1, 2), 0.95)
    for effects, unit in contrasts:
        found(effects, above(0), name="gap", unit=unit)
    return found


@pytest.mark.parametrize(
    ("contrasts", "outcome", "estimate", "unit"),
    [
        ([(HIGH, "pp")], Outcome.SUPPORTED, 15.5 / 3, "pp"),
        ([(HIGH, "pp"), (LOW, "nats")], Outcome.REFUTED, -15.5 / 3, "nats"),
        ([(HIGH, "pp"), (WIDE, "%")], Outcome.INCONCLUSIVE, 0.5 / 3, "%"),
    ],
)
def test_a_reading_is_recorded_with_the_contrast_that_its_outcome_hangs_on(
    judge, contrasts, outcome, estimate, unit
):
    judge.record_reading({"estimator": "exact"}, other(*contrasts))
    (found,) = judge.readings
    assert (found.factors, found.release) == ({"estimator": "exact"}, False)
    assert (found.outcome, found.unit) == (outcome, unit)
    assert found.estimate == pytest.approx(estimate)


def test_readings_keep_their_order_and_leave_the_claim_and_the_factors_alone(judge):
    judge(HIGH, above(0), name="gap")
    factors = {"images": "train"}
    judge.record_reading(factors, other((LOW, "")))
    factors["images"] = "test"
    judge.record_reading(factors, other((HIGH, "")), release=True)
    assert [(each.factors["images"], each.release) for each in judge.readings] == [
        ("train", False),
        ("test", True),
    ]
    assert judge.verdict().outcome is Outcome.SUPPORTED
    assert len(judge.contrasts) == 1


def test_a_reading_on_which_a_needed_check_fails_is_undecided(judge):
    found = other((HIGH, "pp"))
    found.check("images", "There are enough.", "3", holds=False, needed=True)
    judge.record_reading({}, found)
    assert judge.readings[0].outcome is Outcome.INCONCLUSIVE
    assert judge.readings[0].estimate == pytest.approx(15.5 / 3)


def test_a_reading_that_judged_nothing_is_refused(judge):
    with pytest.raises(TicError, match="judged nothing"):
        judge.record_reading({}, other())


# Tables and numbers


def test_a_table_has_a_cell_per_row_and_column_with_a_number_per_seed():
    exhibits = Exhibits()
    exhibits.table(
        "Attack suite", "Accuracy.", unit="%", columns=["low", "high"],
        rows=[("paper", "FGSM", [[1, 2], np.array([3.0, 4.0])]), ("", "mean", [5.5, []])],
    )  # fmt: skip
    (table,) = exhibits.tables
    assert (table.title, table.caption, table.unit) == ("Attack suite", "Accuracy.", "%")
    assert table.columns == ("low", "high")
    assert [(row.group, row.name, row.values) for row in table.rows] == [
        ("paper", "FGSM", ((1, 2), (3, 4))),
        ("", "mean", ((5.5,), ())),
    ]


def test_a_row_that_does_not_fill_the_columns_is_refused():
    with pytest.raises(
        ValidationError, match="'FGSM' must have a cell for each of the 2 columns, got 1"
    ):
        Exhibits().table("T", "", unit="%", columns=["a", "b"], rows=[("", "FGSM", [[1, 2]])])


def test_numbers_of_a_clock_are_marked():
    exhibits = Exhibits()
    exhibits.compare("saving", "text", unit="%", reported=20, measured=[19, 21], timed=True)
    exhibits.compare("saving", "text", unit="%", reported=20, measured=[19, 21])
    assert [each.timed for each in exhibits.comparisons] == [True, False]


def test_what_is_shown_of_one_judge_is_not_shown_of_another():
    first, second = Judge((0, 1, 2), 0.95), Judge((0, 1, 2), 0.95)
    first(HIGH, below(0), name="gap")
    first.note("of the first")
    first.check("n", "s", "f", holds=True)
    first.worst_case("FGSM", HIGH, LOW, reported=None)
    assert not any((second.contrasts, second.notes, second.checks, second.worst_cases))


def test_a_claim_that_is_left_open_is_undecided_whatever_its_contrasts_say():
    judge = Judge((0, 1, 2), 0.95)
    judge([5.0, 5.1, 5.2], above(0), name="effect")
    assert judge.verdict().outcome is Outcome.SUPPORTED
    judge.leave_open("too few readings decide")
    verdict = judge.verdict()
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.p_value is None
    assert verdict.reason == "too few readings decide"
    assert judge.decision().sensitivity is None
