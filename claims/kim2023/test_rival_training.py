"""Rivals of pruning with fewer timesteps: less training of any kind, and random pruning."""

from __future__ import annotations

import pytest

from claims.kim2023 import rival_recipes
from claims.kim2023.recipes import KIM2023, PRUNED, operations
from claims.kim2023.rival_recipes import AT_RANDOM, BY_MAGNITUDE, FEWER_EPOCHS, FEWER_TIMESTEPS
from claims.kim2023.runs import KimRuns
from claims.kim2023.soundness import require_learning, require_sparsity
from tic.audit import rival
from tic.audit.judge import Judge
from tic.stats import above

LEAST = -1.0
"""Percentage points by which something may be worse and still do as well."""


@rival(
    KIM2023,
    "fewer-epochs",
    of=("pruning",),
    source="Fig. 7",
    says="Less training is enough: fewer epochs with all timesteps do as well.",
    rule=(
        "After the last round, accuracy with T timesteps and as many operations in fewer epochs, "
        "minus accuracy with T_retrain timesteps, above -1 pp. The latter must have learned."
    ),
    needs=rival_recipes.shorter,
    version=3,
)
@pytest.mark.parametrize("retrain_timesteps", [3], ids="retrain{}".format)
@pytest.mark.parametrize("kind", PRUNED)
def test_fewer_epochs_do_as_well(
    runs: dict[str, KimRuns], judge: Judge, kind: str, retrain_timesteps: int
) -> None:
    require_sparsity(judge, runs)
    require_learning(judge, runs[FEWER_TIMESTEPS], FEWER_TIMESTEPS)
    judge(
        runs[FEWER_EPOCHS].accuracy_by_sample() - runs[FEWER_TIMESTEPS].accuracy_by_sample(),
        above(LEAST),
        name="accuracy, fewer epochs minus fewer timesteps, last round",
        unit="pp",
        by_sample=True,
        resolution=runs[FEWER_TIMESTEPS].resolution,
    )
    for name, run in runs.items():
        judge.note(
            f"{name}: {run.recipe.epochs} epochs with T = {run.recipe.timesteps} in a round, "
            f"{operations(run.recipe):.3g} operations."
        )


@rival(
    KIM2023,
    "random-pruning",
    of=("pruning",),
    source="Fig. 7",
    says="The network has weights to spare: pruning at random does as well as by magnitude.",
    rule=(
        "After the last round with T_retrain timesteps, accuracy of the network pruned at random "
        "minus that of the one pruned by magnitude, at equal sparsity, above -1 pp. The latter "
        "must have learned."
    ),
    needs=rival_recipes.randomly_pruned,
    version=3,
)
@pytest.mark.parametrize("retrain_timesteps", [3], ids="retrain{}".format)
@pytest.mark.parametrize("kind", PRUNED)
def test_random_pruning_does_as_well(
    runs: dict[str, KimRuns], judge: Judge, kind: str, retrain_timesteps: int
) -> None:
    require_sparsity(judge, runs)
    require_learning(judge, runs[BY_MAGNITUDE], BY_MAGNITUDE)
    judge(
        runs[AT_RANDOM].accuracy_by_sample() - runs[BY_MAGNITUDE].accuracy_by_sample(),
        above(LEAST),
        name="accuracy, pruned at random minus by magnitude, last round",
        unit="pp",
        by_sample=True,
        resolution=runs[BY_MAGNITUDE].resolution,
    )
