"""Each claim and rival in worlds where the truth is known, and in its planted ones."""

import pkgutil
from dataclasses import replace
from importlib import import_module

import pytest

import claims.li2023
from claims.li2023 import controls
from claims.li2023 import test_rival_looks as looks
from claims.li2023.paper import UNREAD
from claims.li2023.second_looks import LOOKS
from fixtures.li2023_answers import CASES, OPEN, RIVALS, TRUE
from fixtures.li2023_worlds import conclude
from tic.audit import HeatMap
from tic.audit.claims import decided_by
from tic.audit.control import ONE_SEED, Control
from tic.stats import Outcome

ALL = CASES | OPEN | RIVALS
FALSE = [
    pytest.param(case, world, id=f"{name}: {what}")
    for name, case in ALL.items()
    for what, world in case.refuted.items()
]
PLANTED = [
    pytest.param(case, control, world, id=f"{name}: {control.name} where {what}")
    for name, case in CASES.items()
    for control in decided_by(case.test).worlds
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


def test_a_silent_network_ends_as_undefined_and_not_as_a_number():
    case = CASES["ann-like"]
    assert case.outcome(case.holds, controls.SILENT) is Outcome.NOT_APPLICABLE


def rows(panel):
    return len(panel.rows if isinstance(panel, HeatMap) else panel.series)


@pytest.mark.parametrize("name", CASES)
def test_a_claim_shows_its_figures_and_numbers_of_the_paper_that_nobody_read(name):
    case = CASES[name]
    judge = case.judged(case.holds)
    assert [[rows(panel) for panel in figure.panels] for figure in judge.figures] == case.panels
    assert all(comparison.reported == UNREAD for comparison in judge.comparisons)


@pytest.mark.parametrize("name", ["timesteps", "leak"])
@pytest.mark.parametrize(
    ("change", "contrast"),
    [(0.1, Outcome.REFUTED), (-0.1, Outcome.REFUTED), (0, Outcome.SUPPORTED)],
)
def test_a_direction_that_was_not_read_leaves_a_claim_open(name, change, contrast):
    changes = {"by_timesteps": change, "by_leak": change, "change": (0.2, 0.3)}
    judge = conclude(OPEN[f"{name}-rises"].test, TRUE.but(**changes), {"factor": name})
    assert judge.verdict().outcome is Outcome.INCONCLUSIVE
    assert judge.contrasts[0].outcome is contrast
    assert judge.contrasts[1].outcome is Outcome.SUPPORTED
    assert any("was not read" in reason for reason in judge.left_open)


@pytest.mark.parametrize("name", OPEN)
def test_a_direction_that_is_filled_in_decides_and_no_control_is_supported(name):
    case = OPEN[name]
    for control in decided_by(case.test).worlds:
        filled_in = replace(control, facts=case.given.facts)
        for world in (case.holds, *case.refuted.values()):
            assert case.outcome(world, filled_in) is not Outcome.SUPPORTED


@pytest.mark.parametrize("name", looks.INSIDE)
def test_what_few_dominate_is_the_first_contrast_of_the_claim(name):
    """By how much the claim is inside of its region, whatever look it is taken by."""
    case = CASES[name]
    for world in (case.holds, *case.refuted.values()):
        (first, *_) = case.judged(world).contrasts
        (inside, *_) = conclude(
            looks.test_few_images_or_directions_make_it, world, {"of": name}
        ).contrasts
        edges = [
            sign * (edge - first.estimate)
            for sign, edge in ((-1, first.region.low), (1, first.region.high))
            if edge is not None
        ]
        expected = min(edges)
        assert inside.estimate == pytest.approx(expected, abs=2e-3)


def test_each_look_is_shown():
    judge = conclude(looks.test_few_images_or_directions_make_it, TRUE, {"of": "periodic"})
    (table,) = judge.tables
    assert [row.name for row in table.rows] == list(LOOKS.values())


def all_of_the_pack():
    modules = [
        import_module(f"claims.li2023.{part.name}")
        for part in pkgutil.iter_modules(claims.li2023.__path__)
        if part.name.startswith("test_")
    ]
    return {
        test
        for module in modules
        for name, test in vars(module).items()
        if name.startswith("test_") and callable(test)
    }


def test_every_claim_and_rival_is_put_to_a_world():
    tried = {case.test for case in ALL.values()}
    assert tried == all_of_the_pack()


def test_every_control_is_planted_and_every_claim_has_one_of_its_own():
    claimed = [decided_by(test) for test in all_of_the_pack()]
    worlds = [claim.worlds for claim in claimed if claim.role == "claim"]
    used = {control.name for planted in worlds for control in planted}
    made = {item.name for item in vars(controls).values() if isinstance(item, Control)}
    assert made <= used
    assert all(set(planted) - {ONE_SEED} for planted in worlds)
