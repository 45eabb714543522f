"""How many timesteps networks of different capacity need: Discussion."""

from __future__ import annotations

import pytest

from claims.kim2023 import recipes
from claims.kim2023.paper import SATURATION
from claims.kim2023.protocol import SATURATION as SATURATION_GAP
from claims.kim2023.recipes import CAPACITY_TIMESTEPS, KIM2023
from tic.audit import Panel, claim
from tic.audit.judge import Judge, curves
from tic.audit.runs import SeedRuns
from tic.stats import above, within


@claim(
    KIM2023,
    "capacity",
    source="Discussion",
    says="The accuracy of ResNet-19 saturates at T = 4, that of AlexNet at T = 8.",
    rule=(
        "accuracy(T) - accuracy(10) within ±1 pp from that T on, and accuracy(10) - accuracy(T) "
        "above 1 pp before, for T = 2, 4, 6, 8, 10. The statement holds when it holds for both."
    ),
    needs=recipes.capacity,
    gaps=(SATURATION_GAP,),
)
@pytest.mark.parametrize("kind", SATURATION)
def test_larger_networks_need_fewer_timesteps(
    runs: dict[str, SeedRuns], judge: Judge, kind: str
) -> None:
    accuracy = {t: runs[f"T = {t}"].accuracy() for t in CAPACITY_TIMESTEPS}
    *shorter, longest = CAPACITY_TIMESTEPS
    for t in shorter:
        if t < SATURATION[kind]:
            judge(
                accuracy[longest] - accuracy[t],
                above(1),
                name=f"accuracy, T = {longest} minus T = {t}",
                unit="pp",
            )
        else:
            judge(
                accuracy[t] - accuracy[longest],
                within(-1, 1),
                name=f"accuracy, T = {t} minus T = {longest}",
                unit="pp",
            )
    trained = [runs[f"T = {t}"].recipe.timesteps for t in CAPACITY_TIMESTEPS]
    by_seed = list(zip(*accuracy.values(), strict=True))
    judge.figure(
        f"Accuracy over timesteps, {kind}",
        f"Test accuracy of {runs['T = 2'].recipe.architecture} trained with T timesteps.",
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
