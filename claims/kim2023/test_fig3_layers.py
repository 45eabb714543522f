"""Fisher information block by block: Fig. 3."""

from __future__ import annotations

import numpy as np

from claims.kim2023 import recipes
from claims.kim2023.centroids import LEAST_DIFFERENCE
from claims.kim2023.controls import MIXED_BLOCKS
from claims.kim2023.protocol import BLOCKS, FISHER, RELEASE, TRAINING
from claims.kim2023.recipes import KIM2023, PAPER_SETTING
from claims.kim2023.runs import KimRuns, normalised_centroid
from tic.audit import HeatMap, claim
from tic.audit.judge import Judge
from tic.audit.runs import Array
from tic.stats import above

EPOCHS = (20, 120, 300)
"""Of the paper's 300."""


def heat_map(runs: KimRuns, epoch: int) -> HeatMap:
    """Trace per block and timestep, each seed's as a share of its largest."""
    traces = runs.by_block(epoch)
    shares: Array = traces / traces.max((1, 2), keepdims=True)
    return HeatMap(
        title=f"Epoch {epoch}",
        x_label="timestep t",
        y_label="block",
        scale_label="I_t, share of the largest",
        columns=tuple(range(1, traces.shape[2] + 1)),
        rows=tuple(f"block {number}" for number in range(1, traces.shape[1] + 1)),
        values=shares.tolist(),
    )


@claim(
    KIM2023,
    "layers",
    source="Fig. 3",
    says=(
        "In a trained network, deep blocks hold their information at early timesteps and shallow "
        "blocks at late ones."
    ),
    rule=(
        "Mean normalised centroid of the shallowest third of the blocks minus that of the deepest "
        "third above 0.05, after training."
    ),
    needs=recipes.baseline,
    version=2,
    gaps=(*FISHER, *TRAINING, RELEASE, BLOCKS),
    controls=(MIXED_BLOCKS,),
)
def test_deep_blocks_hold_information_early(runs: KimRuns, judge: Judge) -> None:
    centroids = np.array(
        [[normalised_centroid(block) for block in blocks] for blocks in runs.by_block("final")]
    )
    third = max(1, round(centroids.shape[1] / 3))
    difference = centroids[:, :third].mean(1) - centroids[:, -third:].mean(1)
    judge(
        difference,
        above(LEAST_DIFFERENCE),
        name="normalised centroid, shallowest minus deepest third",
    )
    if not judge.draws:
        return
    shares = [epoch / PAPER_SETTING.recipe.epochs for epoch in EPOCHS]
    judge.figure(
        "Counterpart of Fig. 3",
        "Fisher trace of each block per timestep at three epochs, as a share of the largest in its "
        "panel.",
        *(heat_map(runs, epoch) for epoch in dict.fromkeys(map(runs.nearest, shares))),
    )
