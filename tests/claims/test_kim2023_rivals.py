"""Each rival in worlds where the truth is known: its test says yes there, and no here."""

import pytest

from claims.kim2023 import test_fig1_concentration as fig1
from claims.kim2023 import test_rival_faults as faults
from claims.kim2023 import test_rival_readings as rival_readings
from claims.kim2023 import test_rival_robustness as robustness
from claims.kim2023 import test_rival_training as training
from claims.kim2023.faults import FAULTS
from claims.kim2023.paper import LEVELS, TABLE_1
from claims.kim2023.readings import FISHER_TESTS, READINGS
from claims.kim2023.rival_recipes import AT_RANDOM
from fixtures.cases import claim_tests
from fixtures.claims import conclude
from fixtures.information_answers import is_role
from fixtures.rival_answers import (
    CASES_OF_RIVALS,
    FEW_READINGS,
    ORDER,
    READ,
    at_low,
    mostly_hidden,
    only,
    under,
)
from fixtures.truth import Truth, everywhere, unless
from tic.audit.claims import decided_by
from tic.errors import NotApplicableError
from tic.stats import Outcome

TESTS = claim_tests("claims.kim2023")
WORLDS = [
    pytest.param(case, world, id=f"{case.name}: {what}")
    for case in CASES_OF_RIVALS
    for what, world in case.refuted.items()
]


@pytest.fixture
def few_readings(monkeypatch):
    monkeypatch.setattr(rival_readings, "READINGS", FEW_READINGS)


@pytest.mark.parametrize("case", CASES_OF_RIVALS, ids=lambda case: case.name)
def test_a_rival_is_supported_where_it_holds_and_shows_what_it_saw(case):
    judge = conclude(case.test, case.holds, case.parameters)
    assert judge.verdict().outcome is Outcome.SUPPORTED
    assert len(judge.comparisons) == case.comparisons
    assert [[len(panel.series) for panel in each.panels] for each in judge.figures] == case.panels


@pytest.mark.parametrize(("case", "world"), WORLDS)
def test_a_rival_is_refuted_where_it_is_false(case, world):
    assert case.outcome(world) is Outcome.REFUTED


@pytest.mark.parametrize("case", READ, ids=lambda case: case.name)
def test_readings_that_contradict_each_other_support_the_rival(case, few_readings):
    judge = conclude(case.test, case.holds, case.parameters)
    assert judge.verdict().outcome is Outcome.SUPPORTED
    assert [each.outcome for each in judge.readings] == ["SUPPORTED", "REFUTED"]
    assert [each.factors for each in judge.readings] == [each.factors for each in FEW_READINGS]


@pytest.mark.parametrize("case", READ, ids=lambda case: case.name)
def test_readings_that_agree_refute_the_rival(case):
    for world in case.refuted.values():
        assert case.outcome(world) is Outcome.REFUTED


def test_every_reading_is_judged_by_itself_and_the_first_is_the_standard_one():
    (case,) = (each for each in READ if each.parameters == {"of": "concentrated"})
    judge = conclude(case.test, case.holds, case.parameters)
    outcomes = {tuple(each.factors.values()): each.outcome for each in judge.readings}
    assert len(outcomes) == len(READINGS) == 24
    for (_, images, _), outcome in outcomes.items():
        assert outcome == {"train": "SUPPORTED", "test": "REFUTED"}[images]
    assert next(iter(outcomes)) == ("empirical", "train", "raw")
    assert [each.factors["estimator"] for each in judge.readings if each.release] == ["batch-mean"]
    assert judge.contrasts[0].effects == (12,)


def test_undecided_readings_leave_the_rival_open(few_readings):
    # Thirds of the blocks then differ by 0.05, the least that counts.
    edge = Truth(lateness=lambda _: 0.0, depth=lambda _: 0.0364)
    world = everywhere(lateness=edge.lateness, depth=edge.depth, on_test_images=edge)
    judge = conclude(rival_readings.test_the_answer_depends_on_the_reading, world, {"of": "layers"})
    assert {each.outcome for each in judge.readings} == {"INCONCLUSIVE"}
    assert judge.verdict().outcome is Outcome.INCONCLUSIVE
    assert "only 0 of 2 decide" in judge.verdict().reason


def test_a_figure_that_its_attack_overstates_does_not_survive():
    world = at_low(strength=mostly_hidden)
    judge = conclude(robustness.test_no_advantage_in_the_worst_case, world, {"corruption": "pgd"})
    low, _, high = judge.worst_cases
    assert low.figure == "PGD, 10 steps, α low"
    assert low.reported == TABLE_1["cifar10"]["low"].pgd
    # PGD takes ten points of ninety, Square thirty.
    assert low.attacked == pytest.approx([80] * 5, abs=1)
    assert low.worst == pytest.approx([60] * 5, abs=1)
    assert low.outcome is Outcome.SUPPORTED
    assert high.attacked == high.worst
    assert high.outcome is not Outcome.SUPPORTED
    broken = {each.name for each in judge.checks if not each.holds}
    assert "gradients find what queries find, α low" in broken
    assert "gradients find what queries find, α high" not in broken


def test_the_suite_stands_in_a_table_for_every_alpha():
    shown_with = {"corruption": robustness.SHOWN_WITH}
    judge = conclude(robustness.test_no_advantage_in_the_worst_case, ORDER, shown_with)
    suite = judge.tables[0]
    assert suite.columns == tuple(f"α {level}" for level in LEVELS)
    rows = {row.name: row.values for row in suite.rows}
    assert rows["clean"][0] == pytest.approx([90] * 5, abs=1)
    assert rows["FGSM"][2] == pytest.approx([60] * 5, abs=1)
    for level in range(3):
        assert min(rows["worst case per image"][level]) <= min(rows["FGSM"][level])


def test_the_suite_is_shown_once():
    (other,) = set(robustness.MEMBERS) - {robustness.SHOWN_WITH}
    judge = conclude(robustness.test_no_advantage_in_the_worst_case, ORDER, {"corruption": other})
    assert judge.tables == judge.checks == []
    assert any(robustness.SHOWN_WITH in note for note in judge.notes)
    assert len(judge.worst_cases) == len(LEVELS)


def test_lost_gradients_are_told_of_the_suite():
    shown_with = {"corruption": robustness.SHOWN_WITH}
    world = at_low(zero=0.5)
    judge = conclude(robustness.test_no_advantage_in_the_worst_case, world, shown_with)
    (found,) = (each for each in judge.checks if each.name == "gradients are there, α low")
    assert not found.holds
    assert found.found == "50.0 % of the images"


def test_networks_without_images_of_equal_margin_are_not_compared():
    world = at_low(accuracy=-5)
    with pytest.raises(NotApplicableError, match="no images of equal margin"):
        conclude(robustness.test_no_advantage_at_equal_margin, world, {"corruption": "pgd"})


@pytest.mark.parametrize("masked", [0, 0.9])
def test_networks_that_were_not_pruned_are_not_compared(masked):
    world = unless(is_role(AT_RANDOM), {}, masked=masked)
    judge = conclude(
        training.test_random_pruning_does_as_well,
        world,
        {"kind": "VGG-16", "retrain_timesteps": 3},
    )
    assert judge.verdict().outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    "case",
    [
        case
        for case in CASES_OF_RIVALS
        if case.test
        in (
            faults.test_a_fault_makes_the_pattern,
            robustness.test_no_advantage_at_equal_temperature,
        )
    ],
    ids=lambda case: case.name,
)
def test_accuracies_under_attack_are_as_coarse_as_the_attacked_images(case):
    # Of the paper's setting: ten thousand test images, a thousand of which are attacked.
    contrasts = case.judged(case.holds).contrasts
    assert {contrast.resolution for contrast in contrasts} == {0.1}


def test_a_fault_stands_beside_the_sound_attack_and_table_1():
    parameters = {"corruption": "pgd", "fault": "state-kept"}
    world = under(ORDER, only(FAULTS["state-kept"]))
    judge = conclude(faults.test_a_fault_makes_the_pattern, world, parameters)
    shown = {each.quantity: each for each in judge.comparisons}
    row = TABLE_1["cifar10"]["high"]
    assert shown["α high, drop under the faulty attack"].measured == pytest.approx([30] * 5, abs=1)
    assert shown["α high, drop under the sound attack"].measured == pytest.approx([0] * 5, abs=1)
    for how in ("faulty", "sound"):
        found = shown[f"α high, drop under the {how} attack"]
        assert found.reported == pytest.approx(row.clean - row.pgd)


def test_every_rival_is_put_to_both_worlds():
    rivals = {test for test in TESTS if decided_by(test).role == "rival"}
    assert {case.test for case in (*CASES_OF_RIVALS, *READ)} == rivals


def test_every_claim_about_fisher_information_over_time_is_read_in_all_ways():
    of = {case.parameters["of"] for case in READ if "of" in case.parameters}
    assert of == set(FISHER_TESTS)
    assert fig1.test_information_moves_to_early_timesteps is FISHER_TESTS["concentration"]


def test_every_rival_threatens_claims_of_the_pack():
    names = {decided_by(test).name for test in TESTS if decided_by(test).role == "claim"}
    for test in TESTS:
        claim = decided_by(test)
        assert claim.role == "claim" or set(claim.of) <= names
