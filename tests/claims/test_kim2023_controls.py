"""Planted worlds in which a claim is false, on top of worlds in which it is true, and is not."""

from collections import Counter
from itertools import islice

import pytest

from claims.kim2023 import controls
from claims.kim2023 import test_fig5_alpha as fig5
from claims.kim2023 import test_fig7_pruning as fig7
from claims.kim2023 import test_table1_robustness as table1
from fixtures.cases import claim_tests
from fixtures.claims import conclude
from fixtures.known_answers import CASES
from fixtures.truth import everywhere
from tic.audit import control as general
from tic.audit.claims import decided_by
from tic.audit.control import ONE_SEED, Control
from tic.errors import NotApplicableError
from tic.stats import Outcome

CLAIMS = [test for test in claim_tests("claims.kim2023") if decided_by(test).role == "claim"]


def without_gradients(case, world):
    """Whether the world falsifies what the case does not look at."""
    asks = case.parameters.get("corruption")
    return world is controls.GRADIENTS_LOST and asks in ("gaussian", "blur")


PLANTED = [
    (case, planted)
    for case in CASES
    for planted in decided_by(case.test).worlds
    if not without_gradients(case, planted)
]
ON_TRUE = [
    pytest.param(case, planted, id=f"{case.name}: {planted.name}") for case, planted in PLANTED
]
ON_FALSE = [
    pytest.param(case, planted, world, id=f"{case.name}: {planted.name} where {what}")
    for case, planted in PLANTED
    # Those after the fifth differ from others in where they lie by a margin.
    for what, world in islice(case.refuted.items(), 5)
]


@pytest.mark.parametrize(("case", "planted"), ON_TRUE)
def test_a_true_claim_is_not_supported_by_a_control(case, planted):
    assert case.outcome(case.holds, planted) in (Outcome.REFUTED, Outcome.INCONCLUSIVE)


@pytest.mark.parametrize(("case", "planted", "world"), ON_FALSE)
def test_a_false_claim_is_not_supported_by_a_control(case, planted, world):
    assert case.outcome(world, planted) in (Outcome.REFUTED, Outcome.INCONCLUSIVE)


@pytest.mark.parametrize("corruption", ["gaussian", "blur"])
def test_lost_gradients_are_planted_for_attacks_alone(corruption):
    (case,) = (
        case
        for case in CASES
        if case.test is table1.test_smaller_alpha_is_more_robust
        and case.parameters["corruption"] == corruption
    )
    with pytest.raises(NotApplicableError, match="asks for no gradient"):
        case.judged(case.holds, controls.GRADIENTS_LOST)


def test_a_saving_of_another_schedule_is_refuted(monkeypatch):
    monkeypatch.setattr(fig7, "operations_saved", lambda network, timesteps: 0.2)
    test = fig7.test_fewer_timesteps_save_compute
    (planted,) = decided_by(test).worlds
    judge = conclude(test, everywhere(), control=planted)
    assert judge.verdict().outcome is Outcome.REFUTED
    # N = 300, N_retrain = 60, R = 1: 60·2 / (300·5 + 60·5), in percent, minus 20.
    assert judge.contrasts[0].effects == pytest.approx([100 * 120 / 1800 - 20])
    assert conclude(test, everywhere()).verdict().outcome is Outcome.SUPPORTED


@pytest.mark.parametrize(
    ("test", "planted", "check"),
    [
        (fig5.test_alpha_does_not_change_accuracy, general.PERMUTED_LABELS, "has learned"),
        (fig7.test_fewer_timesteps_prune_as_well, general.PERMUTED_LABELS, "has learned"),
        (fig7.test_fewer_timesteps_prune_as_well, controls.UNMASKED, "is pruned"),
        (fig7.test_two_timesteps_are_too_few, controls.UNMASKED, "is pruned"),
        (table1.test_smaller_alpha_is_more_robust, controls.GRADIENTS_LOST, "gradients are"),
    ],
)
def test_what_equal_numbers_cannot_tell_a_condition_does(test, planted, check):
    case = next(
        each
        for each in CASES
        if each.test is test and each.parameters.get("corruption") in (None, "fgsm")
    )
    judge = conclude(case.test, case.holds, case.parameters, control=planted)
    assert judge.verdict().outcome is Outcome.INCONCLUSIVE
    broken = [each.name for each in judge.checks if not each.holds]
    assert broken
    assert all(name.startswith(check) for name in broken)
    assert all(each.holds for each in conclude(case.test, case.holds, case.parameters).checks)


@pytest.mark.parametrize("test", CLAIMS, ids=lambda test: test.__name__)
def test_every_claim_has_a_control_of_its_own_beside_one_seed(test):
    claim = decided_by(test)
    own = [each for each in claim.worlds if each is not ONE_SEED]
    assert own
    assert max(Counter(each.name for each in claim.worlds).values()) == 1
    assert (ONE_SEED in claim.worlds) == (claim.needs is not None)


def test_every_control_is_planted_for_some_claim():
    used = {each.name for test in CLAIMS for each in decided_by(test).worlds}
    made = {
        each.name
        for module in (controls, general)
        for each in vars(module).values()
        if isinstance(each, Control)
    }
    assert made == used


def test_every_claim_that_rests_on_runs_is_put_to_its_controls():
    assert {case.test for case in CASES} == {each for each in CLAIMS if decided_by(each).needs}
