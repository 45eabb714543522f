"""The time dimension: where representations change, and what timesteps and leak do."""

from __future__ import annotations

import numpy as np
import pytest

from claims.li2023 import controls, recipes
from claims.li2023.drawing import over_blocks, timesteps_apart
from claims.li2023.paper import ABSTRACT, REPORTED, SIGNS, Factor
from claims.li2023.protocol import COMMON, DIRECTION, ESTIMATOR, FIRST_LAYERS, TIME, UNREAD
from claims.li2023.recipes import LI2023, LONG, ORDINARY, SHORT
from claims.li2023.runs import LiRuns, thirds
from tic.audit import Array, Judge, above, below, claim, within
from tic.stats import page_effects, rank_step

LEAST_CHANGE = 0.02
LEAST_SIMILARITY = 0.03


@claim(
    LI2023,
    "depth-dynamics",
    source=ABSTRACT,
    says="Deeper layers encourage more dynamics along the time dimension.",
    rule=(
        "D of the last third of the blocks minus D of the first above 0.02, and the rank "
        "correlation of D with the depth of the block above 0; D is 1 minus the similarity of "
        "first and last timestep."
    ),
    needs=recipes.spiking,
    version=2,
    gaps=(UNREAD, ESTIMATOR, FIRST_LAYERS),
    controls=(controls.MIXED_BLOCKS, controls.MEMORYLESS),
)
def test_deeper_layers_change_more_over_time(runs: LiRuns, judge: Judge) -> None:
    change = runs.change()
    first, last = thirds(change)
    judge(last - first, above(LEAST_CHANGE), name="D, last third minus first third")
    # Blocks of one network are points of one curve, for which Page's test is not made.
    judge(
        page_effects(change, direction="increasing"),
        above(0),
        name="rank correlation of D with depth",
        resolution=rank_step(change.shape[1]),
    )
    judge.compare_all(
        ABSTRACT,
        unit="",
        reported=REPORTED,
        measured={"change over time, last third of the blocks": last},
    )
    if not judge.draws:
        return
    apart = np.array(runs.timesteps_apart())
    judge.figure(
        "Dynamics over depth",
        "Left: change from the first to the last timestep, and between neighbours. Then: timesteps "
        "compared with each other at the first and the last block. Debiased CKA.",
        over_blocks(
            "Change over time",
            "1 - debiased CKA",
            {"first to last, D": change, "neighbours, D̄": runs.neighbour_change()},
        ),
        timesteps_apart("First block", apart[:, 0]),
        timesteps_apart("Last block", apart[:, -1]),
    )


def _judge_sign(judge: Judge, factor: Factor, effects: Array, least: float, name: str) -> None:
    sign = SIGNS[factor]
    if sign is None:
        judge(effects, within(-least, least), name=f"{name}; outside, it changes")
    else:
        region = above(least) if sign == "rises" else below(-least)
        judge(effects, region, name=name)


@claim(
    LI2023,
    "time-factors",
    source=ABSTRACT,
    says=(
        "The number of timesteps and the leak change how deep layers move over time, and how "
        "similar they are to an ordinary network's (inferred; the direction was not read)."
    ),
    rule=(
        "With the larger value minus the smaller: D̄ of the last third of the blocks beyond 0.02, "
        "and mean S(A, N) beyond 0.03, in the paper's direction. As long as that is not known the "
        "claim is left open, and the contrasts tell whether nothing changes by more than that."
    ),
    needs=recipes.factor,
    gaps=(*COMMON, DIRECTION, TIME),
    controls=(controls.MIXED_FACTOR,),
)
@pytest.mark.parametrize("factor", SIGNS)
def test_timesteps_and_leak_change_representations(
    runs: dict[str, LiRuns], judge: Judge, factor: Factor
) -> None:
    small, large = runs[SHORT], runs[LONG]
    change = {name: runs[name].neighbour_change() for name in (SHORT, LONG)}
    _, moved = thirds(change[LONG])
    _, before = thirds(change[SHORT])
    similar = {name: runs[ORDINARY].similarity(runs[name]) for name in (SHORT, LONG)}
    _judge_sign(
        judge, factor, moved - before, LEAST_CHANGE, "D̄ of the last third, larger minus smaller"
    )
    _judge_sign(
        judge,
        factor,
        similar[LONG].mean() - similar[SHORT].mean(),
        LEAST_SIMILARITY,
        "mean S(A, N), larger minus smaller",
    )
    if SIGNS[factor] is None:
        judge.leave_open(
            "the paper's text was not read, so that the direction which it reports is not known"
        )
    judge.note(f"Compared are {small.recipe.label} and {large.recipe.label}. {similar[LONG].note}")
    judge.figure(
        f"Dynamics and the {factor}",
        "Change between neighbouring timesteps.",
        over_blocks(
            "By block",
            "1 - debiased CKA",
            {"smaller value": change[SHORT], "larger value": change[LONG]},
        ),
    )
