"""What the smoke setting of meszaros2024 costs and learns, on seeds that no audit uses.

    python -m benchmarks.meszaros2024_smoke --seeds 900000 900001

Numbers of epochs, neurons and recordings were taken from a prototype and kept; it shows that they
fit the time that an audit may take.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import get_args

from claims.meszaros2024 import recipes, rival_recipes
from claims.meszaros2024.recipes import SPOKEN
from claims.meszaros2024.rival_recipes import Finding, Memory, Regrowth
from tic.lab import Lab
from tic.measure.measurement import measure
from tic.measure.robustness import AccuracyMeasurement
from tic.recipe import Recipe
from tic.train import train

LEAST = 900_000
"""Audits begin with seed 200 and add one after the other."""


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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[LEAST])
    flags = parser.parse_args()
    if min(flags.seeds) < LEAST:
        parser.error(f"seeds below {LEAST} are for audits, got {min(flags.seeds)}; take others")
    print("| training | seed | CPU seconds | test accuracy (%) |\n|---|---|---|---|")
    total = 0.0
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder))
        for label, recipe in needed().items():
            lab.samples(recipe.dataset, "train", recipe.train_size)  # made once, and not timed
            for seed in flags.seeds:
                seeded, started = recipe.with_seed(seed), time.process_time()
                train(seeded, lab)
                seconds = time.process_time() - started
                total += seconds
                accuracy = measure(AccuracyMeasurement(epoch=seeded.epochs), seeded, lab)
                name = label.removesuffix("-seed0")
                print(
                    f"| {name} | {seed} | {seconds:.1f} | {accuracy['accuracy']:.1f} |", flush=True
                )
    print(f"\n{total / len(flags.seeds):.0f} CPU seconds per seed")


if __name__ == "__main__":
    main()
