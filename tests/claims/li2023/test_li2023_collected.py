"""Which Runs the claims need, with which seeds, and what is known of the paper."""

from pathlib import Path

import pytest

from claims.li2023 import paper, recipes
from claims.li2023 import test_spatial as spatial
from claims.li2023.recipes import (
    LI2023,
    ORDINARY,
    RESNET20,
    SMOKE,
    SPIKING,
    TWIN,
    design,
    role,
)
from fixtures.li2023_worlds import World, conclude
from tic.errors import NotApplicableError
from tic.plugin.state import STATE

ROOT = Path(__file__).parents[3]
CLAIMS = [
    "ann-like", "width", "depth", "periodic", "spiking-pattern", "learned-pattern", "rectified",
    "residual-accuracy", "depth-dynamics", "time-factors", "events", "adversarial",
]  # fmt: skip


class Witness:
    def pytest_sessionfinish(self, session):
        self.audit = session.config.stash[STATE].session


@pytest.fixture
def collected(pytester, everything_imported):
    def collect(*arguments, folder="claims/li2023"):
        witness = Witness()
        quiet = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "--list", "claims", "-q")
        run = pytester.inline_run(
            ROOT / folder, "--store", pytester.path / "store", *quiet, *arguments, plugins=[witness]
        )
        assert run.ret == 0
        return witness.audit

    return collect


def test_every_claim_is_collected_in_the_smoke_setting(collected):
    audit = collected()
    claims = {e.claim.name for e in audit.planned.values() if e.claim.role == "claim"}
    assert claims == set(CLAIMS)
    assert not any(e.not_applicable or e.unavailable for e in audit.planned.values())
    counts = [e.claim.role for e in audit.planned.values()]
    assert (counts.count("claim"), counts.count("rival")) == (LI2023.claims, LI2023.rivals)
    for entry in audit.planned.values():
        assert entry.claim.says.endswith(".")
        assert entry.claim.rule.endswith(".")
        assert entry.claim.pack == LI2023


def test_one_paper_of_the_folder_of_all_claims_can_be_chosen(collected):
    audit = collected("--paper", "li2023", folder="claims")
    assert {e.claim.pack.paper.key for e in audit.planned.values()} == {"li2023"}
    assert len(audit.planned) == LI2023.claims + LI2023.rivals


def test_no_audit_uses_a_seed_that_was_looked_at(collected):
    for setting in LI2023.settings.values():
        assert min(setting.seeds) >= 10
    assert {planned.recipe.seed for planned in collected().plan} == {10, 11, 12}


def test_the_plan_trains_each_network_once(collected):
    plan = collected().plan
    assert len(plan) == 3 * 24
    trained = {planned.recipe.but(checkpoints=1) for planned in plan}
    assert len(trained) == len(plan)


def test_the_papers_setting_is_collected_in_whole(collected, monkeypatch):
    monkeypatch.setattr("tic.lab.Lab.require_data", lambda *_, **__: None)
    audit = collected("--arch", "resnet20")
    assert {e.scope.level for e in audit.planned.values()} == {"paper"}
    assert not any(e.not_applicable for e in audit.planned.values())


@pytest.mark.parametrize("setting", [SMOKE, RESNET20])
def test_networks_that_are_compared_share_no_random_numbers(setting):
    trained = [
        recipe.with_seed(seed) for recipe in recipes.three(setting).values() for seed in range(40)
    ]
    assert len({recipe.random_seed for recipe in trained}) == len(trained)


def test_spiking_and_ordinary_networks_differ_in_neuron_timesteps_and_random_numbers_alone():
    pair = recipes.three(SMOKE)
    spiking = pair[SPIKING]
    for name in (ORDINARY, TWIN):
        other = pair[name]
        again = other.but(
            architecture=other.architecture.but(neuron="spiking"),
            timesteps=spiking.timesteps,
            twin=spiking.twin,
        )
        assert again == spiking
        assert design(other).neuron == "relu"
        assert other.timesteps == 1


def test_the_smaller_and_the_larger_factor_differ_in_it_alone():
    for name, field in (("timesteps", "timesteps"), ("leak", "architecture")):
        roles = recipes.factor(SMOKE, name)
        small, large = roles["short"], roles["long"]
        assert large.but(**{field: getattr(small, field)}) == small
        assert small != large
    assert (roles["short"].architecture.leak, roles["long"].architecture.leak) == (0.5, 1.0)


def test_widths_and_depths_meet_the_baseline_in_the_middle():
    base = recipes.spiking(SMOKE)
    assert recipes.widths(SMOKE)[role(SPIKING, "×1")] == base
    assert recipes.depths(SMOKE)[role(SPIKING, "n = 2")] == base
    widths = [design(recipes.widths(SMOKE)[role(SPIKING, name)]).width for name in recipes.WIDTHS]
    assert widths == [4, 8, 16]


def test_events_and_images_are_as_many_and_are_shown_as_long():
    roles = recipes.streams(SMOKE)
    assert {recipe.timesteps for recipe in roles.values()} == {8}
    assert len({recipe.train_size for recipe in roles.values()}) == 1
    assert roles[SPIKING].dataset == SMOKE.recipe.dataset


@pytest.mark.parametrize(
    ("changes", "needs", "message"),
    [
        ({"timesteps": 1}, recipes.spiking, "at least 2 timesteps and 2 epochs"),
        ({"epochs": 1}, recipes.spiking, "at least 2 timesteps and 2 epochs"),
        ({"timesteps": 3}, lambda s: recipes.factor(s, "timesteps"), "leaves no neighbours"),
    ],
)
def test_a_setting_of_which_a_claim_says_nothing_is_told(changes, needs, message):
    with pytest.raises(NotApplicableError, match=message):
        needs(SMOKE.but(**changes))


def test_nothing_of_the_papers_text_is_taken_for_known():
    assert set(paper.REPORTED.values()) == {paper.UNREAD}
    assert set(paper.SIGNS.values()) == {None}


def test_a_number_that_is_filled_in_stands_beside_ours(monkeypatch):
    name = "mean similarity of spiking and ordinary network"
    monkeypatch.setitem(paper.REPORTED, name, 0.75)
    judge = conclude(spatial.test_spiking_networks_are_as_near_as_another_ordinary_one, World())
    known = [c.reported for c in judge.comparisons if c.quantity == name]
    assert known == [0.75]
