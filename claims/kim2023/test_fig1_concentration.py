"""Temporal information concentration: Fig. 1, Eq. 6-7."""

from __future__ import annotations

import math

import numpy as np

from claims.kim2023 import controls, recipes
from claims.kim2023.centroids import judge_concentration
from claims.kim2023.protocol import FISHER, PRECISION, PREFIXES, RELEASE, SEEDS, SURROGATE, TRAINING
from claims.kim2023.recipes import KIM2023
from claims.kim2023.runs import KimRuns, normalised_centroid
from tic.audit import Panel, claim
from tic.audit.control import SHUFFLED_TIMESTEPS
from tic.audit.exhibits import curves
from tic.audit.judge import Judge
from tic.stats import above, below, theil_sen_slope


@claim(
    KIM2023,
    "concentration",
    source="Fig. 1, Eq. 6-7",
    says="As training goes on, Fisher information moves to the early timesteps.",
    rule=(
        "ic(early) - ic(final) above 0.05, and the Theil-Sen slope of ic over the checkpoints from "
        "early on below 0; ic is the centroid of Eq. 7 scaled to [0, 1], early is 1/15 of training."
    ),
    needs=recipes.baseline,
    gaps=(*FISHER, *TRAINING, RELEASE, SURROGATE, SEEDS, PRECISION),
    controls=controls.FISHER,
)
def test_information_moves_to_early_timesteps(runs: KimRuns, judge: Judge) -> None:
    judge_concentration(runs, judge)
    draw_figure_1(runs, judge)


def draw_figure_1(runs: KimRuns, judge: Judge) -> None:
    """IC over epochs, and I_t at four epochs with the centroid as a dotted line."""
    if not judge.draws:
        return
    timesteps = runs.recipe.timesteps
    times = range(1, timesteps + 1)
    centroids = np.array([1 + (timesteps - 1) * runs.centroid(epoch) for epoch in runs.checkpoints])
    chosen = dict.fromkeys(
        [
            runs.epoch("early"),
            *(runs.checkpoints[len(runs.checkpoints) * k // 3 - 1] for k in (1, 2, 3)),
        ]
    )
    panels = [
        Panel(
            title="Information centroid",
            x_label="epoch",
            y_label="IC (timestep)",
            series=(curves("IC", runs.checkpoints, centroids.T),),
        )
    ]
    for epoch in chosen:
        trace = runs.trace(epoch)
        marker = float(np.mean([1 + (timesteps - 1) * normalised_centroid(row) for row in trace]))
        panels.append(
            Panel(
                title=f"Epoch {epoch}",
                x_label="timestep t",
                y_label="Fisher trace I_t",
                series=(curves("I_t", times, trace, marker),),
            )
        )
    judge.figure(
        "Counterpart of Fig. 1",
        "Left: centroid of the Fisher information over training. Then: trace per timestep at some "
        "epochs, the mean centroid dotted.",
        *panels,
    )


@claim(
    KIM2023,
    "concentrated",
    source="Fig. 1, abstract",
    says="After training, information is concentrated in the first few timesteps.",
    rule=(
        "Share of the summed I_t in the first ceil(0.3 T) timesteps above 0.5; log of I_1 over the "
        "largest later I_t above 0; Theil-Sen slope of log I_t over t below 0."
    ),
    needs=recipes.baseline,
    version=2,
    gaps=(*FISHER, *TRAINING, RELEASE, PREFIXES, PRECISION),
    controls=(SHUFFLED_TIMESTEPS,),
)
def test_trained_network_holds_information_early(runs: KimRuns, judge: Judge) -> None:
    trace = runs.trace("final")
    first = math.ceil(0.3 * trace.shape[1])
    shares = trace[:, :first].sum(1) / trace.sum(1)
    judge(shares, above(0.5), name=f"share of information in timesteps 1 to {first}")
    lead = np.log(trace[:, 0] / trace[:, 1:].max(1))
    judge(lead, above(0), name="log ratio of I_1 to the largest later I_t")
    times = range(1, trace.shape[1] + 1)
    slopes = [theil_sen_slope(times, row) for row in np.log(trace)]
    judge(slopes, below(0), name="slope of log I_t over t", unit="per timestep")
    if not judge.draws:
        return
    before = runs.trace("untrained")
    judge.figure(
        "Information before and after training",
        "Share of each timestep in the summed Fisher trace.",
        Panel(
            title="Share of I_t",
            x_label="timestep t",
            y_label="share",
            series=(
                curves("untrained", times, before / before.sum(1, keepdims=True)),
                curves("trained", times, trace / trace.sum(1, keepdims=True)),
            ),
        ),
    )
