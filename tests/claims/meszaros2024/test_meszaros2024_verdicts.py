"""Each claim and rival in worlds where the truth is known, and in its planted ones."""

import pkgutil
from importlib import import_module

import pytest

import claims.meszaros2024
from claims.meszaros2024 import controls
from claims.meszaros2024 import test_delays as delays
from claims.meszaros2024 import test_structure as structure
from claims.meszaros2024.paper import REPORTED, UNREAD
from claims.meszaros2024.protocol import DENSITY, EPOCH
from claims.meszaros2024.recipes import HEIDELBERG, MIXED, SHUFFLED, SPOKEN
from claims.meszaros2024.runs import MeszarosRuns
from fixtures.meszaros2024_answers import CASES, LARGE, RIVALS, TRUE, but
from fixtures.meszaros2024_worlds import REWIRED, SETTING, conclude, on, outcome
from tic.audit import ONE_SEED, Control, NotApplicableError
from tic.audit.claims import decided_by
from tic.lab import Lab
from tic.stats import Outcome

ALL = CASES | RIVALS | {f"{name}, in the paper's setting": case for name, case in LARGE.items()}
FALSE = [
    pytest.param(case, world, id=f"{name}: {what}")
    for name, case in ALL.items()
    for what, world in case.refuted.items()
]
GROUPS = [name for name in CASES if name.startswith("grouping")]
PLANTED = [
    pytest.param(case, control, world, id=f"{name}: {control.name} where {what}")
    for name, case in CASES.items()
    for control in decided_by(case.test).worlds
    # Accuracies that are all equal can be judged; weights that are equal give one seed away then.
    if not (control is ONE_SEED and name not in (*GROUPS, "delay-selection"))
    for what, world in {"it is true": case.holds, **case.refuted}.items()
]


@pytest.mark.parametrize("name", ALL)
def test_what_holds_is_supported(name):
    case = ALL[name]
    assert case.outcome(case.holds) is Outcome.SUPPORTED


@pytest.mark.parametrize(("case", "world"), FALSE)
def test_what_does_not_hold_is_refuted(case, world):
    assert case.outcome(world) is Outcome.REFUTED


@pytest.mark.parametrize(("case", "control", "world"), PLANTED)
def test_no_control_is_supported(case, control, world):
    assert case.outcome(world, control) is not Outcome.SUPPORTED


@pytest.mark.parametrize(
    ("check", "name"), [(check, name) for name in ALL for check in ALL[name].undecided]
)
def test_networks_that_say_nothing_decide_nothing(check, name):
    case = ALL[name]
    judge = case.judged(case.undecided[check])
    assert {made.name: made.holds for made in judge.checks}[check.partition(":")[0]] is False
    assert judge.verdict().outcome is Outcome.INCONCLUSIVE


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


def test_the_official_reading_takes_the_best_epoch():
    test = delays.test_dynamic_pruning_outperforms_delay_learning
    official, _ = EPOCH.protocols
    world = but("static, learned", best=30.0)
    assert conclude(test, world).verdict().outcome is Outcome.SUPPORTED
    assert conclude(test, world, protocol=official).verdict().outcome is Outcome.REFUTED


@pytest.mark.parametrize(("held_out", "outcome"), [(-5.0, "SUPPORTED"), (5.0, "REFUTED")])
def test_the_epoch_may_be_chosen_by_speakers_who_are_held_out(held_out, outcome):
    test = delays.test_dynamic_pruning_outperforms_delay_learning
    _, by_held_out = EPOCH.protocols
    world = but("static, learned", best=30.0, held_out=held_out)
    assert conclude(test, world, protocol=by_held_out).verdict().outcome is Outcome[outcome]


def test_the_sparse_network_is_that_of_the_epoch_that_is_taken():
    test = structure.test_sparse_networks_are_as_accurate_as_dense_ones
    official, by_held_out = EPOCH.protocols
    world = but("dense, learned", best=30.0, held_out=5.0)
    assert conclude(test, world).verdict().outcome is Outcome.SUPPORTED
    for protocol in (official, by_held_out):
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


def all_of_the_pack():
    modules = [
        import_module(f"claims.meszaros2024.{part.name}")
        for part in pkgutil.iter_modules(claims.meszaros2024.__path__)
        if part.name.startswith("test_")
    ]
    return {
        test
        for module in modules
        for name, test in vars(module).items()
        if name.startswith("test_") and callable(test)
    }


def test_every_claim_and_rival_is_put_to_a_world():
    assert {case.test for case in ALL.values()} == all_of_the_pack()


def test_every_control_is_planted_and_every_claim_has_one_of_its_own():
    claimed = [decided_by(test) for test in all_of_the_pack()]
    worlds = [claim.worlds for claim in claimed if claim.role == "claim"]
    used = {control.name for planted in worlds for control in planted}
    made = {item.name for item in vars(controls).values() if isinstance(item, Control)}
    assert made <= used
    assert all(set(planted) - {ONE_SEED} for planted in worlds)


def test_rewired_networks_are_what_they_are_taken_for():
    assert REWIRED.born >= 0.05
    assert outcome(CASES["structure-low"].test, but("dynamic", born=0.05)) is Outcome.SUPPORTED
