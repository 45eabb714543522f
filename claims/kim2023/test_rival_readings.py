"""Rival: what Fisher information shows depends on how it is estimated and normalised."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from claims.kim2023.readings import DATASETS_TEST, FISHER_TESTS, READINGS
from claims.kim2023.recipes import DATASETS, KIM2023, on_dataset
from claims.kim2023.runs import KimRuns
from tic.audit import Setting, rival
from tic.audit.claims import decided_by
from tic.audit.judge import Judge
from tic.recipe import Recipe

SAYS = "Whether this holds depends on how Fisher information is estimated, on what and normalised."
RULE = (
    "The claim is judged on the same Runs by four estimators, on training and on test images, raw, "
    "per parameter and relative to ‖θ‖². Some readings support it and some refute it: the smaller "
    "of the two numbers is above 0. Where no two contradict each other, every reading must be "
    "decided."
)
NOTES = (
    "Empirical takes the labels of the data (Eq. 6), sampled draws them from the network (Eq. 5), "
    "exact sums over all labels under the network; batch-mean is the release's squared batch mean.",
    "Per parameter divides each layer's trace by its size; relative multiplies it by ‖θ‖² of the "
    "layer, which does not change when weights before a batch normalisation are scaled.",
    "One wrong verdict makes a contradiction, so the readings share the error rate of the rival "
    "among them. Each looks at a quarter of the images in the untrained network, the early, middle "
    "and last epoch and the thirds of the training. The first, empirical and raw on training "
    "images, is the claim's own otherwise.",
)


def needs(setting: Setting, of: str) -> Recipe | dict[str, Recipe]:
    """What the claim needs."""
    by_role = decided_by(FISHER_TESTS[of]).recipes(setting, {})
    return by_role[""] if set(by_role) == {""} else by_role


def judge_readings(
    test: Callable[..., None], runs: KimRuns | dict[str, KimRuns], judge: Judge, **parameters: Any
) -> None:
    """Let the claim's test judge every reading, and judge whether they contradict each other."""
    for reading in READINGS:
        reading_judge = Judge(judge.seeds, judge.confidence, draws=False)
        read = (
            {role: reading.of(role_runs) for role, role_runs in runs.items()}
            if isinstance(runs, dict)
            else reading.of(runs)
        )
        test(runs=read, judge=reading_judge, **parameters)
        judge.record_reading(reading.factors, reading_judge, release=reading.release)
    judge.readings_contradict()


@rival(
    KIM2023,
    "readings",
    of=tuple(FISHER_TESTS),
    source="Eq. 4-7",
    says=SAYS,
    rule=RULE,
    needs=needs,
    notes=NOTES,
)
@pytest.mark.parametrize("of", FISHER_TESTS)
def test_the_answer_depends_on_the_reading(
    runs: KimRuns | dict[str, KimRuns], judge: Judge, of: str
) -> None:
    judge_readings(FISHER_TESTS[of], runs, judge)


@rival(
    KIM2023,
    "readings",
    of=("datasets",),
    source="Eq. 4-7",
    says=SAYS,
    rule=RULE,
    needs=on_dataset,
    notes=NOTES,
)
@pytest.mark.parametrize("images", DATASETS)
def test_the_answer_on_a_data_set_depends_on_the_reading(
    runs: KimRuns, judge: Judge, images: str
) -> None:
    judge_readings(DATASETS_TEST, runs, judge, images=images)
