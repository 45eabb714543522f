"""The first results: fewer spikes, better accuracy, at next to no cost."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from claims.yao2023 import controls, recipes
from claims.yao2023.drawing import (
    beside_accuracies,
    beside_rates,
    layer_bars,
)
from claims.yao2023.judging import require_learned, require_same_events
from claims.yao2023.paper import ABSTRACT, INTRODUCTION, RELEASE, REPORTED
from claims.yao2023.protocol import COMMON, DROPOUT, INFERRED, MODULE, PRECISION, UNREAD
from claims.yao2023.recipes import ATTENTION, DATA, OWN_DATA, PLAIN, YAO2023, Data
from claims.yao2023.runs import YaoRuns, log_ratio
from tic.audit import Judge, above, below, claim
from tic.audit.control import PERMUTED_LABELS

Roles = dict[str, YaoRuns]


@claim(
    YAO2023,
    "fewer-spikes",
    source=f"{ABSTRACT}, {RELEASE}",
    says="With the module a spiking network fires significantly less.",
    rule=(
        "ln(r without / r with) above 0.10, where r is the network average firing rate; the "
        "smallest reported is 0.118. Both networks must have learned."
    ),
    needs=recipes.pair,
    gaps=COMMON,
    controls=(
        controls.DEALT_OUT, controls.NO_MODULE, controls.NO_MAPS, controls.SILENT,
        controls.FEWER_EVENTS,
    ),
)  # fmt: skip
@pytest.mark.parametrize("data", DATA)
def test_networks_fire_less_with_the_module(runs: Roles, judge: Judge, data: Data) -> None:
    without, with_it = runs[PLAIN].rate(), runs[ATTENTION].rate()
    require_learned(judge, runs)
    require_same_events(judge, runs)
    judge(log_ratio(without, with_it), above(0.10), name="ln(r without / r with)")
    beside_rates(judge, runs[PLAIN].recipe, {PLAIN: without, ATTENTION: with_it})
    if judge.draws:
        judge.figure(
            "Firing by layer",
            "Spikes per neuron and timestep, by layer from the input on.",
            layer_bars("Firing rate", runs),
        )


@claim(
    YAO2023,
    "large-drop",
    source=RELEASE,
    says="In the three-layer network the firing rate falls by more than half.",
    rule=(
        "ln(r without / r with) above ln 2. Reported is a fall by more than three quarters: 1.53 "
        "on DVS128 Gesture and 1.56 on Gait-day, twice what is asked for. Both networks must have "
        "learned."
    ),
    needs=recipes.pair,
    gaps=COMMON,
    controls=(controls.DEALT_OUT, controls.NO_MODULE, controls.SILENT, controls.FEWER_EVENTS),
    fixed=OWN_DATA,
)
def test_the_firing_rate_falls_by_a_large_factor(runs: Roles, judge: Judge) -> None:
    without, with_it = runs[PLAIN].rate(), runs[ATTENTION].rate()
    require_learned(judge, runs)
    require_same_events(judge, runs)
    judge(log_ratio(without, with_it), above(float(np.log(2))), name="ln(r without / r with)")
    beside_rates(judge, runs[PLAIN].recipe, {PLAIN: without, ATTENTION: with_it})


@claim(
    YAO2023,
    "better-accuracy",
    source=f"{ABSTRACT}, {RELEASE}",
    says="With the module a spiking network performs better.",
    rule="Accuracy with the module minus that without above 0.5 pp; the smallest reported is 1.6.",
    needs=recipes.pair,
    gaps=COMMON,
    controls=(controls.DEALT_OUT, controls.NO_MODULE, PERMUTED_LABELS),
)
@pytest.mark.parametrize("data", DATA)
def test_networks_are_more_accurate_with_the_module(runs: Roles, judge: Judge, data: Data) -> None:
    accuracy = {name: runs[name].scored_by_sample() for name in (PLAIN, ATTENTION)}
    judge(
        accuracy[ATTENTION] - accuracy[PLAIN],
        above(0.5),
        name="accuracy, with minus without",
        unit="pp",
        by_sample=True,
        resolution=runs[PLAIN].resolution,
    )
    by_seed = {name: table.mean(1) for name, table in accuracy.items()}
    beside_accuracies(judge, runs[PLAIN].recipe, by_seed)


@claim(
    YAO2023,
    "free",
    source=INTRODUCTION,
    says="Other ways of dropping spikes add computation; the module adds next to nothing.",
    rule=(
        "On DVS128 Gesture the module adds less than 1 % to the parameters of the three-layer "
        "network, by arithmetic; and ln(E without / E with) above 0, where the energy E has the "
        "module's own products."
    ),
    needs=recipes.pair,
    gaps=(UNREAD, INFERRED, PRECISION, DROPOUT, *MODULE),
    controls=(controls.DEALT_OUT, controls.NO_MODULE),
    fixed=OWN_DATA,
)
def test_the_module_costs_next_to_nothing(runs: Roles, judge: Judge) -> None:
    judge(
        [added_parameters()],
        below(1),
        name="parameters that the module adds to the three-layer network",
        unit="%",
        exact=True,
    )
    energy = {name: runs[name].positive("energy") for name in (PLAIN, ATTENTION)}
    require_learned(judge, runs)
    judge(log_ratio(energy[PLAIN], energy[ATTENTION]), above(0), name="ln(E without / E with)")
    judge.compare_all(
        INTRODUCTION,
        unit="µJ",
        reported=REPORTED,
        measured={
            "energy without the module": energy[PLAIN] / 1e6,
            "energy with the module": energy[ATTENTION] / 1e6,
        },
    )


@lru_cache(maxsize=1)
def added_parameters() -> float:
    """How much the module adds to the release's network on DVS128 Gesture, in percent."""
    counts = {}
    for role, recipe in recipes.release().items():
        network = recipe.architecture.shapes(recipe.dataset.facts, recipe.timesteps)
        counts[role] = sum(parameter.numel() for parameter in network.parameters())
    return 100 * (counts[ATTENTION] / counts[PLAIN] - 1)
