"""Mutants of Li et al. 2023."""

from __future__ import annotations

from fixtures.li2023_answers import CASES, OPEN, RIVALS
from tests.mutants.known import Known
from tests.mutants.operators import Vocabulary

VOCABULARY = Vocabulary(
    exchanged=(("at_blocks", "at_branches"), ("change", "neighbour_change"), ("attacked", "worst")),
    added={
        "similarity": ("'untrained', reestimated=True",),
        "change": ("'untrained', reestimated=True",),
        "attacked": ("signs=True", "drifted=True"),
    },
)
DEFINED = "defined(result[kind].get(f'blocks.{number}'), f'blocks.{number}', seed)"
EQUIVALENT: dict[str, tuple[str, ...]] = {
    "The region is the same on both sides of zero.": (
        "test_spiking_networks_are_as_near_as_another_ordinary_one: spiking.mean() - twin.mean() → "
        "twin.mean() - spiking.mean()",
        "test_two_ordinary_networks_do_it_too: spiking.recovery() - twin.recovery() → "
        "twin.recovery() - spiking.recovery()",
        "_ann_like: look(ORDINARY, SPIKING).mean() - look(ORDINARY, TWIN).mean() → "
        "look(ORDINARY, TWIN).mean() - look(ORDINARY, SPIKING).mean()",
    ),
    "There are two, and this one is there.": (
        "test_spiking_networks_need_shortcuts_more: lost[SPIKING] - lost[ORDINARY] → "
        "[*lost.values()][0] - lost[ORDINARY]",
        "test_spiking_networks_need_shortcuts_more: lost[SPIKING] - lost[ORDINARY] → "
        "lost[SPIKING] - [*lost.values()][-1]",
        "test_timesteps_and_leak_change_representations: thirds(change[LONG]) → "
        "thirds([*change.values()][-1])",
        "test_timesteps_and_leak_change_representations: thirds(change[SHORT]) → "
        "thirds([*change.values()][0])",
        "test_timesteps_and_leak_change_representations: similar[LONG].mean → "
        "[*similar.values()][-1].mean",
        "test_timesteps_and_leak_change_representations: similar[SHORT].mean → "
        "[*similar.values()][0].mean",
        "test_two_ordinary_networks_change_likewise: means[1] → means[-1]",
        "test_two_ordinary_networks_change_likewise: means[1] → means[-1] (2)",
        "_width: means[1] → means[-1]",
        "_depth: means[1] → means[-1]",
    ),
    "A network has six blocks or more.": (
        "thirds: max(1, round(by_block.shape[1] / 3)) → max(2, round(by_block.shape[1] / 3))",
        "thirds: max(1, round(by_block.shape[1] / 3)) → max(0, round(by_block.shape[1] / 3))",
    ),
    "Both are trained on the same images.": tuple(
        f"{test}: runs[SPIKING].recipe → [*runs.values()][{place}].recipe"
        for test in (
            "test_attacks_move_deep_representations_more",
            "test_attacks_move_deep_layers_of_ordinary_networks_too",
        )
        for place in (0, -1)
    ),
    "The claim is left open, whatever the contrasts say.": (
        "_judge_sign: sign is None → False",
        "_judge_sign: within(-least, least) → above(-least)",
        "_judge_sign: within(-least, least) → below(least)",
    ),
    "The similarity of two networks has no order.": (
        "test_within_classes_spiking_networks_are_further_away: _by(CLASSES, runs)(ORDINARY, TWIN) "
        "→ _by(CLASSES, runs)(TWIN, ORDINARY)",
        "_spiking_pattern: look(ORDINARY, TWIN).recovery → look(TWIN, ORDINARY).recovery",
        "_ann_like: look(ORDINARY, TWIN).mean → look(TWIN, ORDINARY).mean",
    ),
    "It is shown only.": (
        "looked_again: results[0] → results[1]",
        "looked_again: results[0] → results[-1]",
        "looked_again: results → [*results][:1] (2)",
        "looked_again: results → [*results][-1:] (2)",
        "change_of_as_many: results → [*results][:1]",
        "change_of_as_many: results → [*results][-1:]",
    ),
    "It is the same in the first and the last third.": tuple(
        f"change_of_as_many: 1 - {DEFINED} → {one} - {DEFINED}" for one in (2, 0)
    ),
}
KNOWN = Known(
    "claims.li2023",
    (*CASES.values(), *OPEN.values(), *RIVALS.values()),
    VOCABULARY,
    EQUIVALENT,
)
