"""Counterparts of the paper's pictures, and of its numbers as far as they are known."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from claims.yao2023.measuring import EDGES
from claims.yao2023.paper import RELEASE, row
from claims.yao2023.recipes import ATTENTION, PLAIN
from claims.yao2023.runs import YaoRuns
from tic.audit import Array, Bars, Histogram, Images, Judge, Recipe, Unknown

NAMES = {PLAIN: "without the module", ATTENTION: "with the module"}
SHOWN = 8
"""Channels of a picture."""


def beside_rates(judge: Judge, data: Recipe, rates: Mapping[str, Array]) -> None:
    """Set firing rates beside those of the README's table."""
    known = row(data.dataset.name)
    reported = {PLAIN: known.rate, ATTENTION: known.attention_rate}
    _beside_row(judge, f"firing rate {{}}, {known.data}", "", reported, rates)


def beside_accuracies(judge: Judge, data: Recipe, accuracies: Mapping[str, Array]) -> None:
    """Set accuracies beside those of the README's table."""
    known = row(data.dataset.name)
    reported = {PLAIN: known.accuracy, ATTENTION: known.attention_accuracy}
    _beside_row(judge, f"accuracy {{}}, {known.data}", "%", reported, accuracies)


def _beside_row(
    judge: Judge,
    quantity: str,
    unit: str,
    reported: Mapping[str, float | Unknown],
    measured: Mapping[str, Array],
) -> None:
    for name, values in measured.items():
        judge.compare(
            quantity.format(NAMES[name]),
            RELEASE,
            unit=unit,
            reported=reported[name],
            measured=values,
        )


def layer_bars(title: str, named: Mapping[str, YaoRuns]) -> Bars:
    """Firing rate by layer, of several networks."""
    layers, rates = zip(*(runs.layer_rates() for runs in named.values()), strict=True)
    return Bars(
        title=title,
        scale_label="spikes per neuron and timestep",
        groups=tuple(layers[0]),
        bars=tuple(named),
        values=np.stack(rates, axis=2).tolist(),
    )


def potentials(title: str, named: Mapping[str, YaoRuns]) -> Histogram:
    """How potentials are distributed, over all seeds."""
    return Histogram(
        title=title,
        x_label="potential",
        edges=EDGES,
        series=tuple(named),
        counts=tuple(
            tuple(runs.potential("counts").sum(0).astype(int).tolist()) for runs in named.values()
        ),
        shares=True,
        overlaid=True,
    )


def feature_maps(title: str, runs: YaoRuns, layer: int, timestep: int) -> Images:
    """Mean maps of the first channels of a convolution, of the first seed."""
    maps = runs.maps(layer, timestep)[0][:SHOWN]
    return Images(
        title=title,
        scale_label="firing rate",
        names=tuple(f"channel {number + 1}" for number in range(len(maps))),
        images=maps.tolist(),
    )
