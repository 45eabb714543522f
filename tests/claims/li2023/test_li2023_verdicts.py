"""What claims and rivals of Li 2023 say and show beside their verdicts in known worlds."""

from dataclasses import replace

import pytest

from claims.li2023 import controls
from claims.li2023 import test_rival_looks as looks
from claims.li2023.paper import UNREAD
from claims.li2023.second_looks import LOOKS
from fixtures.li2023_answers import CASES, OPEN, TRUE
from fixtures.li2023_worlds import conclude
from tic.audit import HeatMap
from tic.audit.claims import decided_by
from tic.stats import Outcome


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
