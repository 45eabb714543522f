"""Rival: information is early because the read-outs of early prefixes stay unfitted."""

from __future__ import annotations

import math

import numpy as np
import pytest

from claims.kim2023 import recipes, rival_recipes
from claims.kim2023.centroids import LEAST_FALL, draw_centroids
from claims.kim2023.recipes import DATASETS, KIM2023
from claims.kim2023.runs import KimRuns, normalised_centroid
from claims.kim2023.soundness import require_learning
from tic.audit import Panel, rival
from tic.audit.exhibits import curves
from tic.audit.judge import Judge
from tic.audit.runs import Array, Epoch
from tic.stats import above, below

TWIN = (
    "In a twin that is trained with cross-entropy on every prefix, instead of on the mean over T "
    "alone, "
)
TWIN_RULE = "In the twin, ic(early) - ic(final) below 0.05"
TWIN_NOTE = (
    "If concentration is about how a spiking network processes time, it must survive in the twin. "
    "If it is about read-outs that nobody trained, it goes."
)


def _falls(parts: tuple[Array, ...]) -> Array:
    """Fall of the normalised centroid between two epochs, (S, T) each to (S,)."""
    early, final = (np.array([normalised_centroid(row) for row in part]) for part in parts)
    fall: Array = early - final
    return fall


@rival(
    KIM2023,
    "unfitted-readouts",
    of=("concentration",),
    source="Fig. 1, Eq. 6-7",
    says=(
        "What moves to the early timesteps is the output error of prefixes that are not trained, "
        "not the sensitivity of the network."
    ),
    rule=(
        "I_t is δᵀKδ per image, with the output error δ = p - e_y and the tangent kernel K of the "
        "prefix. Fall of the normalised centroid from early to final: of ‖δ‖² above 0.05, of the "
        "trace of K below 0.05."
    ),
    needs=recipes.baseline,
)
def test_only_the_output_error_moves(runs: KimRuns, judge: Judge) -> None:
    epochs: tuple[Epoch, ...] = ("untrained", "early", "final")
    errors, kernels = zip(*(runs.tangent(epoch) for epoch in epochs), strict=True)
    judge(
        _falls(errors[1:]),
        above(LEAST_FALL),
        name="fall of the normalised centroid of the output error ‖δ_t‖²",
    )
    judge(
        _falls(kernels[1:]),
        below(LEAST_FALL),
        name="fall of the normalised centroid of the tangent kernel's trace",
    )
    times = range(1, runs.recipe.timesteps + 1)
    judge.figure(
        "Fisher information in two parts",
        "I_t is large where the output error is large, where the logits are sensitive to the "
        "weights, or both.",
        *(
            Panel(
                title=title,
                x_label="timestep t",
                y_label=label,
                log_y=True,
                series=tuple(
                    curves(f"epoch {runs.epoch(epoch)}", times, values)
                    for epoch, values in zip(epochs, parts, strict=True)
                ),
            )
            for title, label, parts in (
                ("Output error", "mean ‖δ_t‖²", errors),
                ("Sensitivity", "mean trace of K_t", kernels),
            )
        ),
    )


def _judge_twin(runs: KimRuns, judge: Judge, of: str = "") -> None:
    suffix = f", {of}" if of else ""
    judge(
        runs.centroid("early") - runs.centroid("final"),
        below(LEAST_FALL),
        name=f"fall of the normalised centroid in the twin, early to final{suffix}",
    )


@rival(
    KIM2023,
    "fitted-twin",
    of=("concentration",),
    source="Fig. 1, Eq. 6-7",
    says=f"{TWIN}information does not move to the early timesteps.",
    rule=f"{TWIN_RULE}.",
    needs=rival_recipes.twin,
    notes=(TWIN_NOTE,),
)
def test_nothing_moves_in_the_twin(runs: KimRuns, judge: Judge) -> None:
    _judge_twin(runs, judge)
    draw_centroids(judge, "Fig. 1 in the twin", {"twin": runs}, traced=("twin",))


@rival(
    KIM2023,
    "fitted-twin-share",
    of=("concentrated",),
    source="Fig. 1, abstract",
    says=f"{TWIN}information is not concentrated in the first few timesteps.",
    rule="In the twin, the share of the summed I_t in the first ceil(0.3 T) timesteps below 0.5.",
    needs=rival_recipes.twin,
    notes=(TWIN_NOTE,),
)
def test_the_twin_holds_information_throughout(runs: KimRuns, judge: Judge) -> None:
    trace = runs.trace("final")
    first = math.ceil(0.3 * trace.shape[1])
    judge(
        trace[:, :first].sum(1) / trace.sum(1),
        below(0.5),
        name=f"share of information in timesteps 1 to {first} of the twin",
    )


@rival(
    KIM2023,
    "fitted-twin-timesteps",
    of=("timesteps",),
    source="Fig. 4a",
    says=f"{TWIN}information does not move to the early timesteps, whatever T.",
    rule=f"{TWIN_RULE}, for each T.",
    needs=rival_recipes.twin_timesteps,
    notes=(TWIN_NOTE,),
)
def test_nothing_moves_in_twins_of_any_length(runs: dict[str, KimRuns], judge: Judge) -> None:
    for name, trained in runs.items():
        _judge_twin(trained, judge, name)
    draw_centroids(judge, "Fig. 4a in the twins", runs, traced=())


@rival(
    KIM2023,
    "fitted-twin-datasets",
    of=("datasets",),
    source="Fig. 4e",
    says=f"{TWIN}information does not move to the early timesteps on this data set either.",
    rule=f"{TWIN_RULE}, on the data set. It must have learned.",
    needs=rival_recipes.twin_on_dataset,
    version=2,
    notes=(TWIN_NOTE,),
)
@pytest.mark.parametrize("images", DATASETS)
def test_nothing_moves_in_twins_on_other_images(runs: KimRuns, judge: Judge, images: str) -> None:
    require_learning(judge, runs, f"twin, {images}")
    _judge_twin(runs, judge, images)
    draw_centroids(judge, f"Fig. 4e in the twin, {images}", {images: runs}, traced=(images,))
