"""How many timesteps networks of different capacity need: Discussion."""

from __future__ import annotations

import pytest

from claims.kim2023 import recipes
from claims.kim2023.controls import MIXED_TIMESTEPS
from claims.kim2023.paper import SATURATION
from claims.kim2023.protocol import RELEASE, TRAINING
from claims.kim2023.protocol import SATURATION as SATURATION_GAP
from claims.kim2023.recipes import CAPACITY_TIMESTEPS, KIM2023
from claims.kim2023.runs import KimRuns
from claims.kim2023.soundness import require_learning
from tic.audit import Panel, claim
from tic.audit.control import PERMUTED_LABELS
from tic.audit.exhibits import curves
from tic.audit.judge import Judge
from tic.stats import above, within


@claim(
    KIM2023,
    "capacity",
    source="Discussion",
    says="The accuracy of ResNet-19 saturates at T = 4, that of AlexNet at T = 8.",
    rule=(
        "accuracy(T) - accuracy(10) within ±1 pp from that T on, and accuracy(10) - accuracy(T) "
        "above 1 pp before, for T = 2, 4, 6, 8, 10. The statement holds when it holds for both. "
        "The network with T = 10 must have learned: at least twice the accuracy of guessing."
    ),
    needs=recipes.capacity,
    version=3,
    gaps=(*TRAINING, RELEASE, SATURATION_GAP),
    controls=(MIXED_TIMESTEPS, PERMUTED_LABELS),
)
@pytest.mark.parametrize("kind", SATURATION)
def test_larger_networks_need_fewer_timesteps(
    runs: dict[str, KimRuns], judge: Judge, kind: str
) -> None:
    accuracy = {t: runs[f"T = {t}"].accuracy_by_sample() for t in CAPACITY_TIMESTEPS}
    *shorter, longest = CAPACITY_TIMESTEPS
    require_learning(judge, runs[f"T = {longest}"], f"T = {longest}")
    for t in shorter:
        if t < SATURATION[kind]:
            judge(
                accuracy[longest] - accuracy[t],
                above(1),
                name=f"accuracy, T = {longest} minus T = {t}",
                unit="pp",
                by_sample=True,
                resolution=runs[f"T = {t}"].resolution,
            )
        else:
            judge(
                accuracy[t] - accuracy[longest],
                within(-1, 1),
                name=f"accuracy, T = {t} minus T = {longest}",
                unit="pp",
                by_sample=True,
                resolution=runs[f"T = {t}"].resolution,
            )
    trained = [runs[f"T = {t}"].recipe.timesteps for t in CAPACITY_TIMESTEPS]
    by_seed = list(zip(*(table.mean(1) for table in accuracy.values()), strict=True))
    judge.figure(
        f"Accuracy over timesteps, {kind}",
        f"Test accuracy of {runs['T = 2'].recipe.architecture.name} trained with T timesteps.",
        Panel(
            title=kind,
            x_label="timesteps T",
            y_label="accuracy (%)",
            series=(curves(kind, trained, by_seed),),
        ),
    )
    judge.note(
        f"The paper's T = {', '.join(map(str, CAPACITY_TIMESTEPS))} are "
        f"T = {', '.join(map(str, trained))} here."
    )
