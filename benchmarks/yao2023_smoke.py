"""What the smoke settings of yao2023 cost and learn, on seeds that no audit uses.

    python -m benchmarks.yao2023_smoke --seeds 900000 900001

Size, epochs and learning rate were chosen with it, by accuracy and time alone. `--charges` prints
the firing rates that rate penalties lead to, beside the module's, by which the one in
`CHARGES` was matched.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from claims.yao2023 import recipes
from claims.yao2023.measuring import FiringMeasurement
from claims.yao2023.recipes import DATA, KINDS, MOTION, PLAIN, changed
from tic.lab import Lab
from tic.measure.measurement import measure
from tic.measure.robustness import AccuracyMeasurement
from tic.recipe import Recipe
from tic.train import train

LEAST = 900_000
"""Audits begin with seed 100 and add one after the other."""


def needed() -> dict[str, Recipe]:
    """Every training of the audit, by its label."""
    roles = (
        *(
            by_role
            for data in DATA
            for by_role in (recipes.constant(MOTION, data), recipes.gains(MOTION, data))
        ),
        recipes.single(MOTION),
        recipes.random_split(MOTION),
        recipes.shares(MOTION),
        recipes.learned(MOTION),
        recipes.higher_threshold(MOTION),
        recipes.penalised(MOTION),
        *(recipes.another_attention(MOTION, kind) for kind in KINDS),
        recipes.untied(MOTION, "time"),
        recipes.untied(MOTION, "space"),
        recipes.tuned(MOTION),
    )
    return {recipe.label: recipe for by_role in roles for recipe in by_role.values()}


def charged(charges: list[float]) -> dict[str, Recipe]:
    """The pair, and the plain network with several penalties."""
    pair = recipes.pair(MOTION)
    made = [changed(pair[PLAIN], charge=charge) for charge in charges]
    return {recipe.label: recipe for recipe in (*pair.values(), *made)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[LEAST])
    parser.add_argument("--charges", type=float, nargs="+", help="match the rate penalty")
    flags = parser.parse_args()
    if min(flags.seeds) < LEAST:
        parser.error(f"seeds below {LEAST} are for audits, got {min(flags.seeds)}; take others")
    print(
        "| training | seed | CPU seconds | test accuracy (%) | firing rate |\n|---|---|---|---|---|"
    )
    total = 0.0
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder))
        for label, recipe in (charged(flags.charges) if flags.charges else needed()).items():
            lab.samples(recipe.dataset, "train", recipe.train_size)  # made once, and not timed
            for seed in flags.seeds:
                seeded, started = recipe.with_seed(seed), time.process_time()
                train(seeded, lab)
                seconds = time.process_time() - started
                total += seconds
                accuracy = measure(AccuracyMeasurement(epoch=seeded.epochs), seeded, lab)
                fired = measure(FiringMeasurement(epoch=seeded.epochs), seeded, lab)
                name = label.removesuffix("-seed0")
                print(
                    f"| {name} | {seed} | {seconds:.1f} | {accuracy['accuracy']:.1f} | "
                    f"{fired['neurons']:.3f} |",
                    flush=True,
                )
    print(f"\n{total / len(flags.seeds):.0f} CPU seconds per seed")


if __name__ == "__main__":
    main()
