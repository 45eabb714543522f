"""Each rival in worlds where the truth is known: its test says yes there, and no here."""

from dataclasses import replace

import pytest
from test_kim2023_controls import TESTS

from claims.kim2023 import readings
from claims.kim2023 import test_fig1_concentration as fig1
from claims.kim2023 import test_rival_faults as faults
from claims.kim2023 import test_rival_readings as rival_readings
from claims.kim2023 import test_rival_readouts as readouts
from claims.kim2023 import test_rival_robustness as robustness
from claims.kim2023 import test_rival_training as training
from claims.kim2023.corruptions import GRADIENT_ATTACKS
from claims.kim2023.faults import FAULTS
from claims.kim2023.paper import LEVELS, TABLE_1
from claims.kim2023.readings import FISHER_TESTS, READINGS
from claims.kim2023.recipes import DATASETS, PRUNED
from claims.kim2023.rival_recipes import AT_RANDOM, FEWER_EPOCHS
from fixtures.claims import conclude
from fixtures.known_answers import CASES, FALLING, TINY_FALL, Case, is_role
from fixtures.truth import Truth, by_level, everywhere, falls_at, rises_at, unless
from tic.attacks import PGD, Rescaled, Square
from tic.audit.claims import decided_by
from tic.errors import NotApplicableError
from tic.stats import Outcome

ORDER = by_level("drop", 10, 20, 30)
SWAPPED = by_level("drop", 30, 20, 10)
PEAK = by_level("drop", 10, 30, 20)


def nothing(_):
    return 0.0


def only(*kinds):
    """Strength of corruptions of which these kinds take the whole drop and others nothing."""
    return lambda corruption: float(isinstance(corruption, kinds))


def under(world, strength):
    """The world, where an attack takes its share of each drop."""
    return lambda level, recipe: replace(world(level, recipe), strength=strength)


def at_low(**truth):
    """A world in which the network of the low α is like that of the high but for this."""
    return unless(is_role("low"), {"drop": 30}, **{"drop": 30, **truth})


def mostly_hidden(corruption):
    """Strength in a network that hides two thirds of what only queries find."""
    return 1.0 if isinstance(corruption, Square) else 1 / 3


TWINS = {
    readouts.test_nothing_moves_in_the_twin: ([{}], [[1, 3]]),
    readouts.test_nothing_moves_in_twins_of_any_length: ([{}], [[4]]),
    readouts.test_nothing_moves_in_twins_on_other_images: (
        [{"images": each} for each in DATASETS],
        [[1, 3]],
    ),
}
CASES_OF_RIVALS = [
    *(
        Case(
            faults.test_a_fault_makes_the_pattern,
            under(ORDER, only(fault)),
            {
                "the labels of α are swapped": under(SWAPPED, only(fault)),
                "the intermediate loses most": under(PEAK, only(fault)),
            },
            comparisons=6,
            parameters={"corruption": corruption, "fault": name},
        )
        for name, fault in FAULTS.items()
        for corruption in GRADIENT_ATTACKS
    ),
    Case(
        readouts.test_only_the_output_error_moves,
        everywhere(errors=falls_at(0.4)),
        {
            "the kernel moves, too": everywhere(errors=falls_at(0.4), kernel=falls_at(0.4)),
            "only the kernel moves": everywhere(kernel=falls_at(0.4)),
            "nothing moves": everywhere(),
            "the output error moves to the end": everywhere(errors=rises_at(0.4)),
        },
        [[3, 3]],
    ),
    *(
        Case(
            test,
            everywhere(**TINY_FALL),
            {"information moves in the twin, too": everywhere(**FALLING)},
            panels,
            parameters=parameters,
        )
        for test, (cases, panels) in TWINS.items()
        for parameters in cases
    ),
    Case(
        readouts.test_the_twin_holds_information_throughout,
        everywhere(lateness=lambda _: -0.1),
        {"the twin holds it early": everywhere(**FALLING)},
    ),
    *(
        Case(
            robustness.test_no_advantage_in_the_worst_case,
            at_low(strength=mostly_hidden),
            {
                "the worst case, too, is ordered by α": ORDER,
                "PGD hides the advantage": at_low(
                    drop=10, strength=lambda corruption: float(not isinstance(corruption, PGD))
                ),
            },
            parameters={"corruption": corruption},
        )
        for corruption in robustness.MEMBERS
    ),
    *(
        Case(
            robustness.test_no_advantage_at_equal_temperature,
            at_low(strength=only(Rescaled)),
            {"temperature is not it": ORDER},
            parameters={"corruption": corruption},
        )
        for corruption in GRADIENT_ATTACKS
    ),
    *(
        Case(
            robustness.test_no_advantage_at_equal_margin,
            # Both lose the images whose margin is below 0.3.
            lambda level, _: Truth(margin=3, drop=10) if level == "low" else Truth(drop=30),
            {
                "equal margins, and the low α loses less": ORDER,
                "larger margins, and it loses none": at_low(margin=3, drop=0),
            },
            parameters={"corruption": corruption},
        )
        for corruption in GRADIENT_ATTACKS
    ),
    *(
        Case(
            test,
            everywhere(),
            {
                "it costs 3 points": unless(is_role(other), {}, accuracy=87),
            },
            parameters={"kind": kind, "retrain_timesteps": 3},
        )
        for test, other in (
            (training.test_fewer_epochs_do_as_well, FEWER_EPOCHS),
            (training.test_random_pruning_does_as_well, AT_RANDOM),
        )
        for kind in PRUNED
    ),
]
WORLDS = [
    pytest.param(case, world, id=f"{case.name}: {what}")
    for case in CASES_OF_RIVALS
    for what, world in case.refuted.items()
]
READ = [
    (
        Case(
            rival_readings.test_the_answer_depends_on_the_reading,
            case.holds,
            case.refuted,
            parameters={"of": decided_by(case.test).name},
        )
        if case.test is not readings.DATASETS_TEST
        else Case(
            rival_readings.test_the_answer_on_a_data_set_depends_on_the_reading,
            case.holds,
            case.refuted,
            parameters=case.parameters,
        )
    )
    for case in CASES
    if case.test in (*FISHER_TESTS.values(), readings.DATASETS_TEST)
]


def contradicting(case):
    """A world in which the claim holds on training images and the opposite on others."""
    opposite = next(iter(case.refuted.values()))
    return lambda role, recipe: replace(
        case.holds(role, recipe), on_test_images=opposite(role, recipe)
    )


@pytest.fixture
def few_readings(monkeypatch):
    """Eq. 6 on training images and on others."""
    chosen = [each for each in READINGS if each.protocol.reading.estimator == "empirical"][::3]
    monkeypatch.setattr(rival_readings, "READINGS", chosen)
    return chosen


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
    judge = conclude(case.test, contradicting(case), case.parameters)
    assert judge.verdict().outcome is Outcome.SUPPORTED
    assert [each.outcome for each in judge.readings] == ["SUPPORTED", "REFUTED"]
    assert [each.factors for each in judge.readings] == [each.factors for each in few_readings]


@pytest.mark.parametrize("case", READ, ids=lambda case: case.name)
def test_readings_that_agree_refute_the_rival(case, few_readings):
    for world in (case.holds, next(iter(case.refuted.values()))):
        assert case.outcome(world) is Outcome.REFUTED


def test_every_reading_is_judged_by_itself_and_the_first_is_the_standard_one():
    (case,) = (each for each in READ if each.parameters == {"of": "concentrated"})
    judge = conclude(case.test, contradicting(case), case.parameters)
    outcomes = {tuple(each.factors.values()): each.outcome for each in judge.readings}
    assert len(outcomes) == len(READINGS) == 24
    for (_, images, _), outcome in outcomes.items():
        assert outcome == {"train": "SUPPORTED", "test": "REFUTED"}[images]
    assert next(iter(outcomes)) == ("empirical", "train", "raw")
    assert [each.factors["estimator"] for each in judge.readings if each.release] == ["batch-mean"]
    assert judge.contrasts[0].effects == (12,)


def test_undecided_readings_leave_the_rival_open(few_readings):
    flat = Truth(lateness=nothing)
    world = everywhere(**FALLING, on_test_images=flat)
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
