"""Counterparts of the paper's pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from claims.meszaros2024.runs import MeszarosRuns
from tic.audit import Array, HeatMap, Judge, Panel, curves


def over_sparsity(
    judge: Judge, title: str, at: Sequence[float], accuracies: Mapping[str, Array]
) -> None:
    """Draw accuracies, each of shape (S, sparsities), by the share of synapses that is left."""
    judge.figure(
        title,
        "Accuracy on recordings that were not trained on, by the share of synapses that is dead.",
        Panel(
            title="Accuracy",
            x_label="sparsity",
            y_label="accuracy (%)",
            series=tuple(curves(name, at, values) for name, values in accuracies.items()),
        ),
    )


def signs(title: str, runs: MeszarosRuns) -> HeatMap:
    """Excitation minus inhibition by band and delay, over hidden neurons."""
    maps = runs.sign_maps()
    return HeatMap(
        title=title,
        x_label="delay (timesteps)",
        y_label="band",
        scale_label="mean sign",
        columns=tuple(range(maps.shape[2])),
        rows=tuple(range(maps.shape[1])),
        values=np.asarray(maps).tolist(),
        centre=0,
    )
