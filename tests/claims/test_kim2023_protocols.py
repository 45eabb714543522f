"""The readings of what Kim et al. 2023 leave open: which claims they touch and what they change."""

from dataclasses import replace

import numpy as np
import pytest

from claims.kim2023 import recipes
from claims.kim2023 import test_fig4_factors as factors
from claims.kim2023.protocol import BATCH_NORM, DAMPENING, FISHER, LEAK, PER_BATCH, RANKING, RELEASE
from claims.kim2023.reading import Reading
from claims.kim2023.recipes import SMOKE_SETTING
from claims.kim2023.runs import KimRuns
from tic.audit.pack import Setting
from tic.audit.protocol import STANDARD
from tic.fitting import CosineSGD
from tic.kinds import changed_fields
from tic.losses import AlphaLoss
from tic.models import Spiking
from tic.pruning import Pruning, sparsity_of
from tic.train import train

ON_FISHER = {
    "concentration",
    "concentrated",
    "layers",
    "timesteps",
    "time-constant",
    "weight-decay",
    "learning-rate",
    "datasets",
    "architectures",
    "alpha-information",
}
ON_ALPHA = {"alpha-information", "alpha-convergence", "alpha-accuracy", "alpha-robustness"}
IN_RELEASE = ON_FISHER - ON_ALPHA | {"deficits", "same-accuracy", "kl-fisher", "capacity"}
"""Claims about networks that the release has the code to train."""
TOUCHED = {
    **dict.fromkeys(
        (
            "batch-mean",
            "model-labels",
            "summed-logits",
            "repeated-weights",
            "redrawn-images",
            "test-images",
        ),
        ON_FISHER,
    ),
    **dict.fromkeys(("stepwise", "dampening"), IN_RELEASE | ON_ALPHA | {"pruning"}),
    "release": IN_RELEASE,
    "layerwise-pruning": {"pruning"},
    "bf16": {"concentration", "concentrated"},
    "tau-four-thirds": {"time-constant", "same-accuracy"},
    "alpha-per-sample": ON_ALPHA,
}
READINGS = {each.name: each for gap in FISHER for each in gap.protocols}
TAU, PER_SAMPLE, STEPWISE, DAMPENED, RELEASED, LAYERWISE = (
    gap.protocols[0] for gap in (LEAK, PER_BATCH, BATCH_NORM, DAMPENING, RELEASE, RANKING)
)


def by_protocol(audit):
    found = {}
    for each in audit.planned.values():
        found.setdefault(each.protocol.name, []).append(each)
    return found


def test_every_protocol_touches_the_claims_that_it_could_change(collected):
    found = by_protocol(collected("--protocol", "all"))
    touched = {name: {each.claim.name for each in entries} for name, entries in found.items()}
    standard = touched.pop("standard")
    assert touched == TOUCHED
    assert standard >= set.union(*TOUCHED.values())


def trained(audit):
    return {planned.recipe.with_seed(0) for planned in audit.plan}


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("tau-four-thirds", [{"architecture": Spiking("tiny", tau=4 / 3)}]),
        ("bf16", [{"precision": "bf16"}]),
        ("alpha-per-sample", [{"loss": AlphaLoss(a, per="sample")} for a in (0.1, 0.2, 0.4)]),
    ],
)
def test_what_else_a_protocol_trains(collected, name, changes):
    more = trained(collected("--protocol", f"standard,{name}")) - trained(collected())
    found = [{field: getattr(each, field) for field in changes[0]} for each in more]
    assert sorted(found, key=str) == changes


@pytest.mark.parametrize(
    ("protocol", "changes"),
    [
        (STEPWISE, {"architecture": Spiking("tiny", batch_norm="stepwise")}),
        (DAMPENED, {"fitting": CosineSGD(dampening=5e-4, weight_decay=0.0)}),
        (
            RELEASED,
            {
                "architecture": Spiking("tiny", batch_norm="stepwise"),
                "fitting": CosineSGD(dampening=5e-4, weight_decay=0.0),
            },
        ),
    ],
    ids=["stepwise", "dampening", "release"],
)
def test_the_release_trains_every_network_otherwise(quick_recipe, protocol, changes):
    parent = quick_recipe
    child = quick_recipe.but(parent=parent, rules=(Pruning(0.5),))
    altered = parent.but(**changes)
    assert protocol.recipe(parent) == altered
    assert protocol.recipe(child) == child.but(parent=altered, **changes)


def test_the_release_varies_dampening_where_the_paper_says_weight_decay(claims):
    found = changed(claims, "weight-decay", "dampening")
    fittings = {role: after.fitting for role, (_, after) in found.items()}
    assert {role: (each.dampening, each.weight_decay) for role, each in fittings.items()} == {
        "weight decay 0.0001": (1e-4, 0.0),
        "weight decay 0.0005": (5e-4, 0.0),
        "weight decay 0.001": (1e-3, 0.0),
    }
    told = [factors.trained(role, KimRuns(each, None, None)) for role, (_, each) in found.items()]
    assert told == ["dampening 0.0001", "dampening 0.0005", "dampening 0.001"]


def test_the_release_has_every_part_that_is_known_of_it():
    parts = [*READINGS.values(), STEPWISE, DAMPENED]
    asked = {each.name for each in parts if each.release}
    assert asked == {"batch-mean", "redrawn-images", "stepwise", "dampening"}
    assert RELEASED.release
    assert RELEASED.reading == Reading(
        estimator=READINGS["batch-mean"].reading.estimator,
        images=READINGS["redrawn-images"].reading.images,
    )
    assert not TAU.release  # nothing reads that option


def test_ranking_by_layer_changes_every_round_and_nothing_before():
    for before in recipes.pruned(SMOKE_SETTING, "VGG-16", 3).values():
        after = LAYERWISE.recipe(before)
        scopes = [[rule.scope for rule in each.rules] for each in (*after.ancestors, after)]
        assert scopes == [[], *[["layer"]] * len(before.ancestors)]
        assert sparsity_of(after) == sparsity_of(before) > 0


@pytest.mark.parametrize("name", READINGS)
def test_a_reading_of_fisher_information_trains_nothing_else(collected, name):
    standard, read = collected(), collected("--protocol", name)
    trained_on = [[each.recipes for each in audit.planned.values()] for audit in (standard, read)]
    assert trained_on[0] == trained_on[1]


def test_where_no_reading_matters_the_standard_one_is_judged(claims):
    found = by_protocol(claims("--protocol", "tau-four-thirds"))
    assert {each.claim.name for each in found["tau-four-thirds"]} == TOUCHED["tau-four-thirds"]
    assert "time-constant" not in {each.claim.name for each in found["standard"]}
    assert len(found["standard"]) + len(found["tau-four-thirds"]) == 30


def changed(claims, name, protocol):
    """Recipes of a claim that a protocol changes, as (standard, changed) by role."""
    (standard,) = claims("--claim", name).planned.values()
    (other,) = claims("--claim", name, "--protocol", protocol).planned.values()
    assert standard.recipes.keys() == other.recipes.keys()
    return {
        role: (recipe, other.recipes[role])
        for role, recipe in standard.recipes.items()
        if recipe != other.recipes[role]
    }


@pytest.mark.parametrize("name", ["time-constant", "same-accuracy"])
def test_four_thirds_stands_in_for_the_smallest_time_constant_alone(claims, name):
    ((role, (before, after)),) = changed(claims, name, "tau-four-thirds").items()
    assert role == "τ = 0.75"
    assert before.architecture.tau == 0.75
    assert after == before.but(architecture=Spiking("tiny", tau=4 / 3))


@pytest.mark.parametrize("name", ["alpha-information", "alpha-convergence", "alpha-accuracy"])
def test_the_absolute_value_per_sample_changes_every_alpha_loss(claims, name):
    found = changed(claims, name, "alpha-per-sample")
    assert list(found) == ["low", "intermediate", "high"]
    for before, after in found.values():
        assert after == before.but(loss=before.loss.but(per="sample"))
        assert before.loss.per == "batch"


def test_protocols_leave_other_trainings_alone(quick_recipe):
    for protocol in (TAU, PER_SAMPLE, LAYERWISE):
        assert protocol.recipe(quick_recipe) == quick_recipe


def test_protocols_reach_the_trainings_that_others_start_from(quick_recipe):
    parent = quick_recipe.but(architecture=Spiking("tiny", tau=0.75))
    child = quick_recipe.but(parent=parent, rules=(Pruning(0.5),))
    assert TAU.recipe(child) == child.but(
        parent=parent.but(architecture=Spiking("tiny", tau=4 / 3))
    )


@pytest.fixture
def traces(quick_recipe, lab, one_thread):
    """Fisher traces of one quick Run by reading."""
    train(quick_recipe, lab)
    setting = Setting(quick_recipe, seeds=(0,), sizes={"fisher": 32})
    return {
        each.name: KimRuns(quick_recipe, setting, lab, each).trace()[0]
        for each in (STANDARD, *READINGS.values())
    }


def test_every_reading_measures_something_else_and_the_weights_are_a_part(traces):
    assert len({tuple(trace) for trace in traces.values()}) == len(traces) == 7
    # Logits of one timestep are their own mean.
    assert traces["summed-logits"][0] == pytest.approx(traces["standard"][0])
    assert traces["summed-logits"][1] != pytest.approx(traces["standard"][1])
    assert np.all(traces["repeated-weights"] < traces["standard"])
    assert np.all(traces["repeated-weights"] > 0)


@pytest.mark.parametrize("name", READINGS)
def test_a_reading_changes_one_thing(name):
    reading = READINGS[name]
    changed = changed_fields(reading.reading)
    assert len(changed) == 1
    told = {"name": name, "says": reading.says, "release": reading.release}
    assert replace(STANDARD, **told, reading=Reading(**changed)) == reading
