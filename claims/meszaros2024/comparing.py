"""Effects that several claims and rivals judge: differences of accuracy between conditions."""

from __future__ import annotations

import numpy as np

from claims.meszaros2024.judging import Roles
from claims.meszaros2024.networks import Delays
from claims.meszaros2024.recipes import BOTH, Structure, role
from tic.audit import Array, Judge, Setting
from tic.stats import Region


def setting_of(runs: Roles) -> Setting:
    """The setting that is audited."""
    return next(iter(runs.values())).setting


def difference(runs: Roles, one: str, other: str) -> Array:
    """Accuracy of one role minus that of another, in percentage points, shape (S,)."""
    return runs[one].scored() - runs[other].scored()


def of_delays(runs: Roles, structure: Structure, sparsity: float) -> Array:
    """What learning delays gains, in percentage points, shape (S,)."""
    learned, fixed = (role(structure, kind, sparsity) for kind in ("learned", "fixed"))
    return difference(runs, learned, fixed)


def of_structure(runs: Roles, delays: Delays, sparsity: float) -> Array:
    """What learning structure gains, in percentage points, shape (S,)."""
    return difference(runs, role("dynamic", delays, sparsity), role("static", delays, sparsity))


def judge_accuracy(
    judge: Judge, runs: Roles, effects: Array, region: Region, name: str, *, parts: int = 1
) -> None:
    """Judge differences of accuracy, or means over so many parts of them.

    Recordings of one voice are alike, so that they are no samples of which others might have been
    drawn each by itself.
    """
    resolution = next(iter(runs.values())).resolution
    judge(effects, region, name=f"accuracy, {name}", unit="pp", resolution=resolution / parts)


def over(runs: Roles, structure: Structure, delays: Delays, sparsities: tuple[float, ...]) -> Array:
    """Accuracies of a condition by sparsity, in percent, shape (S, sparsities)."""
    columns = [runs[role(structure if s else "dense", delays, s)].scored() for s in sparsities]
    return np.stack(columns, axis=1)


def four_curves(runs: Roles, sparsities: tuple[float, ...]) -> dict[str, Array]:
    """Accuracies by sparsity of the four conditions that are there at each."""
    structures: tuple[Structure, ...] = ("static", "dynamic")
    return {
        f"{structure}, {delays} delays": over(runs, structure, delays, sparsities)
        for structure in structures
        for delays in BOTH
        if all(role(structure, delays, s) in runs for s in sparsities if s)
    }
