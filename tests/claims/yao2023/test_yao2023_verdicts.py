"""What claims of Yao 2023 say and show beside their verdicts in known worlds."""

import pytest

from claims.yao2023 import controls
from claims.yao2023.paper import REPORTED, UNREAD
from claims.yao2023.protocol import EPOCH
from claims.yao2023.recipes import YAO2023, penalised
from claims.yao2023.runs import YaoRuns
from fixtures.worlds import answers
from fixtures.yao2023_answers import CASES, RIVALS, TRUE
from fixtures.yao2023_worlds import PLAIN, PLANTING
from tic.audit import NotApplicableError
from tic.lab import Lab
from tic.stats import Outcome


def test_a_network_that_never_fires_ends_as_undefined_and_not_as_a_number():
    case = CASES["fewer-spikes"]
    assert case.outcome(case.holds, controls.SILENT) is Outcome.NOT_APPLICABLE


def test_networks_that_are_shown_other_events_decide_nothing():
    case = CASES["fewer-spikes"]
    judge = case.judged(case.holds, controls.FEWER_EVENTS)
    assert judge.verdict().outcome is Outcome.INCONCLUSIVE
    assert {check.name: check.holds for check in judge.checks}["same events"] is False


def test_a_reading_takes_the_best_of_the_epochs_that_were_kept():
    case = CASES["better-accuracy"]
    (best_epoch,) = EPOCH.protocols
    world = TRUE.but(plain=PLAIN.but(best=30.0))
    last = PLANTING.conclude(case.test, world, case.parameters)
    best = PLANTING.conclude(case.test, world, case.parameters, protocol=best_epoch)
    outcomes = [judge.verdict().outcome for judge in (last, best)]
    assert outcomes == [Outcome.SUPPORTED, Outcome.REFUTED]


def test_networks_that_are_equally_accurate_are_not_ranked():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fixtures.yao2023_worlds._of_accuracy", lambda *_: answers(100.0))
        assert RIVALS["surrogate-window"].outcome(TRUE) is Outcome.NOT_APPLICABLE


def test_neurons_whose_surrogate_has_no_window_are_not_judged_by_one(tmp_path):
    setting = YAO2023.settings["five-layer"]
    with pytest.raises(NotApplicableError, match="is an arctangent, which has no window"):
        YaoRuns(setting.recipe, setting, Lab(tmp_path)).in_window()


@pytest.mark.parametrize("test", [CASES["penalty-costs"].test, RIVALS["rate-penalty"].test])
@pytest.mark.parametrize("name", [name for name in YAO2023.settings if name != "tiny-motion"])
def test_a_penalty_that_nobody_matched_is_not_judged(tmp_path, test, name):
    setting = YAO2023.settings[name]
    runs = {
        role: YaoRuns(recipe, setting, Lab(tmp_path)) for role, recipe in penalised(setting).items()
    }
    reason = r"for the network and data of tiny-motion, and not for these; train .* at several c"
    with pytest.raises(NotApplicableError, match=reason):
        test(runs, None)


@pytest.mark.parametrize(
    ("name", "panels"),
    [("fewer-spikes", ["bars"]), ("potential", ["histogram"]),
     ("noise-suppressed", ["images", "images", "images", "images"])],
)  # fmt: skip
def test_a_claim_shows_its_figures(name, panels):
    judge = CASES[name].judged(CASES[name].holds)
    assert [part.kind for figure in judge.figures for part in figure.panels] == panels


def test_numbers_of_the_table_and_unread_ones_stand_beside_ours():
    known = CASES["fewer-spikes"].judged(TRUE).comparisons
    assert [comparison.reported for comparison in known] == [0.176, 0.038]
    unread = CASES["pair"].judged(CASES["pair"].holds).comparisons
    assert [comparison.reported for comparison in unread] == [UNREAD, UNREAD]
    assert set(REPORTED.values()) == {UNREAD}
