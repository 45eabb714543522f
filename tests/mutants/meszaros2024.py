"""Mutants of Mészáros et al. 2024."""

from __future__ import annotations

from fixtures.meszaros2024_answers import CASES, LARGE, RIVALS
from tests.mutants.known import Known
from tests.mutants.operators import Vocabulary

VOCABULARY = Vocabulary(
    exchanged=(
        ("static", "dynamic", "dense"),
        ("fixed", "learned"),
        ("signs", "bands", "delays"),
        ("scored", "best_accuracy"),
        ("accuracy", "blurred_accuracy"),
    ),
    added={"grouping": ("epoch='untrained'", "by_frequency=True")},
)
EQUIVALENT: dict[str, tuple[str, ...]] = {
    "The region is the same on both sides of zero.": (
        "test_rounded_delays_are_as_accurate: learned.accuracy() - learned.blurred_accuracy() → "
        "learned.blurred_accuracy() - learned.accuracy()",
    ),
    "There is one network.": tuple(
        f"{test}: runs[DENSE].grouping → [*runs.values()][{place}].grouping{again}"
        for test in ("test_signs_group_after_training", "test_signs_group_in_space_and_in_time")
        for place in (0, -1)
        for again in ("", " (2)")
    ),
    "All networks and seeds have as many synapses.": (
        "require_masks: runs[name].change → [*runs.values()][0].change",
        "require_masks: runs[name].change → [*runs.values()][-1].change",
        "require_masks: synapses → [*synapses][:1]",
        "require_masks: synapses → [*synapses][-1:]",
    ),
    "The mask is the last of the rules.": (
        "require_masks: runs[name].recipe.rules → [*runs[name].recipe.rules][-1:]",
    ),
    "It is a name in messages only.": (
        *(
            f"test_rounded_delays_are_as_accurate: role('dense', 'learned') → role({other}) (2)"
            for other in ("'static', 'learned'", "'dynamic', 'learned'", "'dense', 'fixed'")
        ),
        *(
            f"_rewired: role('dynamic', 'learned', s) → role({other}, s)"
            for other in ("'static', 'learned'", "'dense', 'learned'", "'dynamic', 'fixed'")
        ),
    ),
    "The low sparsity is the first.": (
        "test_structure_helps_at_high_sparsity: gains[at[-1]] - gains[LOW] → "
        "gains[at[-1]] - [*gains.values()][0]",
    ),
    "There is one row.": (
        "test_sparse_networks_are_as_accurate_as_dense_ones: np.take_along_axis(judged_by, "
        "chosen_by.argmax(0)[None], 0)[0] → np.take_along_axis(judged_by, "
        "chosen_by.argmax(0)[None], 0)[-1]",
    ),
}
KNOWN = Known(
    "claims.meszaros2024",
    (*CASES.values(), *RIVALS.values(), *LARGE.values()),
    VOCABULARY,
    EQUIVALENT,
)
