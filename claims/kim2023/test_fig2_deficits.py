"""Noise in a window of the input sequence: Fig. 2."""

from __future__ import annotations

from functools import partial

import numpy as np

from claims.kim2023 import recipes
from claims.kim2023.controls import FISHER
from claims.kim2023.protocol import DEFICITS, RELEASE, TRAINING
from claims.kim2023.recipes import KIM2023, PAPER_SETTING, deficit_width
from claims.kim2023.runs import KimRuns
from tic.audit import Panel, claim
from tic.audit.exhibits import curves
from tic.audit.judge import Judge
from tic.stats import above, within

EPOCHS = (1, 20, 40, 140, 300)
"""Of the paper's 300."""


def chosen_epochs(runs: KimRuns) -> list[int]:
    """The paper's epochs as shares of the training, the first as it is."""
    shares = [epoch / PAPER_SETTING.recipe.epochs for epoch in EPOCHS[1:]]
    return list(dict.fromkeys([1, *map(runs.nearest, shares)]))


@claim(
    KIM2023,
    "deficits",
    source="Fig. 2",
    says=(
        "Noise in early timesteps hurts a trained network more than noise in later ones; an "
        "untrained network is hurt alike."
    ),
    rule=(
        "Loss of accuracy with noise in the first window of three of ten timesteps, or the same "
        "share of fewer, minus that in the last: above 1 pp after training, within ±2 pp after "
        "epoch 1, and larger after training than after epoch 1."
    ),
    needs=recipes.baseline,
    version=3,
    gaps=(*TRAINING, RELEASE, DEFICITS),
    controls=FISHER,
)
def test_noise_in_early_timesteps_hurts_more(runs: KimRuns, judge: Judge) -> None:
    width = deficit_width(runs.setting)
    accuracy = {epoch: runs.deficits(epoch, width) for epoch in chosen_epochs(runs)}
    # drop(first) - drop(last): the clean accuracy cancels.
    gap = {epoch: curve[:, -1] - curve[:, 0] for epoch, curve in accuracy.items()}
    final = max(gap)
    # After epoch 1 windows often cost all seeds the same number of images.
    in_points = partial(judge, unit="pp", resolution=runs.resolution)
    in_points(gap[final], above(1), name="drop in the first minus the last window, final")
    in_points(gap[1], within(-2, 2), name="drop in the first minus the last window, epoch 1")
    in_points(gap[final] - gap[1], above(0), name="growth of that difference")
    starts = np.arange(1, runs.recipe.timesteps - width + 2)
    judge.figure(
        "Counterpart of Fig. 2",
        f"Noise in {width} timesteps from t on. Left: accuracy. Right: relative to noise in the "
        "last window.",
        Panel(
            title="Accuracy",
            x_label="first timestep of the window",
            y_label="accuracy (%)",
            series=tuple(curves(f"epoch {e}", starts, curve) for e, curve in accuracy.items()),
        ),
        Panel(
            title="Relative to the last window",
            x_label="first timestep of the window",
            y_label="accuracy (pp)",
            series=tuple(
                curves(f"epoch {e}", starts, curve - curve[:, -1:]) for e, curve in accuracy.items()
            ),
        ),
    )
