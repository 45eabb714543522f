"""Counterparts of the paper's figures: layer by layer, over depth, over time."""

from __future__ import annotations

from collections.abc import Mapping

from claims.li2023.runs import Similarities
from tic.audit import Array, HeatMap, Panel, curves


def heat_map(title: str, similar: Similarities, *, rows: str, columns: str) -> HeatMap:
    """Similarity of every layer with every other."""
    return HeatMap(
        title=title,
        x_label=columns,
        y_label=rows,
        scale_label="debiased CKA",
        columns=similar.layers,
        rows=similar.layers,
        values=similar.cells(),  # type: ignore[arg-type]  # pydantic makes tuples of it
        span=(0, 1),
    )


def over_layers(title: str, named: Mapping[str, Similarities]) -> Panel:
    """Similarity of layers of one name, from the input on."""
    return Panel(
        title=title,
        x_label="layer, from the input on",
        y_label="debiased CKA",
        series=tuple(
            curves(name, range(1, len(similar.layers) + 1), similar.of(similar.layers))
            for name, similar in named.items()
        ),
    )


def over_blocks(title: str, y_label: str, named: Mapping[str, Array]) -> Panel:
    """A number of every block, from the input on; each of shape (S, blocks)."""
    return Panel(
        title=title,
        x_label="block, from the input on",
        y_label=y_label,
        series=tuple(
            curves(name, range(1, values.shape[1] + 1), values) for name, values in named.items()
        ),
    )


def over_conditions(title: str, x_label: str, x: list[float], named: Mapping[str, Array]) -> Panel:
    """A number under several conditions; each of shape (S, conditions)."""
    return Panel(
        title=title,
        x_label=x_label,
        y_label="mean debiased CKA",
        series=tuple(curves(name, x, values) for name, values in named.items()),
    )


def timesteps_apart(title: str, apart: Array) -> HeatMap:
    """Similarity of every timestep with every other at one block, shape (S, T, T)."""
    times = tuple(f"t = {t}" for t in range(1, apart.shape[1] + 1))
    return HeatMap(
        title=title,
        x_label="timestep",
        y_label="timestep",
        scale_label="debiased CKA",
        columns=times,
        rows=times,
        values=apart.tolist(),
        span=(0, 1),
    )
