"""Other explanations of what the claims observe."""

from __future__ import annotations

import numpy as np
import pytest

from claims.li2023 import recipes
from claims.li2023.paper import ABSTRACT
from claims.li2023.recipes import (
    DEPTHS,
    LI2023,
    ORDINARY,
    SPIKING,
    TWIN,
    WIDTHS,
    epsilon,
    role,
)
from claims.li2023.runs import LiRuns, thirds
from tic.audit import Judge, Recipe, Setting, above, below, rival, within

ALL_CKA = (
    "ann-like", "width", "depth", "periodic", "spiking-pattern", "learned-pattern", "rectified",
)  # fmt: skip


@rival(
    LI2023,
    "any-residual",
    of=("periodic",),
    source=ABSTRACT,
    says=(
        "Any two residual networks do it: the sum holds what both inherit from the input, the "
        "branch is new in each."
    ),
    rule="J(A, A′) above 0.03, and J(A, N) - J(A, A′) within ±0.03.",
    needs=recipes.three,
)
def test_two_ordinary_networks_do_it_too(runs: dict[str, LiRuns], judge: Judge) -> None:
    twin = runs[ORDINARY].similarity(runs[TWIN])
    spiking = runs[ORDINARY].similarity(runs[SPIKING])
    judge(twin.recovery(), above(0.03), name="J(A, A′)")
    judge(spiking.recovery() - twin.recovery(), within(-0.03, 0.03), name="J(A, N) - J(A, A′)")


@rival(
    LI2023,
    "untrained-pattern",
    of=("periodic",),
    source=ABSTRACT,
    says="Untrained networks do it, so that nothing is learned.",
    rule="J(A, N) before training minus that after it above 0.",
    needs=recipes.pair,
)
def test_untrained_networks_have_the_pattern(runs: dict[str, LiRuns], judge: Judge) -> None:
    before = runs[ORDINARY].similarity(runs[SPIKING], "untrained", reestimated=True)
    trained = runs[ORDINARY].similarity(runs[SPIKING])
    judge(before.recovery() - trained.recovery(), above(0), name="J, untrained minus trained")


@rival(
    LI2023,
    "untrained-dynamics",
    of=("depth-dynamics",),
    source=ABSTRACT,
    says="Untrained networks do it, so that nothing is learned.",
    rule="D, last third of the blocks minus first, before training minus after it, above 0.",
    needs=recipes.spiking,
)
def test_untrained_networks_have_the_dynamics(runs: LiRuns, judge: Judge) -> None:
    first, last = thirds(runs.change("untrained", reestimated=True))
    trained_first, trained_last = thirds(runs.change())
    judge(
        (last - first) - (trained_last - trained_first),
        above(0),
        name="D, last minus first third, untrained minus trained",
    )


@rival(
    LI2023,
    "constant-input",
    of=("depth-dynamics",),
    source=ABSTRACT,
    says="It is about input that is constant: on event frames deeper layers do not change more.",
    rule="On events, D̄ of the last third of the blocks minus that of the first below 0.02.",
    needs=recipes.spiking_stream,
)
def test_on_events_deeper_layers_do_not_change_more(runs: LiRuns, judge: Judge) -> None:
    first, last = thirds(runs.neighbour_change())
    judge(last - first, below(0.02), name="D̄ on events, last third minus first third")


@rival(
    LI2023,
    "hidden-by-shortcuts",
    of=("depth-dynamics",),
    source=ABSTRACT,
    says="Shortcuts hide the dynamics of shallow layers: without them depth makes no difference.",
    rule="Without shortcuts, D of the last third of the blocks minus D of the first below 0.02.",
    needs=recipes.plain_spiking,
)
def test_without_shortcuts_depth_makes_no_difference(runs: LiRuns, judge: Judge) -> None:
    first, last = thirds(runs.change())
    judge(last - first, below(0.02), name="D without shortcuts, last third minus first third")


@rival(
    LI2023,
    "estimator-bias",
    of=ALL_CKA,
    source=ABSTRACT,
    says="Similarity is that of the estimator, with fewer images than features.",
    rule="Biased minus debiased CKA of A and N, mean over layers, above 0.02.",
    needs=recipes.pair,
)
def test_the_estimator_is_biased_here(runs: dict[str, LiRuns], judge: Judge) -> None:
    similar = runs[ORDINARY].similarity(runs[SPIKING])
    judge(similar.gaps, above(0.02), name="biased minus debiased CKA, mean over layers")
    judge.note(similar.note)


def _twins(setting: Setting, of: str) -> dict[str, Recipe]:
    return recipes.twin_widths(setting) if of == "width" else recipes.twin_depths(setting)


@rival(
    LI2023,
    "ceiling",
    of=("width", "depth"),
    source=ABSTRACT,
    says="The ceiling moves: two ordinary networks change likewise.",
    rule="The claim's first contrast, of S(A, A′) instead of S(A, N), above 0.02.",
    needs=_twins,
)
@pytest.mark.parametrize("of", ["width", "depth"])
def test_two_ordinary_networks_change_likewise(
    runs: dict[str, LiRuns], judge: Judge, of: str
) -> None:
    conditions = WIDTHS if of == "width" else tuple(f"n = {depth}" for depth in DEPTHS)
    means = np.array(
        [
            runs[role(ORDINARY, name)].similarity(runs[role(TWIN, name)]).mean()
            for name in (conditions[0], conditions[-1])
        ]
    )
    change = means[1] - means[0] if of == "width" else means[0] - means[1]
    judge(change, above(0.02), name=f"mean S(A, A′), as in {of}")


@rival(
    LI2023,
    "any-network",
    of=("adversarial",),
    source=ABSTRACT,
    says="Any network does it: attacks move deep layers of an ordinary one more, too.",
    rule=(
        "The claim's contrast of the ordinary network, attacked with the same ε: S(clean, "
        "attacked), mean over the first third of the blocks minus the last, above 0.05."
    ),
    needs=recipes.pair,
)
def test_attacks_move_deep_layers_of_ordinary_networks_too(
    runs: dict[str, LiRuns], judge: Judge
) -> None:
    first, last = thirds(runs[ORDINARY].attacked(epsilon(runs[SPIKING].recipe))[0])
    judge(first - last, above(0.05), name="S(clean, attacked) of A, first third minus last")


@rival(
    LI2023,
    "any-noise",
    of=("adversarial",),
    source=ABSTRACT,
    says="Any noise of that size does it, adversarial or not.",
    rule=(
        "The claim's contrast with random signs of the same ε instead of the attack: S(clean, "
        "random signs) in the spiking network, mean over the first third of the blocks minus the "
        "last, above 0.05."
    ),
    needs=recipes.spiking,
    version=2,
)
def test_random_signs_move_deep_representations_more_too(runs: LiRuns, judge: Judge) -> None:
    first, last = thirds(runs.attacked(epsilon(runs.recipe), signs=True)[0])
    judge(first - last, above(0.05), name="S(clean, random signs), first third minus last")
