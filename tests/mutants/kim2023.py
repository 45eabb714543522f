"""Mutants of Kim et al. 2023."""

from __future__ import annotations

from collections.abc import Iterable

from fixtures.cases import Case
from fixtures.known_answers import CASES, SAVING
from fixtures.rival_answers import CASES_OF_RIVALS, READ
from tests.mutants.known import Known
from tests.mutants.operators import Vocabulary


def _first_and_last(cases: Iterable[Case]) -> tuple[Case, ...]:
    """Two cases of every test: others differ in parameters that no test tells apart."""
    of_test: dict[object, list[Case]] = {}
    for case in cases:
        of_test.setdefault(case.test, []).append(case)
    return tuple(case for its in of_test.values() for case in (its[:1] + its[1:][-1:]))


VOCABULARY = Vocabulary(
    exchanged=(
        ("untrained", "early", "middle", "final"),
        ("low", "intermediate", "high"),
        ("AlexNet", "ResNet-19", "ResNet-34"),
        ("faulty", "sound"),
    ),
    added=dict.fromkeys(("centroid", "trace", "by_block"), ("'early'", "'middle'")),
)
EQUIVALENT: dict[str, tuple[str, ...]] = {
    "A factor that is the same for all seeds changes no sign and no t.": (
        "judge_concentration: np.array(epochs) / runs.recipe.epochs → "
        "np.array(epochs) * runs.recipe.epochs",
    ),
    "The region is the same on both sides of zero.": (
        "test_weight_decay_does_not_matter: varied.centroid() - reference → "
        "reference - varied.centroid()",
        "test_settings_that_move_information_keep_accuracy: varied.accuracy_by_sample() - "
        "reference → reference - varied.accuracy_by_sample()",
        "test_the_alpha_loss_converges: trained.final_losses().mean(1) / alpha - 1 → "
        "1 - trained.final_losses().mean(1) / alpha",
        "test_alpha_does_not_change_accuracy: combinations(LEVELS, 2) → "
        "combinations(LEVELS[::-1], 2)",
        "test_alpha_does_not_change_accuracy: by_sample[first] - by_sample[second] → "
        "by_sample[second] - by_sample[first]",
        "test_fewer_timesteps_prune_as_well: zip(full, short, strict=True) → "
        "zip(short, full, strict=True)",
        "test_fewer_timesteps_prune_as_well: short_run - long_run → long_run - short_run",
        "relative_errors: np.abs(response.divergence - response.prediction) → "
        "np.abs(response.prediction - response.divergence)",
        "test_fewer_timesteps_save_compute: 100 * (saving - paper.SAVING) → "
        "100 * (paper.SAVING - saving)",
        "test_larger_networks_need_fewer_timesteps: accuracy[t] - accuracy[longest] → "
        "accuracy[longest] - accuracy[t]",
        "require_sparsity: abs(trained.sparsity() - sparsity_of(trained.recipe)) → "
        "abs(sparsity_of(trained.recipe) - trained.sparsity())",
    ),
    "The last epoch is the last one, and those between are drawn only.": (
        "test_noise_in_early_timesteps_hurts_more: gap[final] → [*gap.values()][-1]",
        "test_noise_in_early_timesteps_hurts_more: gap[final] - gap[1] → "
        "[*gap.values()][-1] - gap[1]",
        "chosen_epochs: [epoch / PAPER_SETTING.recipe.epochs for epoch in EPOCHS[1:]] → "
        "[PAPER_SETTING.recipe.epochs / epoch for epoch in EPOCHS[1:]]",
        "chosen_epochs: [epoch / PAPER_SETTING.recipe.epochs for epoch in EPOCHS[1:]] → "
        "[epoch * PAPER_SETTING.recipe.epochs for epoch in EPOCHS[1:]]",
        "chosen_epochs: EPOCHS[1:] → [*EPOCHS[1:]][-1:]",
        "chosen_epochs: EPOCHS[1:] → EPOCHS[1 + 1:]",
    ),
    "Worlds have the paper's ten timesteps; tests of the Recipes have others.": (
        "scaled: setting.recipe.timesteps / PAPER_SETTING.recipe.timesteps → "
        "PAPER_SETTING.recipe.timesteps / setting.recipe.timesteps",
        "scaled: max(1, round(length * share)) → max(2, round(length * share))",
        "scaled: max(1, round(length * share)) → max(0, round(length * share))",
        "scaled: round(length * share) → round(length / share)",
    ),
    "The longest is the last one.": (
        "test_larger_networks_need_fewer_timesteps: accuracy[longest] - accuracy[t] → "
        "[*accuracy.values()][-1] - accuracy[t]",
        "test_larger_networks_need_fewer_timesteps: accuracy[t] - accuracy[longest] → "
        "accuracy[t] - [*accuracy.values()][-1]",
    ),
    "The untrained network is drawn only.": tuple(
        "test_only_the_output_error_moves: ('untrained', 'early', 'final') → "
        f"('{other}', 'early', 'final')"
        for other in ("early", "middle", "final")
    ),
    "Every α is trained with as many timesteps.": tuple(
        f"test_smaller_alpha_holds_less_information: runs['low'] → runs['{other}']"
        for other in ("intermediate", "high")
    ),
    "It counts rounds in names only.": (
        "test_fewer_timesteps_prune_as_well: "
        "enumerate(zip(full, short, strict=True), start=1) → "
        "enumerate(zip(full, short, strict=True))",
        "test_fewer_timesteps_prune_as_well: 1 → 2",
        "test_fewer_timesteps_prune_as_well: 1 → 0",
    ),
    "The order in which α are measured is not that in which they are judged.": tuple(
        "test_no_advantage_in_the_worst_case: LEVELS if corruption == SHOWN_WITH else LEVELS[::-1]"
        f" → LEVELS if {other} else LEVELS[::-1]"
        for other in ("True", "False", "corruption != SHOWN_WITH")
    ),
    "A figure of the paper has a verdict of its own, which does not decide the rival.": (
        "test_no_advantage_in_the_worst_case: LEVELS → [*LEVELS][:1] (2)",
        "test_no_advantage_in_the_worst_case: LEVELS → [*LEVELS][-1:] (2)",
        "test_no_advantage_in_the_worst_case: suites[level] → [*suites.values()][0]",
        "test_no_advantage_in_the_worst_case: suites[level] → [*suites.values()][-1]",
    ),
    "There are two roles, and this one is there.": (
        "test_fewer_epochs_do_as_well: runs[FEWER_EPOCHS].accuracy_by_sample → "
        "[*runs.values()][-1].accuracy_by_sample",
        "test_fewer_epochs_do_as_well: runs[FEWER_TIMESTEPS].accuracy_by_sample → "
        "[*runs.values()][0].accuracy_by_sample",
        "test_random_pruning_does_as_well: runs[AT_RANDOM].accuracy_by_sample → "
        "[*runs.values()][-1].accuracy_by_sample",
        "test_random_pruning_does_as_well: runs[BY_MAGNITUDE].accuracy_by_sample → "
        "[*runs.values()][0].accuracy_by_sample",
        "at_equal_margin: sums[1] → sums[-1]",
    ),
    "What it changes is drawn or told only.": (
        "judge_readings: Judge(judge.seeds, judge.confidence, draws=False) → "
        "Judge(judge.seeds, judge.confidence)",
        "judge_readings: judge.record_reading(reading.factors, reading_judge, "
        "release=reading.release) → judge.record_reading(reading.factors, reading_judge)",
    ),
}

KNOWN = Known(
    "claims.kim2023",
    _first_and_last((*CASES, SAVING, *CASES_OF_RIVALS, *READ)),
    VOCABULARY,
    EQUIVALENT,
)
