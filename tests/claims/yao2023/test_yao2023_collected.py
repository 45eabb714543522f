"""Which Runs the claims need, with which seeds, and what is known of the paper."""

from pathlib import Path

import pytest

from claims.yao2023 import protocol, recipes
from claims.yao2023.attention import SplitAttention
from claims.yao2023.networks import Frames
from claims.yao2023.paper import TABLE, row
from claims.yao2023.recipes import (
    ATTENTION,
    DAILY_ACTION,
    FIVE_LAYERS,
    MOTION,
    OTHER,
    PLAIN,
    SHAPE,
    THREE_LAYERS,
    YAO2023,
    design,
)
from claims.yao2023.test_rates import added_parameters
from tic.audit import Gap
from tic.errors import NotApplicableError
from tic.plugin.state import STATE

ROOT = Path(__file__).parents[3]
CLAIMS = {
    "fewer-spikes", "large-drop", "better-accuracy", "noise-features", "noise-suppressed",
    "null-pattern", "potential", "invariance", "likeness", "pair", "separation", "half",
    "penalty-costs", "free",
}  # fmt: skip
RIVALS = {
    "constant-scale", "norm-scale", "learned-scale", "higher-threshold", "rate-penalty",
    "any-attention", "random-split", "tuned-baseline", "surrogate-window", "first-layer",
    "best-epoch", "uniform-thinning",
}  # fmt: skip


class Witness:
    def pytest_sessionfinish(self, session):
        self.audit = session.config.stash[STATE].session


@pytest.fixture
def collected(pytester, everything_imported):
    def collect(*arguments):
        witness = Witness()
        quiet = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "--collect-only", "-q")
        folder, store = ROOT / "claims/yao2023", pytester.path / "store"
        run = pytester.inline_run(folder, "--store", store, *quiet, *arguments, plugins=[witness])
        assert run.ret == 0
        return witness.audit

    return collect


def test_every_claim_and_rival_is_collected_in_the_smoke_setting(collected):
    planned = collected().planned.values()
    by_role = {
        role: {e.claim.name for e in planned if e.claim.role == role} for role in ("claim", "rival")
    }
    assert by_role == {"claim": CLAIMS, "rival": RIVALS}
    assert not any(e.not_applicable or e.unavailable for e in planned)
    counts = [e.claim.role for e in planned]
    assert (counts.count("claim"), counts.count("rival")) == (YAO2023.claims, YAO2023.rivals)
    for entry in planned:
        assert entry.claim.says.endswith(".")
        assert entry.claim.rule.endswith(".")
        assert set(entry.claim.of if entry.claim.role == "rival" else ()) <= CLAIMS
        if entry.claim.role == "claim":  # all of them are about trained networks
            assert protocol.DROPOUT in entry.claim.gaps


def test_the_plan_trains_each_network_once_with_seeds_that_nobody_looked_at(collected):
    plan = collected().plan
    assert {planned.recipe.seed for planned in plan} == {100, 101, 102}
    trained = {planned.recipe.but(checkpoints=1) for planned in plan}
    # 15 conditions, two of them at three more rates, and four on the second data set.
    assert len(trained) == len(plan) == 3 * (15 + 2 * 3 + 4)
    for setting in YAO2023.settings.values():
        assert min(setting.seeds) >= 100
        assert max(setting.seeds) < 900_000


@pytest.mark.parametrize("name", ["three-layer", "five-layer", "gait-night", "daily-action"])
def test_the_papers_settings_are_collected_and_priced(collected, monkeypatch, name):
    monkeypatch.setattr("tic.lab.Lab.require_data", lambda *_, **__: None)
    audit = collected("--arch", name)
    assert not any(e.not_applicable for e in audit.planned.values())
    if name == "three-layer":
        assert {e.scope.level for e in audit.planned.values()} == {"paper"}
    recipe = YAO2023.setting(name).recipe
    assert recipe.architecture.operations(recipe.dataset.facts, recipe.timesteps) > 10**9


def test_the_networks_cost_what_they_were_reckoned_to():
    recipe = THREE_LAYERS.recipe
    forward = recipe.architecture.operations(recipe.dataset.facts, 60) / 2
    # 117 M multiply-accumulates a frame, of whose backward pass the first layer's half is spared.
    assert forward / 60 / 3 == pytest.approx(117e6, rel=0.02)


def test_a_pair_differs_in_the_module_alone():
    for setting in YAO2023.settings.values():
        for data in recipes.DATA:
            pair = recipes.pair(setting, data)
            assert recipes.changed(pair[ATTENTION], attention=None) == pair[PLAIN]
            assert isinstance(design(pair[ATTENTION]).attention, SplitAttention)


def test_the_second_data_set_is_another_with_the_same_network():
    for name, setting in YAO2023.settings.items():
        own, second = (recipes.plain(setting, data) for data in recipes.DATA)
        assert own.dataset != second.dataset, name
        assert own.architecture == second.architecture
        assert second.timesteps == second.dataset.facts.shape[0]
    assert recipes.plain(MOTION, "second") == recipes.plain(SHAPE)
    assert recipes.plain(SHAPE, "second") == recipes.plain(MOTION)
    assert recipes.plain(FIVE_LAYERS, "second") == recipes.plain(DAILY_ACTION)
    assert recipes.plain(DAILY_ACTION, "second") == recipes.plain(FIVE_LAYERS)


def test_dropout_is_what_its_gap_says():
    rates = {name: design(setting.recipe).dropout for name, setting in YAO2023.settings.items()}
    assert {name: p for name, p in rates.items() if p} == {
        "three-layer": 0.1, "gait-day": 0.1, "gait-night": 0.5,
    }  # fmt: skip
    for p in (0.1, 0.5):
        assert f"{1 - (1 - p) ** 2:.2f} on " in protocol.DROPOUT.text


def test_batches_are_as_large_as_in_the_releases_scripts():
    sizes = {name: setting.recipe.batch_size for name, setting in YAO2023.settings.items()}
    assert {name: size for name, size in sizes.items() if not name.startswith("tiny")} == {
        "three-layer": 32, "gait-day": 32, "gait-night": 32, "five-layer": 8, "daily-action": 4,
    }  # fmt: skip


def test_other_conditions_differ_in_what_they_are_named_after():
    assert design(recipes.gains(MOTION)[OTHER]).gain == 0.5
    assert design(recipes.higher_threshold(MOTION)[OTHER]).threshold == 0.6
    assert design(recipes.untied(MOTION, "space")[OTHER]).untied == "space"
    assert recipes.tuned(MOTION)["plain, rate × ½"].fitting.rate == 2e-3
    assert recipes.shares(MOTION)["λ = ¼"].architecture.attention.share == 0.25


@pytest.mark.parametrize("name", YAO2023.settings)
@pytest.mark.parametrize("kind", recipes.KINDS)
def test_simpler_attention_has_no_more_parameters(name, kind):
    counts = {
        role: sum(
            parameter.numel()
            for parameter in recipe.architecture.shapes(
                recipe.dataset.facts, recipe.timesteps
            ).scale.parameters()
        )
        for role, recipe in recipes.another_attention(YAO2023.setting(name), kind).items()
    }
    assert counts[PLAIN] == 0
    assert 0 < counts[OTHER] <= counts[ATTENTION]


def test_attention_over_channels_is_as_wide_as_the_modules_parameters_allow():
    # Of three layers of 8, 8 and 16 channels, a half of them hidden would be 384 weights.
    (of_tiny, of_three) = (
        design(recipes.another_attention(setting, "channels")[OTHER]).attention
        for setting in (MOTION, THREE_LAYERS)
    )
    assert of_tiny.reduction == 3
    assert recipes.parameters(MOTION.recipe, of_tiny) == 2 * (8 * 2 + 8 * 2 + 16 * 5)
    assert recipes.parameters(MOTION.recipe, recipes.module(MOTION.recipe)) == 306
    assert of_three.reduction == 13
    assert recipes.parameters(THREE_LAYERS.recipe, of_three) == 2 * (64 * 4 + 2 * 128 * 9)
    assert recipes.parameters(THREE_LAYERS.recipe, recipes.module(THREE_LAYERS.recipe)) == 5514


def test_attention_that_is_larger_than_the_module_however_narrow_is_not_tried():
    # At two timesteps the module has 42 weights per layer, and two per channel are 200.
    wide = MOTION.but(timesteps=2, architecture=Frames(channels=(100,), pooled=()))
    with pytest.raises(NotApplicableError, match="module's 42 at T = 2, even with one hidden unit"):
        recipes.another_attention(wide, "channels")
    assert set(recipes.another_attention(wide, "places")) == {PLAIN, ATTENTION, OTHER}
    narrow = MOTION.but(architecture=Frames(channels=(1,), pooled=()))
    with pytest.raises(NotApplicableError, match=r"no layer can have the module: a share of 0\.5"):
        recipes.another_attention(narrow, "channels")
    with pytest.raises(NotApplicableError, match="the module ranks timesteps, and there is one"):
        recipes.another_attention(MOTION.but(timesteps=1), "channels")


def test_a_penalty_is_tried_where_it_was_matched_and_nowhere_else():
    matched = recipes.penalised(MOTION)
    assert matched[OTHER] == recipes.changed(matched[PLAIN], charge=0.08)
    wider = MOTION.but(architecture=design(MOTION.recipe).but(hidden=(65,)))
    others = [setting for setting in YAO2023.settings.values() if setting is not MOTION]
    for setting in (*others, wider):
        roles = recipes.penalised(setting)
        assert roles[OTHER] == roles[PLAIN]  # which nothing more is trained for


def test_one_timestep_cannot_be_ranked():
    with pytest.raises(NotApplicableError, match="the module ranks timesteps, and there is one"):
        recipes.plain(MOTION.but(timesteps=1))


def test_the_module_adds_a_quarter_of_a_percent_to_the_releases_network():
    assert added_parameters() == pytest.approx(100 * 5514 / 2_323_531)


def test_a_data_set_that_the_table_lacks_stands_beside_gesture():
    assert row("moving-digits-directions") == row("dvs-gesture") == TABLE["dvs-gesture"]
    assert {s.recipe.dataset.name for s in YAO2023.settings.values()} >= set(TABLE) - {"har-dvs"}


def test_protocols_alter_the_paper_module_and_nothing_else():
    pair = recipes.pair(MOTION)
    gaps = [each for each in vars(protocol).values() if isinstance(each, Gap)]
    altering = [p for gap in gaps for p in gap.protocols if p.reading is None]
    assert {p.name for p in altering} == {"batch-top-k", "high-in-both", "trained-ranks"}
    # The release takes the best of all epochs, of which few are kept: no reading does so.
    assert {p.name for gap in gaps for p in gap.protocols if p.release} == {"batch-top-k"}
    random = recipes.random_split(MOTION)[OTHER]
    for each in altering:
        assert each.recipe(pair[PLAIN]) == pair[PLAIN]
        assert each.recipe(random) == random
        assert each.recipe(pair[ATTENTION]) != pair[ATTENTION]
