"""The α loss, its effect on information, accuracy and robustness: Fig. 5, Table 1."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest

from claims.kim2023 import recipes
from claims.kim2023.paper import LEVELS, table_1_rows
from claims.kim2023.protocol import ATTACKS, ESTIMATOR, MASKING, PER_BATCH
from claims.kim2023.recipes import KIM2023, alpha_levels
from tic.attacks import FGSM, PGD, Blur, Corruption, GaussianNoise
from tic.audit import Panel, claim
from tic.audit.judge import Judge, curves
from tic.audit.runs import SeedRuns
from tic.stats import above, within

CORRUPTIONS: dict[str, Corruption] = {
    "gaussian": GaussianNoise(share=0.5),
    "blur": Blur(factor=2),
    "fgsm": FGSM(epsilon=8 / 255),
    "pgd": PGD(epsilon=8 / 255, step=4 / 255, steps=10),
}


def note_alphas(dataset: str, runs: dict[str, SeedRuns], judge: Judge) -> None:
    """Tell which α were used and which losses they reached."""
    for level, alpha in alpha_levels(dataset).items():
        reached = runs[level].final_losses().mean()
        judge.note(
            f"α {level} = {alpha:g}; mean training loss L_t in the last epoch {reached:.3g}."
        )


@claim(
    KIM2023,
    "alpha-information",
    source="Fig. 5a, Eq. 8-10",
    says="The smaller α, the less Fisher information at every timestep.",
    rule=(
        "Log ratio of the summed I_t between neighbouring α above 0, and at every timestep Page's "
        "trend of I_t over α rising."
    ),
    needs=recipes.alphas,
    notes=(ESTIMATOR, PER_BATCH),
)
def test_smaller_alpha_holds_less_information(runs: dict[str, SeedRuns], judge: Judge) -> None:
    traces = {level: runs[level].trace() for level in LEVELS}
    for less, more in pairwise(LEVELS):
        ratio = np.log(traces[more].sum(1) / traces[less].sum(1))
        judge(ratio, above(0), name=f"log ratio of summed I_t, α {more} to α {less}")
    timesteps = runs["low"].recipe.timesteps
    for t in range(timesteps):
        at_t = np.stack([traces[level][:, t] for level in LEVELS], axis=1)
        judge.trend(at_t, direction="increasing", name=f"Page's trend of I_{t + 1} over α")
    note_alphas(runs["low"].recipe.dataset, runs, judge)
    judge.figure(
        "Counterpart of Fig. 5a",
        "Fisher trace per timestep after training with each α.",
        Panel(
            title="Fisher information per α",
            x_label="timestep t",
            y_label="Fisher trace I_t",
            log_y=True,
            series=tuple(
                curves(f"α {level}", range(1, timesteps + 1), traces[level]) for level in LEVELS
            ),
        ),
    )


@claim(
    KIM2023,
    "alpha-accuracy",
    source="Fig. 5c, Table 1",
    says="α has little effect on classification accuracy.",
    rule="Difference of test accuracy between any two α within ±1 percentage point.",
    needs=recipes.alphas,
    notes=(PER_BATCH,),
)
def test_alpha_does_not_change_accuracy(runs: dict[str, SeedRuns], judge: Judge) -> None:
    clean = {level: runs[level].accuracy() for level in LEVELS}
    for one, other in combinations(LEVELS, 2):
        judge(
            clean[one] - clean[other],
            within(-1, 1),
            name=f"accuracy, α {one} minus α {other}",
            unit="pp",
        )
    dataset = runs["low"].recipe.dataset
    place, rows = table_1_rows(dataset)
    for level in LEVELS:
        judge.compare(
            f"α {level}, clean",
            place,
            unit="%",
            reported=rows[level].clean,
            measured=clean[level],
        )
    note_alphas(dataset, runs, judge)


@claim(
    KIM2023,
    "alpha-robustness",
    source="Table 1",
    says="The smaller α, the smaller the loss of accuracy under noise and attacks.",
    rule=(
        "drop(intermediate) - drop(low) and drop(high) - drop(intermediate) both above 0; "
        "drop is clean minus corrupted test accuracy."
    ),
    needs=recipes.alphas,
    notes=(PER_BATCH, ATTACKS, MASKING),
)
@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_smaller_alpha_is_more_robust(
    runs: dict[str, SeedRuns], judge: Judge, corruption: str
) -> None:
    clean = {level: runs[level].accuracy() for level in LEVELS}
    corrupted = {level: runs[level].accuracy(CORRUPTIONS[corruption]) for level in LEVELS}
    drop = {level: clean[level] - corrupted[level] for level in LEVELS}
    for less, more in pairwise(LEVELS):
        judge(
            drop[more] - drop[less],
            above(0),
            name=f"drop under {corruption}, α {more} minus α {less}",
            unit="pp",
        )
    dataset = runs["low"].recipe.dataset
    place, rows = table_1_rows(dataset)
    for level in LEVELS:
        for images, measured in (("clean", clean), (corruption, corrupted)):
            judge.compare(
                f"α {level}, {images}",
                place,
                unit="%",
                reported=getattr(rows[level], images),
                measured=measured[level],
            )
    for level in LEVELS:
        judge.compare(
            f"α {level}, drop",
            place,
            unit="pp",
            reported=round(rows[level].clean - getattr(rows[level], corruption), 2),
            measured=drop[level],
        )
    judge.note(f"Corruption: {CORRUPTIONS[corruption]!r}.")
