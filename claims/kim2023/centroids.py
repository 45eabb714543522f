"""The information centroid over the training: what Fig. 1 and every part of Fig. 4 are about."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from claims.kim2023.runs import KimRuns
from tic.audit import Panel
from tic.audit.exhibits import curves
from tic.audit.judge import Judge
from tic.audit.runs import Array, Epoch
from tic.document.figures import Series
from tic.stats import above, below, half_fall, theil_sen_slope

LEAST_FALL = 0.05
"""Fall of the normalised centroid, early to final, that counts as concentration."""
LEAST_DIFFERENCE = LEAST_FALL
"""Difference between two normalised centroids that counts: where none is needed, a claim about an
order can never be refuted, since no effect at all lies on its edge."""


def judge_concentration(runs: KimRuns, judge: Judge) -> None:
    """Judge whether information moves to the early timesteps while the training goes on."""
    judge_fall(runs, judge)
    epochs, centroids = runs.centroids()
    shares = np.array(epochs) / runs.recipe.epochs
    slopes = [theil_sen_slope(shares, curve) for curve in centroids]
    judge(slopes, below(0), name="slope of the normalised centroid", unit="per training")


def judge_fall(runs: KimRuns, judge: Judge, of: str = "") -> None:
    """Judge whether one of several trainings shows concentration.

    Args:
        runs: One training.
        judge: Of the claim.
        of: Which training it is.
    """
    suffix = f", {of}" if of else ""
    fall = runs.centroid("early") - runs.centroid("final")
    judge(fall, above(LEAST_FALL), name=f"fall of the normalised centroid, early to final{suffix}")


def half_falls(runs: KimRuns) -> Array:
    """Share of the training after which the centroid has fallen halfway, shape (S,)."""
    epochs, centroids = runs.centroids()
    shares = np.array(epochs) / runs.recipe.epochs
    return np.array([half_fall(shares, curve, least=LEAST_FALL) for curve in centroids])


def draw_centroids(
    judge: Judge,
    title: str,
    runs: Mapping[str, KimRuns],
    *,
    traced: tuple[str, ...],
    epochs: tuple[Epoch, ...] = ("early", "middle", "final"),
) -> None:
    """Draw the counterpart of a part of Fig. 4: IC per training, and I_t of some of them.

    Args:
        judge: Of the claim.
        title: Of the figure.
        runs: Trainings by their name in the legend.
        traced: Names of those whose I_t is shown in panels of their own.
        epochs: At which it is shown.
    """
    if not judge.draws:
        return
    centroids = Panel(
        title="Information centroid",
        x_label="share of the training",
        y_label="normalised IC",
        series=tuple(_centroid_curves(name, trained) for name, trained in runs.items()),
    )
    traces = [
        Panel(
            title=name,
            x_label="timestep t",
            y_label="Fisher trace I_t",
            series=tuple(_trace_curves(runs[name], epoch) for epoch in epochs),
        )
        for name in traced
    ]
    judge.figure(
        title,
        "Left: centroid of the Fisher information over the training, 0 for all information in the "
        "first timestep, 1 for all in the last. Then: trace per timestep at some epochs.",
        centroids,
        *traces,
    )


def _centroid_curves(name: str, runs: KimRuns) -> Series:
    epochs, centroids = runs.centroids()
    return curves(name, np.array(epochs) / runs.recipe.epochs, centroids)


def _trace_curves(runs: KimRuns, epoch: Epoch) -> Series:
    times = range(1, runs.recipe.timesteps + 1)
    return curves(f"epoch {runs.epoch(epoch)}", times, runs.trace(epoch))
