"""What the smoke setting of meszaros2024 costs and learns, on seeds that no audit uses.

    python -m benchmarks.meszaros2024_smoke --seeds 900000 900001
    python -m benchmarks.meszaros2024_smoke --candidates

Numbers of epochs, neurons and recordings were taken from a prototype and kept; it shows that they
fit the time that an audit may take. `--candidates` trains cheaper settings beside it, and reckons
from means and spreads over pilot seeds when contrasts of the main claims would be decided at the
confidence of an audit. Direction and margin are the claims'; which verdict it would be is not
looked at. It takes about a quarter of an hour of one core.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np

from benchmarks.deciding import PILOT_SEEDS, Decided, deciding_look
from claims.meszaros2024 import recipes, rival_recipes
from claims.meszaros2024.comparing import difference, of_delays, of_structure
from claims.meszaros2024.recipes import (
    LOW,
    MESZAROS2024,
    PRESERVED,
    SPARSE,
    SPOKEN,
    Structure,
    design,
    role,
)
from claims.meszaros2024.rival_recipes import Finding, Memory, Regrowth
from claims.meszaros2024.runs import MeszarosRuns
from claims.meszaros2024.test_delays import LEAST, NO_DIFFERENCE
from claims.meszaros2024.test_grouping import DENSE, LEAST_JOINT
from claims.meszaros2024.test_grouping import LEAST as LEAST_GROUPED
from claims.meszaros2024.test_structure import LEAST_SELECTED
from tic.audit import Array, Setting, above, below, within
from tic.lab import Lab, exact_arithmetic
from tic.measure.measurement import measure
from tic.measure.robustness import AccuracyMeasurement
from tic.recipe import Recipe
from tic.stats import Region
from tic.train import train

LEAST_SEED = PILOT_SEEDS[0]
"""Audits begin with seed 200 and add one after the other."""
CANDIDATES = ((20, 64, 64), (10, 64, 64), (20, 32, 64), (20, 64, 128))
"""Epochs, hidden neurons and recordings per batch; today's first, then one of them changed."""

Runs = Mapping[str, MeszarosRuns]


def _gains(runs: Runs, structure: Structure) -> list[Array]:
    """What learning delays gains at each sparsity above 0."""
    return [of_delays(runs, structure, sparsity) for sparsity in PRESERVED]


def _kept(runs: Runs) -> Array:
    """Dense minus the better of the rewired."""
    rewired = [runs[role("dynamic", kind, SPARSE)].scored() for kind in recipes.BOTH]
    best: Array = runs[DENSE].scored() - np.maximum(*rewired)
    return best


NO_CHANGE = within(-NO_DIFFERENCE, NO_DIFFERENCE)
CONTRASTS: dict[str, tuple[Callable[[Runs], Array], Region]] = {
    "delays-static": (
        lambda runs: np.mean([of_delays(runs, "dense", 0.0), *_gains(runs, "static")], axis=0),
        above(LEAST),
    ),
    "delays-static at high": (lambda runs: of_delays(runs, "static", SPARSE), above(0)),
    "delays-dynamic": (lambda runs: of_delays(runs, "dynamic", SPARSE), NO_CHANGE),
    "substitution": (
        lambda runs: np.mean(_gains(runs, "static"), 0) - np.mean(_gains(runs, "dynamic"), 0),
        above(LEAST),
    ),
    "structure-over-delays": (
        lambda runs: difference(
            runs, role("dynamic", "fixed", SPARSE), role("static", "learned", SPARSE)
        ),
        above(LEAST),
    ),
    "structure-low": (lambda runs: of_structure(runs, "learned", LOW), NO_CHANGE),
    **{
        f"structure-high, {kind}": (
            lambda runs, kind=kind: of_structure(runs, kind, SPARSE),
            above(NO_DIFFERENCE),
        )
        for kind in recipes.BOTH
    },
    "sparse-accuracy": (_kept, below(NO_DIFFERENCE)),
    "delay-selection": (
        lambda runs: runs[role("dynamic", "fixed", SPARSE)].selection(),
        above(LEAST_SELECTED),
    ),
    "rounding": (
        lambda runs: runs[DENSE].accuracy() - runs[DENSE].blurred_accuracy(),
        within(-LEAST, LEAST),
    ),
    "grouping": (lambda runs: runs[DENSE].grouping(), above(LEAST_GROUPED)),
    "grouping-joint": (lambda runs: runs[DENSE].grouping("bands"), above(LEAST_JOINT)),
    "grouping-dynamic": (
        lambda runs: runs[role("dynamic", "learned", SPARSE)].grouping(),
        above(LEAST_GROUPED),
    ),
}
"""By claim, one of the contrasts that it judges."""


def needed() -> dict[str, Recipe]:
    """Every training of the audit, by its label, parents before what begins from them."""
    roles = (
        recipes.static(SPOKEN),
        recipes.crossed(SPOKEN),
        recipes.dale(SPOKEN),
        recipes.selected(SPOKEN),
        *(rival_recipes.paths(SPOKEN, found) for found in get_args(Finding)),
        rival_recipes.partners(SPOKEN),
        *(rival_recipes.regrown(SPOKEN, regrowth) for regrowth in get_args(Regrowth)),
        rival_recipes.regularised(SPOKEN),
        rival_recipes.blurred(SPOKEN),
        *(rival_recipes.remembering(SPOKEN, tau) for tau in get_args(Memory)),
        rival_recipes.other_bands(SPOKEN),
        rival_recipes.other_labels(SPOKEN),
    )
    return {recipe.label: recipe for by_role in roles for recipe in by_role.values()}


def main() -> None:
    """Print what every training costs and learns, or a row for each candidate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", help="pilot seeds")
    parser.add_argument("--candidates", action="store_true", help="compare cheaper settings")
    flags = parser.parse_args()
    seeds = tuple(flags.seeds or (PILOT_SEEDS if flags.candidates else PILOT_SEEDS[:1]))
    if min(seeds) < LEAST_SEED:
        parser.error(f"seeds below {LEAST_SEED} are for audits, got {min(seeds)}; take others")
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder))
        lab.samples(SPOKEN.recipe.dataset, "train", None)  # made once, and not timed
        with exact_arithmetic(lab.device):
            compare(lab, seeds) if flags.candidates else tell(lab, seeds)


def tell(lab: Lab, seeds: tuple[int, ...]) -> None:
    """Print what every training of the audit costs and learns."""
    print("| training | seed | CPU seconds | test accuracy (%) |\n|---|---|---|---|")
    total = 0.0
    for label, recipe in needed().items():
        for seed in seeds:
            seeded, started = recipe.with_seed(seed), time.process_time()
            train(seeded, lab)
            seconds = time.process_time() - started
            total += seconds
            accuracy = measure(AccuracyMeasurement(epoch=seeded.epochs), seeded, lab)
            name = label.removesuffix("-seed0")
            print(f"| {name} | {seed} | {seconds:.1f} | {accuracy['accuracy']:.1f} |", flush=True)
    print(f"\n{total / len(seeds):.0f} CPU seconds per seed")


def compare(lab: Lab, seeds: tuple[int, ...]) -> None:
    """Print a row for each candidate.

    Seed by seed all candidates are trained in turn, so that whatever else the machine does slows
    all of them alike.
    """
    settings = [candidate(*fields) for fields in CANDIDATES]
    effects: list[dict[str, list[Array]]] = [{name: [] for name in CONTRASTS} for _ in settings]
    accuracies: list[list[Array]] = [[] for _ in settings]
    seconds = [0.0 for _ in settings]
    for seed in seeds:
        for number, setting in enumerate(settings):
            started = time.process_time()
            runs = trained(replace(setting, seeds=(seed,)), lab)
            for name, (effect, _) in CONTRASTS.items():
                effects[number][name].append(effect(runs))
            ends = (DENSE, role("static", "fixed", SPARSE))
            accuracies[number].append(np.concatenate([runs[name].accuracy() for name in ends]))
            seconds[number] += time.process_time() - started
    print("| epochs | hidden | batch | accuracy, dense and sparsest | CPU s per seed ", end="")
    print("| seeds by contrast | half decided |\n|---|---|---|---|---|---|---|")
    assert MESZAROS2024.claims is not None
    for number, fields in enumerate(CANDIDATES):
        looks = {
            name: deciding_look(np.concatenate(values), CONTRASTS[name][1], MESZAROS2024.claims)
            for name, values in effects[number].items()
        }
        decided = Decided(looks, seconds[number] / len(seeds))
        dense, sparse = np.mean(accuracies[number], axis=0)
        print(
            f"| {' | '.join(map(str, fields))} | {dense:.1f} and {sparse:.1f} % "
            f"| {decided.seconds:.1f} | {decided.by_contrast} | {decided.half} |"
        )


def candidate(epochs: int, hidden: int, batch: int) -> Setting:
    """The smoke setting with other sizes."""
    made = design(SPOKEN.recipe).but(hidden=hidden)
    return SPOKEN.but(architecture=made, epochs=epochs, batch_size=batch)


def trained(setting: Setting, lab: Lab) -> dict[str, MeszarosRuns]:
    """What the contrasts compare."""
    made = recipes.static(setting) | recipes.crossed(setting)
    at = {"", *(f"{sparsity:g}" for sparsity in PRESERVED)}
    # Roles of higher sparsities are the same Runs.
    wanted = {name: recipe for name, recipe in made.items() if "".join(name.split(", ")[2:]) in at}
    for recipe in wanted.values():
        for seed in setting.seeds:
            train(recipe.with_seed(seed), lab)
    return {name: MeszarosRuns(recipe, setting, lab) for name, recipe in wanted.items()}


if __name__ == "__main__":
    main()
