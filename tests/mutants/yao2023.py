"""Mutants of Yao et al. 2023."""

from __future__ import annotations

from fixtures.yao2023_answers import CASES, RIVALS
from tests.mutants.known import Known
from tests.mutants.operators import Vocabulary

VOCABULARY = Vocabulary(
    exchanged=(("sd", "above"), ("neurons", "operations", "energy"), ("scored", "best_accuracy")),
)
EQUIVALENT: dict[str, tuple[str, ...]] = {
    "There are two, and this one is there.": (
        "test_networks_are_more_accurate_with_the_module: accuracy[ATTENTION] - "
        "accuracy[PLAIN] → [*accuracy.values()][-1] - accuracy[PLAIN]",
        "test_networks_are_more_accurate_with_the_module: accuracy[ATTENTION] - "
        "accuracy[PLAIN] → accuracy[ATTENTION] - [*accuracy.values()][0]",
        "test_the_module_costs_next_to_nothing: log_ratio(energy[PLAIN], "
        "energy[ATTENTION]) → log_ratio([*energy.values()][0], energy[ATTENTION])",
        "test_the_module_costs_next_to_nothing: log_ratio(energy[PLAIN], "
        "energy[ATTENTION]) → log_ratio(energy[PLAIN], [*energy.values()][-1])",
        "test_potentials_are_distributed_more_narrowly: log_ratio(spread[PLAIN], "
        "spread[ATTENTION]) → log_ratio([*spread.values()][0], spread[ATTENTION])",
        "test_potentials_are_distributed_more_narrowly: log_ratio(spread[PLAIN], "
        "spread[ATTENTION]) → log_ratio(spread[PLAIN], [*spread.values()][-1])",
        "test_potentials_are_distributed_more_narrowly: over[PLAIN] - over[ATTENTION] → "
        "[*over.values()][0] - over[ATTENTION]",
        "test_potentials_are_distributed_more_narrowly: over[PLAIN] - over[ATTENTION] → "
        "over[PLAIN] - [*over.values()][-1]",
        "_judge_better: log_ratio(rates[OTHER], rates[ATTENTION]) → "
        "log_ratio([*rates.values()][-1], rates[ATTENTION])",
        "_judge_better: log_ratio(rates[OTHER], rates[ATTENTION]) → "
        "log_ratio(rates[OTHER], [*rates.values()][0])",
        "_judge_better: accuracy[ATTENTION] - accuracy[OTHER] → [*accuracy.values()][0] "
        "- accuracy[OTHER]",
        "_judge_better: accuracy[ATTENTION] - accuracy[OTHER] → accuracy[ATTENTION] - "
        "[*accuracy.values()][-1]",
        "test_a_rate_penalty_loses_accuracy: log_ratio(rates[OTHER], rates[ATTENTION]) → "
        "log_ratio([*rates.values()][-1], rates[ATTENTION])",
        "test_a_rate_penalty_loses_accuracy: log_ratio(rates[OTHER], rates[ATTENTION]) → "
        "log_ratio(rates[OTHER], [*rates.values()][0])",
        "test_a_penalty_loses_nothing: log_ratio(rates[OTHER], rates[ATTENTION]) → "
        "log_ratio([*rates.values()][-1], rates[ATTENTION])",
        "test_a_penalty_loses_nothing: log_ratio(rates[OTHER], rates[ATTENTION]) → "
        "log_ratio(rates[OTHER], [*rates.values()][0])",
        "test_a_tuned_plain_network_is_as_accurate: best[ATTENTION] - best[PLAIN] → "
        "[*best.values()][-1] - best[PLAIN]",
        "test_a_tuned_plain_network_is_as_accurate: best[ATTENTION] - best[PLAIN] → "
        "best[ATTENTION] - [*best.values()][0]",
    ),
    "All networks are tested on the same recordings, and have as many features.": (
        "test_networks_are_more_accurate_with_the_module: runs[PLAIN].resolution → "
        "[*runs.values()][0].resolution",
        "test_networks_are_more_accurate_with_the_module: runs[PLAIN].resolution → "
        "[*runs.values()][-1].resolution",
        "test_features_of_noise_become_null: runs[PLAIN].feature_step → "
        "[*runs.values()][0].feature_step",
        "test_features_of_noise_become_null: runs[PLAIN].feature_step → "
        "[*runs.values()][-1].feature_step",
        "test_untied_weights_fire_less_in_the_background: runs[PLAIN].resolution → "
        "[*runs.values()][0].resolution",
        "test_untied_weights_fire_less_in_the_background: runs[PLAIN].resolution → "
        "[*runs.values()][-1].resolution",
        "_judge_better: runs[ATTENTION].resolution → [*runs.values()][0].resolution",
        "_judge_better: runs[ATTENTION].resolution → [*runs.values()][-1].resolution",
        "test_half_is_no_worse_a_share_than_others: runs[ATTENTION].resolution → "
        "[*runs.values()][0].resolution",
        "test_half_is_no_worse_a_share_than_others: runs[ATTENTION].resolution → "
        "[*runs.values()][-1].resolution",
        "test_a_rate_penalty_loses_accuracy: runs[name].resolution → "
        "[*runs.values()][0].resolution",
        "test_a_rate_penalty_loses_accuracy: runs[name].resolution → "
        "[*runs.values()][-1].resolution",
        "test_smaller_gains_do_as_well: runs[OTHER].resolution → [*runs.values()][0].resolution",
        "test_smaller_gains_do_as_well: runs[OTHER].resolution → [*runs.values()][-1].resolution",
        "test_a_penalty_loses_nothing: runs[OTHER].resolution → [*runs.values()][0].resolution",
        "test_a_penalty_loses_nothing: runs[OTHER].resolution → [*runs.values()][-1].resolution",
        "test_the_gain_is_that_of_the_best_epoch: runs[PLAIN].resolution → "
        "[*runs.values()][0].resolution",
        "test_the_gain_is_that_of_the_best_epoch: runs[PLAIN].resolution → "
        "[*runs.values()][-1].resolution",
    ),
    "The region is the same on both sides of zero.": (
        "_judge_accuracy: one.scored_by_sample() - other.scored_by_sample() → "
        "other.scored_by_sample() - one.scored_by_sample()",
        "test_a_tuned_plain_network_is_as_accurate: best[ATTENTION] - best[PLAIN] → "
        "best[PLAIN] - best[ATTENTION]",
        "test_a_constant_scale_is_as_selective: selectivity(runs[PLAIN], "
        "runs[ATTENTION]) - selectivity(runs[PLAIN], runs[OTHER]) → "
        "selectivity(runs[PLAIN], runs[OTHER]) - selectivity(runs[PLAIN], "
        "runs[ATTENTION])",
    ),
    "It is only asked whether all are equal.": (
        "require_same_events: events[0] → events[1]",
        "require_same_events: events[0] → events[-1]",
        "require_same_events: events → [*events][-1:]",
        "_rank_correlations: accuracy[0] → accuracy[1]",
        "_rank_correlations: accuracy[0] → accuracy[-1]",
        "_rank_correlations: shares[0] → shares[1]",
        "_rank_correlations: shares[0] → shares[-1]",
    ),
    "A rank correlation has no order.": (
        "test_accuracy_follows_the_surrogates_window: _rank_correlations(shares, "
        "accuracy) → _rank_correlations(accuracy, shares)",
        "_rank_correlations: spearmanr(one, other).statistic → spearmanr(other, one).statistic",
    ),
    "There is one row.": (
        "_best_of: np.take_along_axis(judged_by, chosen_by.argmax(0)[None], 0)[0] → "
        "np.take_along_axis(judged_by, chosen_by.argmax(0)[None], 0)[-1]",
    ),
}
KNOWN = Known("claims.yao2023", (*CASES.values(), *RIVALS.values()), VOCABULARY, EQUIVALENT)
