"""What claims of Mészáros 2024 say and show beside their verdicts in known worlds."""

import pytest

from claims.meszaros2024 import controls
from claims.meszaros2024 import test_delays as delays
from claims.meszaros2024 import test_structure as structure
from claims.meszaros2024.paper import REPORTED, UNREAD
from claims.meszaros2024.protocol import DENSITY, EPOCH
from claims.meszaros2024.recipes import HEIDELBERG, MIXED, SHUFFLED, SPOKEN
from claims.meszaros2024.runs import MeszarosRuns
from fixtures.meszaros2024_answers import CASES, TRUE, but
from fixtures.meszaros2024_worlds import REWIRED, SETTING, conclude, on, outcome
from tic.audit import NotApplicableError
from tic.audit.claims import decided_by
from tic.lab import Lab
from tic.stats import Outcome

GROUPS = [name for name in CASES if name.startswith("grouping")]
OF_ACCURACY = [name for name in CASES if name not in (*GROUPS, "structure-low, lingering")]


@pytest.mark.parametrize("name", OF_ACCURACY)
def test_accuracies_on_voices_that_were_trained_on_decide_nothing(name):
    test = CASES[name].test
    judge = on(MIXED.recipe.dataset).conclude(test, TRUE)
    assert {made.name for made in judge.checks if not made.holds} == {"voices"}
    assert judge.verdict().outcome is Outcome.INCONCLUSIVE
    planted = conclude(test, TRUE, control=controls.KNOWN_VOICES)
    assert {made.name for made in planted.checks if not made.holds} == {"voices"}
    for dataset in (SPOKEN.recipe.dataset, SHUFFLED.recipe.dataset):
        (voices,) = (
            made for made in on(dataset).conclude(test, TRUE).checks if made.name == "voices"
        )
        assert (voices.holds, voices.found) == (True, "10 of 10 were not")


def test_voices_count_whatever_else_is_changed_and_grouping_has_none():
    assert all(
        controls.KNOWN_VOICES in decided_by(CASES[name].test).controls for name in OF_ACCURACY
    )
    for name in GROUPS:
        judge = on(MIXED.recipe.dataset).conclude(CASES[name].test, TRUE)
        assert judge.verdict().outcome is Outcome.SUPPORTED


def test_a_reading_takes_the_best_of_the_epochs_that_were_kept():
    test = delays.test_dynamic_pruning_outperforms_delay_learning
    best_epoch, _ = EPOCH.protocols
    world = but("static, learned", best=30.0)
    assert conclude(test, world).verdict().outcome is Outcome.SUPPORTED
    assert conclude(test, world, protocol=best_epoch).verdict().outcome is Outcome.REFUTED


@pytest.mark.parametrize(("held_out", "outcome"), [(-5.0, "SUPPORTED"), (5.0, "REFUTED")])
def test_the_epoch_may_be_chosen_by_speakers_who_are_held_out(held_out, outcome):
    test = delays.test_dynamic_pruning_outperforms_delay_learning
    _, by_held_out = EPOCH.protocols
    world = but("static, learned", best=30.0, held_out=held_out)
    assert conclude(test, world, protocol=by_held_out).verdict().outcome is Outcome[outcome]


def test_the_sparse_network_is_that_of_the_epoch_that_is_taken():
    test = structure.test_sparse_networks_are_as_accurate_as_dense_ones
    best_epoch, by_held_out = EPOCH.protocols
    world = but("dense, learned", best=30.0, held_out=5.0)
    assert conclude(test, world).verdict().outcome is Outcome.SUPPORTED
    for protocol in (best_epoch, by_held_out):
        assert conclude(test, world, protocol=protocol).verdict().outcome is Outcome.REFUTED


@pytest.mark.parametrize(
    ("setting", "reason"),
    [(HEIDELBERG, "no speaker of heidelberg-digits is held out"), (MIXED, "nobody is held out")],
)
def test_where_nobody_is_held_out_no_epoch_is_chosen_by_them(setting, reason):
    _, by_held_out = EPOCH.protocols
    runs = MeszarosRuns(setting.recipe, SETTING, Lab("nowhere"), by_held_out)
    with pytest.raises(NotApplicableError, match=reason):
        runs.held_out_accuracies()


@pytest.mark.parametrize("name", ["grouping", "grouping-dynamic", "grouping-dale"])
def test_grouping_may_be_that_of_all_synapses(name):
    (density,) = DENSITY.protocols
    test = CASES[name].test
    signs_alone = TRUE
    places_alone = but("d", near=0.3, grouped=0.0)
    assert conclude(test, signs_alone, protocol=density).verdict().outcome is Outcome.REFUTED
    assert conclude(test, places_alone, protocol=density).verdict().outcome is Outcome.SUPPORTED
    assert conclude(test, places_alone).verdict().outcome is Outcome.REFUTED


def test_grouping_in_space_and_in_time_has_no_density():
    (density,) = DENSITY.protocols
    offered = {name: decided_by(CASES[name].test).protocols for name in GROUPS}
    assert [name for name in GROUPS if density not in offered[name]] == ["grouping-joint"]


@pytest.mark.parametrize(
    ("name", "panels"),
    [("delays-static", ["curves"]), ("delays-dynamic", ["curves"]), ("grouping", ["heat_map"])],
)
def test_a_claim_shows_its_figures(name, panels):
    judge = CASES[name].judged(TRUE)
    assert [part.kind for figure in judge.figures for part in figure.panels] == panels


def test_what_the_paper_reports_is_not_known_and_said_so():
    shown = {
        comparison.quantity: comparison.reported
        for case in CASES.values()
        for comparison in case.judged(case.holds).comparisons
    }
    assert set(shown) == set(REPORTED)
    assert set(shown.values()) == {UNREAD}


def test_rewired_networks_are_what_they_are_taken_for():
    assert REWIRED.born >= 0.05
    assert outcome(CASES["structure-low"].test, but("dynamic", born=0.05)) is Outcome.SUPPORTED
