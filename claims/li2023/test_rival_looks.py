"""Other explanations that take a second look: what dominates, sparse spikes, masked gradients.

Margins were chosen before any of these was measured. A claim is put to its first contrast and its
own margin again. Where several looks are taken, the one that is least in favour of the claim
decides, in every seed: a claim stands against the rival where it stands by each of them, and the
rival takes one part of the error rate, not one for each look. On the other side that is less
careful: looks that are low in different seeds support the rival though each by itself may not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from claims.li2023 import recipes
from claims.li2023.paper import ABSTRACT
from claims.li2023.recipes import (
    DEPTHS,
    LI2023,
    ORDINARY,
    PLAIN,
    SPIKING,
    TWIN,
    WIDTHS,
    epsilon,
    role,
)
from claims.li2023.runs import LiRuns, Similarities, thirds
from claims.li2023.second_looks import CLASSES, LOOKS, Matched, change_of_as_many, looked_again
from tic.audit import Array, Judge, Recipe, Setting, above, below, rival

Roles = Mapping[str, LiRuns]
Look = Callable[..., Similarities]
"""Compares two networks, named by their roles."""

MASKED = 5.0
"""Percentage points that other attacks find beyond the claim's before its gradients count as
masked: the worst of several attacks finds a little more of any network."""


def _ann_like(look: Look) -> Array:
    gap = look(ORDINARY, SPIKING).mean() - look(ORDINARY, TWIN).mean()
    inside: Array = 0.05 - np.abs(gap)
    return inside


def _width(look: Look) -> Array:
    means = [look(role(ORDINARY, w), role(SPIKING, w)).mean() for w in (WIDTHS[0], WIDTHS[-1])]
    return means[1] - means[0] - 0.02


def _depth(look: Look) -> Array:
    ends = (f"n = {DEPTHS[0]}", f"n = {DEPTHS[-1]}")
    means = [look(role(ORDINARY, n), role(SPIKING, n)).mean() for n in ends]
    return means[0] - means[1] - 0.02


def _periodic(look: Look) -> Array:
    return look(ORDINARY, SPIKING).recovery() - 0.03


def _spiking_pattern(look: Look) -> Array:
    return look(ORDINARY, SPIKING).recovery() - look(ORDINARY, TWIN).recovery() - 0.02


def _learned_pattern(look: Look) -> Array:
    before = look(ORDINARY, SPIKING, "untrained", reestimated=True)
    return look(ORDINARY, SPIKING).recovery() - before.recovery() - 0.02


def _rectified(look: Look) -> Array:
    without = look(role(ORDINARY, PLAIN), role(SPIKING, PLAIN)).at_blocks()
    gain: Array = (look(ORDINARY, SPIKING).at_blocks() - without).mean(1)
    return gain - 0.03


INSIDE = {
    "ann-like": (recipes.three, _ann_like),
    "width": (recipes.widths, _width),
    "depth": (recipes.depths, _depth),
    "periodic": (recipes.pair, _periodic),
    "spiking-pattern": (recipes.three, _spiking_pattern),
    "learned-pattern": (recipes.pair, _learned_pattern),
    "rectified": (recipes.shortcuts, _rectified),
}
"""By claim: the Recipes, and by how much its first contrast is inside of its region, (S,)."""


def _needed(setting: Setting, of: str) -> dict[str, Recipe]:
    needs, _ = INSIDE[of]
    return needs(setting)


@rival(
    LI2023,
    "few-dominate",
    of=tuple(INSIDE),
    source=ABSTRACT,
    says=(
        "A few images or one direction make the similarity, so that without them the claim does "
        "not hold."
    ),
    rule=(
        "By how much the claim's first contrast is inside of its region, least of three looks, "
        "below 0: without the 5 % of images of largest leverage, without the first component, and "
        "by Procrustes similarity, for which the claim's margin is taken too."
    ),
    needs=_needed,
)
@pytest.mark.parametrize("of", list(INSIDE))
def test_few_images_or_directions_make_it(runs: Roles, judge: Judge, of: str) -> None:
    _, inside = INSIDE[of]
    by_look = {look: inside(_by(look, runs)) for look in LOOKS}
    least: Array = np.min(list(by_look.values()), axis=0)
    judge(least, below(0), name=f"inside of the region of {of}, least of three looks")
    judge.table(
        "By every look",
        "By how much the claim's first contrast is inside of its region; below 0 it does not hold.",
        unit="similarity",
        columns=["inside by"],
        rows=[("", LOOKS[look], [values]) for look, values in by_look.items()],
    )


def _by(look: str, runs: Roles) -> Look:
    def compared(one: str, other: str, *epoch: str, reestimated: bool = False) -> Similarities:
        looks, _ = looked_again(runs[one], runs[other], *epoch, reestimated=reestimated)
        return looks[look]

    return compared


@rival(
    LI2023,
    "class-structure",
    of=("ann-like",),
    source=ABSTRACT,
    says=(
        "The classes are all that a spiking and an ordinary network agree on as two ordinary ones "
        "do: within them a spiking network is further away."
    ),
    rule="Mean over all layers of S(A, N) - S(A, A′) without the means of the classes below -0.05.",
    needs=recipes.three,
)
def test_within_classes_spiking_networks_are_further_away(runs: Roles, judge: Judge) -> None:
    spiking = _by(CLASSES, runs)(ORDINARY, SPIKING)
    twin = _by(CLASSES, runs)(ORDINARY, TWIN)
    judge(
        spiking.mean() - twin.mean(),
        below(-0.05),
        name="mean S(A, N) - S(A, A′) without class means",
    )
    _, variance = looked_again(runs[ORDINARY], runs[SPIKING])
    judge.note(
        f"Without class means S(A, N) is {spiking.mean().mean():.2f} and S(A, A′) "
        f"{twin.mean().mean():.2f}. The first component of a layer of A and N has "
        f"{100 * variance.mean():.0f} % of its variance, mean over layers."
    )


@rival(
    LI2023,
    "sparse-spikes",
    of=("depth-dynamics",),
    source=ABSTRACT,
    says="Deep layers fire more sparsely, and few spikes differ from timestep to timestep.",
    rule=(
        "D of the spikes that follow each block, thinned at random, of a neuron alike at both "
        "timesteps, to the rate of the sparsest at first and last timestep, last third of the "
        "blocks minus first, below 0.02; the lesser of debiased and biased CKA. Spikes are judged, "
        "since currents have no rate."
    ),
    needs=recipes.spiking,
    version=3,
)
def test_at_one_firing_rate_depth_makes_no_difference(runs: LiRuns, judge: Judge) -> None:
    _judge_as_many(runs, judge, "rates", "at one firing rate")


@rival(
    LI2023,
    "few-neurons",
    of=("depth-dynamics",),
    source=ABSTRACT,
    says="Deep layers have fewer neurons, whose spikes are less alike from timestep to timestep.",
    rule=(
        "D of the spikes that follow each block, of as many neurons of each as the smallest has, "
        "drawn at random, last third of the blocks minus first, below 0.02; the lesser of debiased "
        "and biased CKA."
    ),
    needs=recipes.spiking,
)
def test_among_as_many_neurons_depth_makes_no_difference(runs: LiRuns, judge: Judge) -> None:
    _judge_as_many(runs, judge, "neurons", "among as many neurons")


def _judge_as_many(runs: LiRuns, judge: Judge, matched: Matched, where: str) -> None:
    change, rates = change_of_as_many(runs, matched)
    by_estimator = []
    for by_block in change.values():
        first, last = thirds(by_block)
        by_estimator.append(last - first)
    judge(
        np.min(by_estimator, axis=0),
        below(0.02),
        name=f"D {where}, last minus first third, lesser of two estimators",
    )
    judge.table(
        f"Firing rates, and change {where}",
        "Rates are those before spikes are left out, at the first and the last timestep.",
        unit="",
        columns=[f"block {number}" for number in range(1, runs.blocks + 1)],
        rows=[
            ("rate", "first timestep", list(rates[:, :, 0].T)),
            ("rate", "last timestep", list(rates[:, :, 1].T)),
            *((f"D {where}", kind, list(values.T)) for kind, values in change.items()),
        ],
    )


@rival(
    LI2023,
    "masked-gradients",
    of=("adversarial",),
    source=ABSTRACT,
    says=(
        "The attack follows masked gradients: other attacks find more, and what they find moves "
        "deep layers no more than shallow ones."
    ),
    rule=(
        f"Accuracy under the claim's attack minus that in the worst case over the suite's other "
        f"attacks above {MASKED:g} pp; and at equal adversarial accuracy, with the images that "
        "other attacks made of those that the claim's breaks, S(clean, attacked) of the first "
        "third of the blocks minus the last below 0.05."
    ),
    needs=recipes.spiking,
)
def test_what_other_attacks_find_moves_all_layers_alike(runs: LiRuns, judge: Judge) -> None:
    similar, left = runs.attacked_otherwise(epsilon(runs.recipe))
    first, last = thirds(similar)
    judge(
        left["attacked"] - left["worst"],
        above(MASKED),
        name="accuracy, claim's attack minus worst case",
        unit="pp",
    )
    judge(first - last, below(0.05), name="S(clean, attacked otherwise), first third minus last")
    judge.note(
        f"The claim's attack leaves {left['attacked'].mean():.1f} % correct, the worst case "
        f"{left['worst'].mean():.1f} %; {left['exchanged'].mean():.1f} % of the images are another "
        "attack's."
    )
