"""Trainings that rivals need beside those of the claims that they threaten."""

from __future__ import annotations

from typing import Literal

from claims.meszaros2024.networks import Delays
from claims.meszaros2024.recipes import (
    ASKED_HIGH,
    BOTH,
    HIGH,
    OTHER,
    SPARSE,
    capped,
    condition,
    conditions,
    dense,
    design,
    high,
    reused,
    role,
    static,
    upto_static,
)
from claims.meszaros2024.rules import LinkedMask
from tic.audit import NotApplicableError, Recipe, Setting
from tic.rewiring import FixedMask, Rewiring

Finding = Literal["linked", "reused"]


def paths(setting: Setting, found: Finding) -> dict[str, Recipe]:
    """Rewired networks at high sparsities, and static ones whose masks have paths."""
    made = conditions(setting, ("dynamic",), ("fixed",), ASKED_HIGH)
    for sparsity in ASKED_HIGH:
        static = condition(setting, "static", "fixed", sparsity)
        made[beside(sparsity)] = (
            static.but(rules=(LinkedMask(capped(setting, sparsity)),))
            if found == "linked"
            else reused(setting, sparsity, "permuted")
        )
    return made


def beside(sparsity: float) -> str:
    """Name what is compared at a sparsity."""
    return f"{OTHER}, {sparsity:g}"


def partners(setting: Setting) -> dict[str, Recipe]:
    """Static and rewired at high sparsities, with fixed delays and without any."""
    return conditions(setting, ("static", "dynamic"), ("none", "fixed"), ASKED_HIGH)


Regrowth = Literal["random", "absolute"]


def regrown(setting: Setting, regrowth: Regrowth) -> dict[str, Recipe]:
    """Rewired networks at high sparsities, and such whose synapses are reborn otherwise."""
    made = conditions(setting, ("dynamic",), ("fixed",), ASKED_HIGH)
    return made | {
        beside(s): made[role("dynamic", "fixed", s)].but(
            rules=(Rewiring(capped(setting, s), regrowth=regrowth),)
        )
        for s in ASKED_HIGH
    }


def regularised(setting: Setting) -> dict[str, Recipe]:
    """Rewired networks at high sparsities, and static ones that keep signs as these do."""
    made = conditions(setting, ("dynamic",), ("fixed",), ASKED_HIGH)
    return made | {
        beside(s): made[role("dynamic", "fixed", s)].but(
            rules=(FixedMask(capped(setting, s), signs="synapse"),)
        )
        for s in ASKED_HIGH
    }


def blurred(setting: Setting) -> dict[str, Recipe]:
    """Dense with learned delays, and with fixed ones that are blurred alike."""
    return dense(setting) | {OTHER: condition(setting, "dense", "blurred")}


Memory = Literal["twice", "four-times", "trained"]


def remembering(setting: Setting, tau: Memory) -> dict[str, Recipe]:
    """Dense with learned delays, and without delays but with a longer memory."""
    recipe = condition(setting, "dense", "none")
    made = design(recipe)
    longer = {
        "twice": made.but(tau=2 * made.tau),
        "four-times": made.but(tau=4 * made.tau),
        "trained": made.but(trained_tau=True),
    }
    return dense(setting) | {OTHER: recipe.but(architecture=longer[tau])}


def changed_data(setting: Setting, **fields: object) -> dict[str, Recipe]:
    """Dense with learned delays, and the same trained on recordings that were changed.

    Raises:
        NotApplicableError: The data set cannot be changed so.
    """
    made = dense(setting)
    recipe = made[role("dense", "learned")]
    dataset = recipe.dataset
    if lacking := [name for name in fields if not hasattr(dataset, name)]:
        raise NotApplicableError(f"{dataset.name} has no other {' or '.join(lacking)} to train on")
    return made | {OTHER: recipe.but(dataset=dataset.but(**fields))}


def other_bands(setting: Setting) -> dict[str, Recipe]:
    """Dense, and the same trained on bands that were permuted once for all recordings."""
    return changed_data(setting, frequencies="permuted")


def other_labels(setting: Setting) -> dict[str, Recipe]:
    """Dense, and the same trained on labels that were permuted among recordings."""
    return changed_data(setting, labels="permuted")


def compared(setting: Setting, of: str) -> list[tuple[str, str]]:
    """Pairs of roles that a claim compares, the one that it says gains first."""
    if of == "delays-static":
        at = upto_static(setting)
        pairs = [(role("dense", "learned"), role("dense", "fixed"))]
        return pairs + [(role("static", "learned", s), role("static", "fixed", s)) for s in at]
    last = high(setting)[-1]
    rewired = role("dynamic", "fixed", last)
    other: Delays = "fixed" if of == "structure-high" else "learned"
    return [(rewired, role("static", other, last))]


def chosen(setting: Setting, of: str) -> dict[str, Recipe]:
    """Runs that a claim compares, of which the best epoch may be chosen."""
    if of == "delays-static":
        return static(setting)
    return conditions(setting, ("static", "dynamic"), BOTH, (SPARSE, HIGH[-1]))
