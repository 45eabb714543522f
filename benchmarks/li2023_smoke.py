"""What the smoke setting of li2023 costs and learns, on seeds that no audit uses.

    python -m benchmarks.li2023_smoke --seeds 0 1

Epochs and batch size were chosen with it, by accuracy and time alone: no similarity is measured.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from claims.li2023 import recipes
from claims.li2023.recipes import SMOKE
from tic.lab import Lab
from tic.measure.measurement import measure
from tic.measure.robustness import AccuracyMeasurement
from tic.recipe import Recipe
from tic.train import train

MOST = 9
"""Audits begin with seed 10."""


def needed() -> dict[str, Recipe]:
    """Every training of the audit, by its label."""
    roles = (
        recipes.both_ways(SMOKE),
        recipes.widths(SMOKE),
        recipes.twin_widths(SMOKE),
        recipes.depths(SMOKE),
        recipes.twin_depths(SMOKE),
        recipes.factor(SMOKE, "timesteps"),
        recipes.factor(SMOKE, "leak"),
        recipes.streams(SMOKE),
    )
    return {recipe.label: recipe for by_role in roles for recipe in by_role.values()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], choices=range(MOST + 1))
    parser.add_argument("--epochs", type=int, default=SMOKE.recipe.epochs)
    parser.add_argument("--batch-size", type=int, default=SMOKE.recipe.batch_size)
    flags = parser.parse_args()
    print("| training | seed | CPU seconds | test accuracy (%) |\n|---|---|---|---|")
    total = 0.0
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder))
        for label, recipe in needed().items():
            changed = recipe.but(epochs=flags.epochs, batch_size=flags.batch_size)
            for seed in flags.seeds:
                seeded, started = changed.with_seed(seed), time.process_time()
                train(seeded, lab)
                seconds = time.process_time() - started
                total += seconds
                accuracy = measure(AccuracyMeasurement(epoch=seeded.epochs), seeded, lab)
                name = label.removesuffix("-seed0")
                print(f"| {name} | {seed} | {seconds:.1f} | {accuracy['accuracy']:.1f} |")
    print(f"\n{total / len(flags.seeds):.0f} CPU seconds per seed")


if __name__ == "__main__":
    main()
