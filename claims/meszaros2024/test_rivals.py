"""Other explanations of what learning delays and structure is said to gain."""

from __future__ import annotations

from itertools import pairwise
from typing import get_args

import numpy as np
import pytest

from claims.meszaros2024 import recipes, rival_recipes
from claims.meszaros2024.comparing import difference, judge_accuracy, of_structure, setting_of
from claims.meszaros2024.judging import Roles, require_learned, require_masks, require_rewired
from claims.meszaros2024.paper import ABSTRACT, FIGURE, RELEASE
from claims.meszaros2024.recipes import MESZAROS2024, OTHER, high, role, upto_static
from claims.meszaros2024.rival_recipes import Finding, Memory, Regrowth, beside
from tic.audit import Array, Judge, above, rival

AS_GOOD = -1.0
"""Percentage points by which something simpler may be less accurate and still explain a gain."""
STRUCTURE = ("structure-high", "structure-over-delays", "substitution")


def _judge_at_high(judge: Judge, runs: Roles, what: str) -> None:
    """Judge that something is as accurate as rewiring with fixed delays at high sparsities."""
    at = high(setting_of(runs))
    rewired = {role("dynamic", "fixed", s): s for s in at}
    require_learned(judge, {name: runs[name] for name in rewired})
    require_rewired(judge, {name: runs[name] for name in rewired})
    require_masks(judge, runs, rewired | {beside(s): s for s in at})
    for sparsity in at:
        judge_accuracy(
            judge,
            runs,
            difference(runs, beside(sparsity), role("dynamic", "fixed", sparsity)),
            above(AS_GOOD),
            f"{what} minus rewired at {sparsity:g}",
        )


@rival(
    MESZAROS2024,
    "paths",
    of=STRUCTURE,
    source=ABSTRACT,
    says="Rewiring finds paths from input to read-out, which a random mask lacks, and no delays.",
    rule=(
        "Static networks with fixed delays, whose mask gives every used hidden neuron an input "
        "and an output (`linked`) or is the final one of a rewired network with its delays "
        "permuted among the synapses (`reused`): accuracy minus that of rewired ones, which must "
        "have learned, above -1 pp at each high sparsity."
    ),
    needs=rival_recipes.paths,
    version=2,
)
@pytest.mark.parametrize("found", get_args(Finding))
def test_masks_with_paths_do_as_well(runs: Roles, judge: Judge, found: Finding) -> None:
    _judge_at_high(judge, runs, f"static, {found}")


@rival(
    MESZAROS2024,
    "partners",
    of=("substitution", "delay-selection"),
    source=ABSTRACT,
    says="Learning structure selects partners: without any delay it gains as much.",
    rule=(
        "Accuracy of rewired minus static networks without delays, minus that with fixed ones, "
        "above -1 pp at each high sparsity. Rewired networks with fixed ones must have learned."
    ),
    needs=rival_recipes.partners,
    version=2,
)
def test_structure_gains_as_much_without_delays(runs: Roles, judge: Judge) -> None:
    at = high(setting_of(runs))
    rewired = {role("dynamic", "none", s): s for s in at}
    learned = [role("dynamic", "fixed", s) for s in at]
    require_learned(judge, {name: runs[name] for name in learned})
    require_rewired(judge, {name: runs[name] for name in rewired})
    require_masks(judge, runs, rewired)
    for sparsity in at:
        judge_accuracy(
            judge,
            runs,
            of_structure(runs, "none", sparsity) - of_structure(runs, "fixed", sparsity),
            above(AS_GOOD),
            f"what structure gains at {sparsity:g}, without delays minus with",
        )


@rival(
    MESZAROS2024,
    "any-regrowth",
    of=(*STRUCTURE, "delay-selection"),
    source=RELEASE,
    says="Any regrowth does it, so that where synapses are born is not learned.",
    rule=(
        "Rewired networks with fixed delays whose synapses are reborn at random, or by the "
        "absolute gradient: accuracy minus that by the signed gradient, which must have learned, "
        "above -1 pp at each high sparsity."
    ),
    needs=rival_recipes.regrown,
    version=2,
)
@pytest.mark.parametrize("regrowth", get_args(Regrowth))
def test_another_regrowth_does_as_well(runs: Roles, judge: Judge, regrowth: Regrowth) -> None:
    _judge_at_high(judge, runs, f"{regrowth} regrowth")


@rival(
    MESZAROS2024,
    "regularisation",
    of=STRUCTURE,
    source=RELEASE,
    says="Fixed signs and L1 do it, without rewiring.",
    rule=(
        "Static networks with fixed delays whose synapses keep their signs, at the same L1: "
        "accuracy minus that of rewired ones, which must have learned, above -1 pp at each high "
        "sparsity."
    ),
    needs=rival_recipes.regularised,
    version=2,
)
def test_fixed_signs_do_as_well(runs: Roles, judge: Judge) -> None:
    _judge_at_high(judge, runs, "static with fixed signs")


@rival(
    MESZAROS2024,
    "blur",
    of=("delays-static",),
    source=RELEASE,
    says="Learned delays see a blurred input while they are trained, which fixed ones do not.",
    rule=(
        "Dense networks with fixed delays under the same blur: accuracy minus that with learned "
        "ones above -1 pp. Networks must have learned."
    ),
    needs=rival_recipes.blurred,
)
def test_blurred_fixed_delays_do_as_well(runs: Roles, judge: Judge) -> None:
    _judge_dense(judge, runs, "fixed and blurred")


def _judge_dense(judge: Judge, runs: Roles, what: str) -> None:
    learned = role("dense", "learned")
    require_learned(judge, {learned: runs[learned]})
    judge_accuracy(
        judge, runs, difference(runs, OTHER, learned), above(AS_GOOD), f"{what} minus learned"
    )


@rival(
    MESZAROS2024,
    "parameters",
    of=("delays-static",),
    source=FIGURE,
    says="Learned delays double what is trained; twice the synapses do as well.",
    rule=(
        "Accuracy of static networks with fixed delays and twice the synapses, minus that with "
        "learned ones, above -1 pp, mean over sparsities."
    ),
    needs=recipes.static,
)
def test_twice_the_synapses_do_as_well(runs: Roles, judge: Judge) -> None:
    at = (0.0, *upto_static(setting_of(runs)))
    masks = {role("static", kind, s): s for kind in recipes.BOTH for s in at[1:]}
    require_masks(judge, runs, masks)
    pairs = [
        difference(
            runs,
            role("static" if more else "dense", "fixed", more),
            role("static", "learned", fewer),
        )
        for more, fewer in pairwise(at)
    ]
    judge_accuracy(
        judge,
        runs,
        np.mean(pairs, axis=0),
        above(AS_GOOD),
        "fixed with twice the synapses minus learned",
        parts=len(pairs),
    )


@rival(
    MESZAROS2024,
    "memory",
    of=("delays-static",),
    source=FIGURE,
    says="A longer memory does it, without any delay.",
    rule=(
        "Dense networks without delays whose τ is twice or four times as long, or trained: "
        "accuracy minus that with learned delays above -1 pp. The latter must have learned."
    ),
    needs=rival_recipes.remembering,
)
@pytest.mark.parametrize("tau", get_args(Memory))
def test_a_longer_memory_does_as_well(runs: Roles, judge: Judge, tau: Memory) -> None:
    _judge_dense(judge, runs, f"no delays, τ {tau}")


@rival(
    MESZAROS2024,
    "best-epoch",
    of=("delays-static", "structure-high", "structure-over-delays"),
    source=RELEASE,
    says=(
        "The gain is that of choosing, on the test recordings, the best of the epochs that were "
        "kept; the release chooses among all."
    ),
    rule=(
        "What the claim compares, at the best of the epochs that were kept minus at the last, "
        "above 1 pp: mean over sparsities of static networks for `delays-static`, at the highest "
        "sparsity for the others."
    ),
    needs=rival_recipes.chosen,
)
@pytest.mark.parametrize("of", ["delays-static", "structure-high", "structure-over-delays"])
def test_the_gain_is_that_of_the_best_epoch(runs: Roles, judge: Judge, of: str) -> None:
    pairs = rival_recipes.compared(setting_of(runs), of)
    gains = [_chosen(runs, one) - _chosen(runs, other) for one, other in pairs]
    judge_accuracy(
        judge,
        runs,
        np.mean(gains, axis=0),
        above(1.0),
        "gain at the best epochs minus at the last",
        parts=len(pairs),
    )


def _chosen(runs: Roles, name: str) -> Array:
    """What choosing the epoch on the test recordings gains, in percentage points, (S,)."""
    chosen: Array = runs[name].best_accuracy() - runs[name].accuracy()
    return chosen
