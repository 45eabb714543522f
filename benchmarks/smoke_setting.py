"""Choose the smoke setting of Kim 2023 by what it decides for its cost: how it was chosen.

Trains each candidate with pilot seeds, which no audit uses, measures what some of the claims are
about, and reckons from means and spreads when each contrast would be decided at the confidence of
an audit. Direction and margin are the claims'; which verdict it would be is not looked at.

Run with `python -m benchmarks.smoke_setting`; it takes some minutes of one core per candidate.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.deciding import PILOT_SEEDS, Decided, deciding_look
from claims.kim2023 import recipes
from claims.kim2023.centroids import LEAST_DIFFERENCE, LEAST_FALL, half_falls
from claims.kim2023.recipes import KIM2023, SMOKE_SETTING, alphas, baseline, learning_rates
from claims.kim2023.runs import KimRuns
from claims.kim2023.test_fig4_factors import LEAST_DELAY
from claims.kim2023.test_fig5_alpha import LEAST_RATIO
from tic.audit import Setting
from tic.audit.runs import Array
from tic.lab import Lab, exact_arithmetic
from tic.losses import AlphaLoss
from tic.recipe import Recipe
from tic.stats import Region, above, within
from tic.train import train

CANDIDATES = ((30, 64, 128), (15, 64, 128), (10, 64, 64), (15, 128, 64), (10, 128, 64), (6, 64, 64))
"""Epochs, images per batch, and images for Fisher information."""
LEVELS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4)
"""Of the α loss, for the choice of three that are reached."""

Runs = dict[str, KimRuns]
CONTRASTS: dict[str, tuple[Callable[[Runs], Array], Region]] = {
    "fall of the centroid": (
        lambda runs: runs["reference"].centroid("early") - runs["reference"].centroid("final"),
        above(LEAST_FALL),
    ),
    "later at lr 0.08": (
        lambda runs: half_falls(runs["lr 0.08"]) - half_falls(runs["reference"]),
        above(LEAST_DELAY),
    ),
    "centroid by weight decay": (
        lambda runs: runs["weight decay 0.001"].centroid() - runs["reference"].centroid(),
        within(-LEAST_DIFFERENCE, LEAST_DIFFERENCE),
    ),
    "information by α": (
        lambda runs: np.log(runs["high"].trace().sum(1) / runs["low"].trace().sum(1)),
        above(LEAST_RATIO),
    ),
    **{
        f"accuracy, {name}": (
            lambda runs, name=name: runs[name].accuracy() - runs["reference"].accuracy(),
            within(-1, 1),
        )
        for name in ("T = 6", "lr 0.08", "weight decay 0.001", "high")
    },
}


def main() -> None:
    """Print a row for each candidate, and what the α loss reaches in the last of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, default=Path(".tic/pilot"), help="folder of Runs")
    parser.add_argument("--seeds", type=int, default=len(PILOT_SEEDS), help="pilot seeds")
    parser.add_argument("--only", type=int, nargs="*", help="numbers of candidates")
    asked = parser.parse_args()
    lab, seeds = Lab(asked.store.absolute()), PILOT_SEEDS[: asked.seeds]
    print("| epochs | batch | Fisher | accuracy | s per seed | seeds by contrast | half decided |")
    print("|---|---|---|---|---|---|---|")
    chosen = range(len(CANDIDATES)) if asked.only is None else asked.only
    with exact_arithmetic(lab.device):
        for epochs, batch, images in (CANDIDATES[number] for number in chosen):
            setting = replace(
                SMOKE_SETTING.but(epochs=epochs, batch_size=batch, train_size=None),
                seeds=seeds,
                sizes={**SMOKE_SETTING.sizes, "fisher": images, "test": None},
            )
            print(row(setting, lab), flush=True)
            print(reached(setting, lab), flush=True)


def row(setting: Setting, lab: Lab) -> str:
    """Train and measure a candidate; tell when its contrasts would be decided."""
    started = time.process_time()
    runs = {
        name: _trained(recipe, setting, lab)
        for name, recipe in {
            "reference": baseline(setting),
            "T = 6": recipes.timesteps(setting)["T = 6"],
            "lr 0.08": learning_rates(setting)["lr 0.08"],
            "weight decay 0.001": recipes.weight_decays(setting)["weight decay 0.001"],
            **{
                level: recipe
                for level, recipe in alphas(setting).items()
                if level != "intermediate"
            },
        }.items()
    }
    assert KIM2023.claims is not None
    looks = {
        name: deciding_look(effects(runs), region, KIM2023.claims)
        for name, (effects, region) in CONTRASTS.items()
    }
    decided = Decided(looks, (time.process_time() - started) / len(setting.seeds))
    recipe, sizes = setting.recipe, setting.sizes
    accuracy = runs["reference"].accuracy().mean()
    return (
        f"| {recipe.epochs} | {recipe.batch_size} | {sizes['fisher']} | {accuracy:.1f} % "
        f"| {decided.seconds:.1f} | {decided.by_contrast} | {decided.half} |"
    )


def reached(setting: Setting, lab: Lab) -> str:
    """Mean training loss that the α loss ends at, for each level: those near it are reached."""
    setting = replace(setting, seeds=setting.seeds[:2])
    ends = {
        alpha: _trained(setting.recipe.but(loss=AlphaLoss(alpha)), setting, lab).final_losses()
        for alpha in LEVELS
    }
    return "α reached: " + ", ".join(f"{alpha:g} → {end.mean():.3g}" for alpha, end in ends.items())


def _trained(recipe: Recipe, setting: Setting, lab: Lab) -> KimRuns:
    for seed in setting.seeds:
        train(recipe.with_seed(seed), lab)
    return KimRuns(recipe, setting, lab)


if __name__ == "__main__":
    main()
