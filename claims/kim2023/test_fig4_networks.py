"""Concentration on other data sets and in other networks: Fig. 4e, 4f."""

from __future__ import annotations

import math

import pytest

from claims.kim2023 import controls, recipes
from claims.kim2023.centroids import LEAST_DIFFERENCE, draw_centroids, judge_fall
from claims.kim2023.protocol import FISHER, RELEASE, TRAINING
from claims.kim2023.recipes import DATASETS, KIM2023
from claims.kim2023.runs import KimRuns
from claims.kim2023.soundness import require_learning
from tic.audit import claim
from tic.audit.judge import Judge
from tic.stats import above


@claim(
    KIM2023,
    "datasets",
    source="Fig. 4e",
    says="CIFAR-10, SVHN and Fashion-MNIST all show concentration.",
    rule=(
        "On the data set: ic(early) - ic(final) above 0.05. The networks must have learned: at "
        "least twice the accuracy of guessing. The statement holds when it holds on all three."
    ),
    needs=recipes.on_dataset,
    version=3,
    gaps=(*FISHER, *TRAINING, RELEASE),
    controls=controls.FISHER,
)
@pytest.mark.parametrize("images", DATASETS)
def test_data_sets_show_concentration(runs: KimRuns, judge: Judge, images: str) -> None:
    require_learning(judge, runs, images)
    judge_fall(runs, judge, images)
    draw_centroids(judge, f"Counterpart of Fig. 4e, {images}", {images: runs}, traced=(images,))


@claim(
    KIM2023,
    "architectures",
    source="Fig. 4f",
    says=(
        "AlexNet, ResNet-19 and ResNet-34 show concentration; AlexNet's centroid stays higher, and "
        "ResNet-34 holds its information in the first three of ten timesteps."
    ),
    rule=(
        "For each network: ic(early) - ic(final) above 0.05. Final ic(AlexNet) - ic(ResNet-19) "
        "above 0.05. Share of I_t in the first ceil(0.3 T) timesteps of ResNet-34 above 0.5."
    ),
    needs=recipes.architectures,
    version=2,
    gaps=(*FISHER, *TRAINING, RELEASE),
    controls=(*controls.FISHER, controls.MIXED_NETWORKS),
)
def test_networks_show_concentration(runs: dict[str, KimRuns], judge: Judge) -> None:
    for name, varied in runs.items():
        judge_fall(varied, judge, name)
    judge(
        runs["AlexNet"].centroid() - runs["ResNet-19"].centroid(),
        above(LEAST_DIFFERENCE),
        name="final normalised centroid, AlexNet minus ResNet-19",
    )
    trace = runs["ResNet-34"].trace()
    first = math.ceil(0.3 * trace.shape[1])
    judge(
        trace[:, :first].sum(1) / trace.sum(1),
        above(0.5),
        name=f"share of information of ResNet-34 in timesteps 1 to {first}",
    )
    draw_centroids(judge, "Counterpart of Fig. 4f", runs, traced=("AlexNet", "ResNet-34"))
    trained = ", ".join(
        f"{varied.recipe.architecture.name} for {name}" for name, varied in runs.items()
    )
    judge.note(f"Networks trained here: {trained}.")
