"""Which Runs the claims need, with which seeds, and what is known of the paper."""

from pathlib import Path

import pytest

from claims.meszaros2024 import protocol, recipes, rival_recipes
from claims.meszaros2024 import test_grouping as grouping
from claims.meszaros2024 import test_structure as structure
from claims.meszaros2024.recipes import (
    HEIDELBERG,
    MESZAROS2024,
    MIXED,
    OTHER,
    OWN,
    PERMUTED,
    SHUFFLED,
    SPOKEN,
    design,
    role,
)
from claims.meszaros2024.rules import KeptMask, LinkedMask
from tic.audit import Gap
from tic.audit.claims import decided_by
from tic.data.speech import SpokenDigits
from tic.plugin.state import STATE
from tic.rewiring import FixedMask, Rewiring

ROOT = Path(__file__).parents[3]
CLAIMS = {
    "delays-static", "delays-dynamic", "substitution", "structure-over-delays", "rounding",
    "structure-low", "structure-high", "sparse-accuracy", "delay-selection", "grouping",
    "grouping-joint", "grouping-dynamic", "grouping-dale",
}  # fmt: skip
RIVALS = {
    "paths", "partners", "any-regrowth", "regularisation", "blur", "parameters", "memory",
    "best-epoch", "input", "no-task",
}  # fmt: skip
STRUCTURED = (
    grouping.test_rewiring_preserves_grouping,
    grouping.test_signs_group_under_dales_principle,
    structure.test_structure_learning_selects_delays,
)
"""Claims on where the synapses of sparse layers lie."""


class Witness:
    def pytest_sessionfinish(self, session):
        self.audit = session.config.stash[STATE].session


@pytest.fixture
def collected(pytester, everything_imported):
    def collect(*arguments):
        witness = Witness()
        quiet = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "--list", "claims", "-q")
        folder, store = ROOT / "claims/meszaros2024", pytester.path / "store"
        run = pytester.inline_run(folder, "--store", store, *quiet, *arguments, plugins=[witness])
        assert run.ret == 0
        return witness.audit

    return collect


def test_every_claim_and_rival_is_collected_in_the_smoke_setting(collected):
    audit = collected()
    planned = audit.planned.values()
    by_role = {
        role: {e.claim.name for e in planned if e.claim.role == role} for role in ("claim", "rival")
    }
    assert by_role == {"claim": CLAIMS, "rival": RIVALS}
    assert not any(e.not_applicable or e.unavailable for e in planned)
    counts = [e.claim.role for e in planned]
    assert counts.count("claim") == MESZAROS2024.claims == 13
    assert counts.count("rival") == MESZAROS2024.rivals
    for entry in planned:
        assert entry.claim.says.endswith(".")
        assert entry.claim.rule.endswith(".")
        assert set(entry.claim.of if entry.claim.role == "rival" else ()) <= CLAIMS
    plan = audit.plan
    assert {made.recipe.seed for made in plan} == set(SPOKEN.seeds)
    # Dense 2, static and rewired 12, final masks 2, linked 1, regrowth 2, fixed signs 1, without
    # delays 2, blurred 1, longer memory 3, Dale 3, other bands and labels 2.
    assert len(plan) == 31 * len(SPOKEN.seeds)


def test_no_seed_is_one_that_was_looked_at():
    for setting in MESZAROS2024.settings.values():
        assert min(setting.seeds) >= 200
        assert max(setting.seeds) < 900_000


def test_the_papers_setting_is_collected_and_priced(collected, monkeypatch):
    monkeypatch.setattr("tic.lab.Lab.require_data", lambda *_, **__: None)
    audit = collected("--arch", "heidelberg")
    assert not any(e.not_applicable for e in audit.planned.values())
    assert {e.scope.level for e in audit.planned.values()} == {"paper"}
    sparsities = {
        rule.sparsity
        for made in audit.plan
        for rule in made.recipe.rules
        if isinstance(rule, FixedMask)
    }
    assert sparsities == set(recipes.STEPS)


def test_a_network_costs_what_it_was_reckoned_to():
    # 2 × 80 × 25 operations for each of 2 × 10,240 and 3 × 5,120 synapses: 143 M a recording.
    recipe = HEIDELBERG.recipe
    assert recipe.architecture.operations(recipe.dataset.facts, 80) == 143_360_000


def test_sparsities_are_those_of_the_release():
    assert recipes.sparsities(HEIDELBERG) == (
        0.5, 0.75, 0.875, 0.9375, 0.96875, 0.984375, 0.9921875, 0.99609375, 0.998046875,
    )  # fmt: skip
    assert recipes.high(HEIDELBERG) == (0.96875, 0.984375, 0.9921875)
    assert recipes.upto_static(HEIDELBERG)[-1] == 0.9921875
    assert recipes.sparsities(SPOKEN) == (0.5, 0.75, 0.875)
    assert recipes.high(SPOKEN) == (0.875,)


def test_conditions_differ_in_what_they_are_named_after():
    made = recipes.crossed(SPOKEN) | recipes.static(SPOKEN)
    for name, recipe in made.items():
        structure, delays, *at = name.split(", ")
        assert design(recipe).delays == delays
        kinds = {"dense": None, "static": FixedMask, "dynamic": Rewiring}
        masks = [r for r in recipe.rules if isinstance(r, FixedMask | Rewiring)]
        assert [type(r) for r in masks] == [kinds[structure]] * len(at)
        assert [r.sparsity for r in masks] == [min(float(s), 0.875) for s in at]
        assert recipe.but(architecture=SPOKEN.recipe.architecture, rules=()) == SPOKEN.recipe


def test_other_conditions_are_what_they_are_named_after():
    tau = design(SPOKEN.recipe).tau
    for name, factor in (("twice", 2), ("four-times", 4)):
        assert design(rival_recipes.remembering(SPOKEN, name)[OTHER]).tau == factor * tau
    assert design(rival_recipes.remembering(SPOKEN, "trained")[OTHER]).trained_tau
    assert design(rival_recipes.blurred(SPOKEN)[OTHER]).delays == "blurred"
    linked = rival_recipes.paths(SPOKEN, "linked")[rival_recipes.beside(0.875)]
    assert linked.rules == (LinkedMask(0.875),)
    regularised = rival_recipes.regularised(SPOKEN)[rival_recipes.beside(0.875)]
    assert regularised.rules == (FixedMask(0.875, signs="synapse"),)
    for name in (OWN, PERMUTED):
        reused = recipes.selected(SPOKEN)[name]
        assert reused.parent == recipes.selected(SPOKEN)[role("dynamic", "fixed", 0.875)]
        assert reused.rules == (KeptMask(name.split()[0]),)
    assert rival_recipes.other_bands(SPOKEN)[OTHER].dataset.frequencies == "permuted"
    assert rival_recipes.other_labels(SPOKEN)[OTHER].dataset.labels == "permuted"
    assert SHUFFLED.recipe.dataset.order == "bins-permuted"
    for recipe in recipes.dale(SPOKEN).values():
        assert all(r.signs == "presynaptic" for r in recipe.rules if isinstance(r, Rewiring))


def test_what_is_compared_at_the_best_epoch_is_what_the_claims_compare():
    for of in ("delays-static", "structure-high", "structure-over-delays"):
        pairs = rival_recipes.compared(SPOKEN, of)
        assert {name for pair in pairs for name in pair} <= set(rival_recipes.chosen(SPOKEN, of))
    assert rival_recipes.compared(SPOKEN, "structure-over-delays") == [
        ("dynamic, fixed, 0.875", "static, learned, 0.875")
    ]
    assert len(rival_recipes.compared(SPOKEN, "delays-static")) == 4


def test_bands_are_those_of_the_protocol():
    forty, eighty = protocol.SPEECH.protocols
    spoken, recorded = (recipes.dense(s)["dense, learned"] for s in (SPOKEN, HEIDELBERG))
    assert forty.recipe(spoken) == spoken.but(dataset=SpokenDigits(bands=40))
    assert forty.recipe(recorded) == recorded
    assert eighty.recipe(spoken) == spoken
    assert eighty.recipe(recorded).dataset.facts.shape == (80, 80)
    assert all(forty in decided_by(test).protocols for test in STRUCTURED)
    shuffled = recipes.dense(SHUFFLED)["dense, learned"]
    assert forty.recipe(shuffled).dataset == SpokenDigits(bands=40, order="bins-permuted")


def test_a_protocol_of_bands_trains_all_networks_on_them(collected):
    audit = collected("--protocol", "forty-bands", "--no-rivals")
    assert {made.recipe.dataset.bands for made in audit.plan} == {40}
    assert {entry.claim.name for entry in audit.planned.values()} == CLAIMS


def test_voices_of_the_test_may_stand_in_training():
    assert MESZAROS2024.setting("spoken-mixed") == MIXED
    assert MIXED.recipe.dataset == SpokenDigits(voices="mixed")


def test_protocols_alter_what_they_say():
    gaps = [gap for gap in vars(protocol).values() if isinstance(gap, Gap)]
    altering = {p.name: p for gap in gaps for p in gap.protocols if p.reading is None}
    # The release takes the best of all epochs, of which few are kept: no reading does so.
    released = {p.name for gap in gaps for p in gap.protocols if p.release}
    assert released == {"lagging", "dale"}
    dense = recipes.dense(SPOKEN)[role("dense", "learned")]
    static = recipes.condition(SPOKEN, "static", "fixed", 0.5)
    rewired = recipes.condition(SPOKEN, "dynamic", "fixed", 0.5)
    rewiring = {
        "absolute-regrowth": {"regrowth": "absolute"},
        "inverted-regrowth": {"regrowth": "inverted"},
        "random-regrowth": {"regrowth": "random"},
        "lagging": {"lagging": True},
        "dale": {"signs": "presynaptic"},
    }
    l1s = {"weak-l1", "static-without-l1"}
    assert set(altering) == {*rewiring, *l1s, "forty-bands", "eighty-bands"}
    for name, fields in rewiring.items():
        assert altering[name].recipe(static) == static
        assert altering[name].recipe(rewired).rules == (rewired.rules[0].but(**fields),)
    l1 = {
        name: [altering[name].recipe(recipe).fitting.l1 for recipe in (dense, static, rewired)]
        for name in l1s
    }
    assert l1 == {"weak-l1": [1e-5] * 3, "static-without-l1": [0.0, 0.0, 0.01]}
