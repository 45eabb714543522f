"""Each claim and rival in worlds where the truth is known, and in its planted ones."""

import pkgutil
from importlib import import_module

import pytest

import claims.yao2023
from claims.yao2023 import controls
from claims.yao2023.paper import REPORTED, UNREAD
from fixtures.yao2023_answers import ACCURACIES, CASES, RIVALS, TRUE
from tic.audit import ONE_SEED, Control
from tic.audit.claims import decided_by
from tic.stats import Outcome

ALL = CASES | RIVALS
FALSE = [
    pytest.param(case, world, id=f"{name}: {what}")
    for name, case in ALL.items()
    for what, world in case.refuted.items()
]
PLANTED = [
    pytest.param(case, control, world, id=f"{name}: {control.name} where {what}")
    for name, case in CASES.items()
    for control in decided_by(case.test).worlds
    # Shares that are all equal can be judged; weights that are equal give one seed away then.
    if not (control is ONE_SEED and name in (*ACCURACIES, "null-pattern"))
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


def test_a_network_that_never_fires_ends_as_undefined_and_not_as_a_number():
    case = CASES["fewer-spikes"]
    assert case.outcome(case.holds, controls.SILENT) is Outcome.NOT_APPLICABLE


def test_networks_that_are_shown_other_events_decide_nothing():
    case = CASES["fewer-spikes"]
    judge = case.judged(case.holds, controls.FEWER_EVENTS)
    assert judge.verdict().outcome is Outcome.INCONCLUSIVE
    assert {check.name: check.holds for check in judge.checks}["same events"] is False


def test_networks_that_are_equally_accurate_are_not_ranked():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fixtures.yao2023_worlds._of_accuracy", lambda *_: {"accuracy": 100.0})
        assert RIVALS["surrogate-window"].outcome(TRUE) is Outcome.NOT_APPLICABLE


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


def all_of_the_pack():
    modules = [
        import_module(f"claims.yao2023.{part.name}")
        for part in pkgutil.iter_modules(claims.yao2023.__path__)
        if part.name.startswith("test_")
    ]
    return {
        test
        for each in modules
        for name, test in vars(each).items()
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
