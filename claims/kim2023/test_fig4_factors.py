"""What moves concentration and what does not: timesteps, τ, weight decay, learning rate, Fig. 4."""

from __future__ import annotations

import numpy as np

from claims.kim2023 import controls, recipes
from claims.kim2023.centroids import (
    LEAST_DIFFERENCE,
    draw_centroids,
    half_falls,
    judge_fall,
)
from claims.kim2023.paper import TRANSITION
from claims.kim2023.protocol import (
    DECAYS,
    FISHER,
    HALF_FALL,
    LEAK,
    RATES,
    RELEASE,
    TRAINING,
    UNIFORM,
)
from claims.kim2023.recipes import CHECKPOINTS, KIM2023, LEARNING_RATES, TIMESTEPS, WEIGHT_DECAYS
from claims.kim2023.runs import KimRuns
from claims.kim2023.soundness import require_learning
from tic.audit import as_kind, claim
from tic.audit.control import PERMUTED_LABELS
from tic.audit.judge import Judge
from tic.fitting import CosineSGD
from tic.models import Spiking
from tic.stats import above, within

REFERENCE_DECAY = f"weight decay {WEIGHT_DECAYS[1]:g}"
REFERENCE_RATE = f"lr {LEARNING_RATES[2]:g}"
REFERENCE = REFERENCE_RATE
LEAST_DELAY = 1 / CHECKPOINTS
"""Share of the training by which a fall must come later to count: with as many checkpoints as in
the paper's setting, less cannot be seen."""


def trained(role: str, runs: KimRuns) -> str:
    """Name a training; a protocol may take another τ than the role's, or dampen for its decay."""
    if role.startswith("τ"):
        return f"τ = {as_kind(runs.recipe.architecture, Spiking).tau:.3g}"
    dampening = as_kind(runs.recipe.fitting, CosineSGD).dampening
    if role.startswith("weight decay") and dampening:
        return f"dampening {dampening:g}"
    return role


@claim(
    KIM2023,
    "timesteps",
    source="Fig. 4a",
    says=(
        "Concentration shows for T = 4, 6, 8 and 10, and the longer T, the later the fall of the "
        "centroid."
    ),
    rule=(
        "For each T: ic(early) - ic(final) above 0.05. The epoch of half fall at T = 10 minus that "
        "at T = 4 above 1/15 of the training, the paper's distance between checkpoints."
    ),
    needs=recipes.timesteps,
    version=2,
    gaps=(*FISHER, *TRAINING, RELEASE, UNIFORM, HALF_FALL),
    controls=controls.FISHER,
)
def test_longer_sequences_concentrate_later(runs: dict[str, KimRuns], judge: Judge) -> None:
    for name, varied in runs.items():
        judge_fall(varied, judge, name)
    falls = np.stack([half_falls(varied) for varied in runs.values()], axis=1)
    judge(
        falls[:, -1] - falls[:, 0],
        above(LEAST_DELAY),
        name=f"epoch of half fall, T = {TIMESTEPS[-1]} minus T = {TIMESTEPS[0]}",
        unit="of training",
    )
    judge.compare(
        "epoch of half fall at T = 10, share of the training",
        "text on Fig. 4a",
        unit="",
        reported=round(TRANSITION, 3),
        measured=falls[:, -1],
    )
    names = tuple(runs)
    draw_centroids(judge, "Counterpart of Fig. 4a", runs, traced=(names[0], names[-1]))
    ours = ", ".join(f"{varied.recipe.timesteps} for {name}" for name, varied in runs.items())
    judge.note(f"Timesteps trained here: {ours}; T = {TIMESTEPS[-1]} is the reference.")


@claim(
    KIM2023,
    "time-constant",
    source="Fig. 4b",
    says="The larger the time constant τ, the longer information stays at late timesteps.",
    rule="Normalised centroid at mid-training, τ = 4 minus τ = 0.75 and minus τ = 2, above 0.05.",
    needs=recipes.time_constants,
    version=3,
    gaps=(*FISHER, *TRAINING, RELEASE, LEAK),
    controls=(controls.MIXED_TAUS,),
)
def test_larger_time_constants_keep_information_late(
    runs: dict[str, KimRuns], judge: Judge
) -> None:
    shown = {trained(role, varied): varied for role, varied in runs.items()}
    names = tuple(shown)
    middle = [varied.centroid("middle") for varied in runs.values()]
    for name, centroid in zip(names[:-1], middle, strict=False):
        judge(
            middle[-1] - centroid,
            above(LEAST_DIFFERENCE),
            name=f"mid-training normalised centroid, {names[-1]} minus {name}",
        )
    draw_centroids(judge, "Counterpart of Fig. 4b", shown, traced=(names[0], names[-1]))


@claim(
    KIM2023,
    "weight-decay",
    source="Fig. 4c",
    says="Weight decay makes no significant difference to concentration.",
    rule="Final normalised centroid within ±0.05 of that at the reference, for each other decay.",
    needs=recipes.weight_decays,
    gaps=(*FISHER, *TRAINING, RELEASE, DECAYS),
    controls=(controls.LATE_DECAY,),
)
def test_weight_decay_does_not_matter(runs: dict[str, KimRuns], judge: Judge) -> None:
    reference = runs[REFERENCE_DECAY].centroid()
    for name, varied in runs.items():
        if name != REFERENCE_DECAY:
            judge(
                varied.centroid() - reference,
                within(-0.05, 0.05),
                name=f"final normalised centroid, {trained(name, varied)} minus reference",
            )
    shown = {trained(role, varied): varied for role, varied in runs.items()}
    draw_centroids(judge, "Counterpart of Fig. 4c", shown, traced=())


@claim(
    KIM2023,
    "learning-rate",
    source="Fig. 4d",
    says="At the best learning rate the centroid falls first; at lower and higher ones later.",
    rule=(
        "Epoch of half fall at 0.03, 0.08 and 0.8 minus that at 0.3, as a share of the training, "
        "above 1/15 for each, the paper's distance between checkpoints. All networks must have "
        "learned: one that does not has no fall, and would count as late."
    ),
    needs=recipes.learning_rates,
    version=3,
    gaps=(*FISHER, *TRAINING, RELEASE, RATES, HALF_FALL),
    controls=(controls.MIXED_RATES,),
)
def test_the_best_learning_rate_concentrates_first(runs: dict[str, KimRuns], judge: Judge) -> None:
    reference = half_falls(runs[REFERENCE_RATE])
    for name, varied in runs.items():
        require_learning(judge, varied, name)
        if name != REFERENCE_RATE:
            judge(
                half_falls(varied) - reference,
                above(LEAST_DELAY),
                name=f"epoch of half fall, {name} minus {REFERENCE_RATE}",
                unit="of training",
            )
    lowest = f"lr {LEARNING_RATES[0]:g}"
    draw_centroids(judge, "Counterpart of Fig. 4d", runs, traced=(lowest, REFERENCE_RATE))


@claim(
    KIM2023,
    "same-accuracy",
    source="Fig. 4, text",
    says="Settings that move the concentration have no conspicuous effect on accuracy.",
    rule=(
        "Test accuracy within ±1 pp of the reference for each setting of Fig. 4a to 4d. The "
        "reference must have learned: at least twice the accuracy of guessing."
    ),
    needs=recipes.factors,
    version=3,
    gaps=(*TRAINING, RELEASE, LEAK, DECAYS),
    controls=(controls.UNTRAINED_TAU, PERMUTED_LABELS),
)
def test_settings_that_move_information_keep_accuracy(
    runs: dict[str, KimRuns], judge: Judge
) -> None:
    require_learning(judge, runs[REFERENCE], "reference")
    reference = runs[REFERENCE].accuracy_by_sample()
    for role, varied in runs.items():
        if varied.recipe != runs[REFERENCE].recipe:
            judge(
                varied.accuracy_by_sample() - reference,
                within(-1, 1),
                name=f"accuracy, {trained(role, varied)} minus reference",
                unit="pp",
                by_sample=True,
                resolution=varied.resolution,
            )
