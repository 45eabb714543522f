"""Pruning with fewer timesteps: Fig. 6, Fig. 7 and the text after it."""

from __future__ import annotations

import pytest

from claims.kim2023 import controls, paper, recipes
from claims.kim2023.protocol import RANKING, RETRAINING, SEEDS, TRAINING
from claims.kim2023.recipes import FULL, KIM2023, PAPER_SETTING, PRUNED, ROUNDS, operations, role
from claims.kim2023.runs import KimRuns
from claims.kim2023.soundness import require_learning, require_sparsity
from tic.audit import Panel, claim
from tic.audit.control import PERMUTED_LABELS
from tic.audit.exhibits import curves
from tic.audit.judge import Judge
from tic.audit.runs import Array
from tic.pruning import compute_saving, sparsity_of
from tic.stats import above, within

PLACE = "text after Fig. 7"


def accuracies(runs: dict[str, KimRuns], retrain_timesteps: int) -> tuple[list[Array], list[Array]]:
    """Accuracy by image after every round, (S, N) each, of the full and of the short chain."""
    full, short = (
        [runs[role(name, done)].accuracy_by_sample() for done in range(1, ROUNDS + 1)]
        for name in (FULL, retrain_timesteps)
    )
    return full, short


def first_timesteps(runs: dict[str, KimRuns]) -> int:
    """T of the first training."""
    return max(trained.recipe.timesteps for trained in runs.values())


def compare_time(runs: dict[str, KimRuns], judge: Judge, retrain_timesteps: int) -> None:
    """Set the training time that fewer timesteps save beside what the paper's formula gives."""
    full, short = (
        sum(runs[role(name, done)].seconds() for done in range(1, ROUNDS + 1))
        for name in (FULL, retrain_timesteps)
    )
    first = runs[role(FULL, 1)].parents().seconds()
    expected = compute_saving(
        **paper.PRUNING_SCHEDULE,
        timesteps=first_timesteps(runs),
        retrain_timesteps=retrain_timesteps,
    )
    judge.compare(
        "share of the training time that fewer timesteps save, first training included",
        f"formula in the {PLACE}",
        unit="%",
        reported=round(100 * expected, 1),
        measured=100 * (full - short) / (first + full),
        timed=True,
    )


def draw_figure_7(runs: dict[str, KimRuns], judge: Judge, retrain_timesteps: int) -> None:
    """Accuracy over sparsity, evaluated with T_retrain and with T timesteps."""
    full = first_timesteps(runs)
    rounds = range(1, ROUNDS + 1)
    sparsities = [100 * sparsity_of(runs[role(FULL, done)].recipe) for done in rounds]

    def panel(title: str, timesteps: int | None) -> Panel:
        return Panel(
            title=title,
            x_label="sparsity (%)",
            y_label="accuracy (%)",
            series=tuple(
                curves(
                    f"T_retrain = {shown}",
                    sparsities,
                    _over_rounds(
                        [runs[role(name, done)].accuracy(timesteps=timesteps) for done in rounds]
                    ),
                )
                for name, shown in ((FULL, full), (retrain_timesteps, retrain_timesteps))
            ),
        )

    judge.figure(
        "Counterpart of Fig. 7",
        "Test accuracy after every round of pruning and retraining.",
        panel("Evaluated with T_retrain", None),
        panel(f"Evaluated with T = {full}", full),
    )


def _over_rounds(values: list[Array]) -> list[list[float]]:
    return [list(row) for row in zip(*values, strict=True)]


@claim(
    KIM2023,
    "pruning",
    source="Fig. 7",
    says="Retraining with 3 or 4 timesteps prunes as well as with 5.",
    rule=(
        "Accuracy within ±1 percentage point of T_retrain = T after every round. The weights must "
        "be zero as the schedule says, and the network with T must have learned: at least twice "
        "the accuracy of guessing in the last round."
    ),
    needs=recipes.pruned,
    version=3,
    gaps=(*TRAINING, RETRAINING, RANKING, SEEDS),
    controls=(controls.GUESSING_SHORT, PERMUTED_LABELS, controls.UNMASKED),
)
@pytest.mark.parametrize("retrain_timesteps", [4, 3], ids="retrain{}".format)
@pytest.mark.parametrize("kind", PRUNED)
def test_fewer_timesteps_prune_as_well(
    runs: dict[str, KimRuns], judge: Judge, kind: str, retrain_timesteps: int
) -> None:
    require_sparsity(judge, runs)
    require_learning(judge, runs[role(FULL, ROUNDS)], "T_retrain = T, last round")
    full, short = accuracies(runs, retrain_timesteps)
    for done, (long_run, short_run) in enumerate(zip(full, short, strict=True), start=1):
        judge(
            short_run - long_run,
            within(-1, 1),
            name=f"accuracy after round {done}, T_retrain = {retrain_timesteps} minus full",
            unit="pp",
            by_sample=True,
            resolution=runs[role(FULL, ROUNDS)].resolution,
        )
    compare_time(runs, judge, retrain_timesteps)
    draw_figure_7(runs, judge, retrain_timesteps)


@claim(
    KIM2023,
    "pruning",
    source="Fig. 7",
    says="Retraining with 2 timesteps degrades the pruned network a lot.",
    rule=(
        "Accuracy at T_retrain = T minus that at T_retrain = 2 above 1 pp after the last round. "
        "The weights must be zero as the schedule says."
    ),
    needs=recipes.pruned,
    version=3,
    gaps=(*TRAINING, RETRAINING, RANKING, SEEDS),
    controls=(controls.FULL_FOR_SHORT, controls.UNMASKED),
)
@pytest.mark.parametrize("retrain_timesteps", [2], ids="retrain{}".format)
@pytest.mark.parametrize("kind", PRUNED)
def test_two_timesteps_are_too_few(
    runs: dict[str, KimRuns], judge: Judge, kind: str, retrain_timesteps: int
) -> None:
    require_sparsity(judge, runs)
    full, short = accuracies(runs, retrain_timesteps)
    judge(
        full[-1] - short[-1],
        above(1),
        name="accuracy lost after the last round",
        unit="pp",
        by_sample=True,
        resolution=runs[role(FULL, ROUNDS)].resolution,
    )
    compare_time(runs, judge, retrain_timesteps)
    draw_figure_7(runs, judge, retrain_timesteps)


@claim(
    KIM2023,
    "saving",
    source="Fig. 7, text after it",
    says="With T_retrain = 3 instead of 5, pruning takes 20 % less compute.",
    rule=(
        "N_retrain·R·(T - T_retrain) / (N·T + N_retrain·R·T) for N = 300, N_retrain = 60, R = 5, "
        "T = 5, T_retrain = 3 within half a percentage point of 20 %, as it is printed."
    ),
    controls=(controls.ONE_ROUND,),
)
def test_fewer_timesteps_save_compute(judge: Judge) -> None:
    saving = compute_saving(**paper.PRUNING_SCHEDULE, timesteps=5, retrain_timesteps=3)
    deviation = 100 * (saving - paper.SAVING)
    judge([deviation], within(-0.5, 0.5), name="deviation from 20 %", unit="pp", exact=True)
    measured = {"by the formula": saving}
    for network in PRUNED:
        measured[f"in operations, {network}"] = operations_saved(network, 3)
    for how, value in measured.items():
        judge.compare(
            f"saving {how}", PLACE, unit="%", reported=100 * paper.SAVING, measured=100 * value
        )
    judge.note(
        "Operations are those of convolutions and matrix products, forward and backward; the "
        "stem counts once per image. The saving in time stands with the pruning claims."
    )


def operations_saved(network: str, retrain_timesteps: int) -> float:
    """Share of operations that fewer timesteps save in the paper's setting, first training too."""
    roles = recipes.pruned(PAPER_SETTING, network, retrain_timesteps)
    chains = {
        name: [roles[role(name, done)] for done in range(1, ROUNDS + 1)]
        for name in (FULL, retrain_timesteps)
    }
    full, short = (sum(map(operations, chain)) for chain in chains.values())
    first = chains[FULL][0].parent
    assert first is not None
    return (full - short) / (operations(first) + full)
