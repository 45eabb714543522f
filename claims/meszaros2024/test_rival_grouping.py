"""Other explanations of why excitation and inhibition group."""

from __future__ import annotations

import pytest

from claims.meszaros2024 import rival_recipes
from claims.meszaros2024.judging import Roles, require_learned
from claims.meszaros2024.paper import ABSTRACT
from claims.meszaros2024.recipes import MESZAROS2024, OTHER, role
from claims.meszaros2024.test_grouping import LEAST, LEAST_JOINT
from tic.audit import Judge, above, below, rival


@rival(
    MESZAROS2024,
    "input",
    of=("grouping-joint",),
    source=ABSTRACT,
    says="Grouping in space comes from the input: neighbouring bands are correlated.",
    rule=(
        "Dense, learned delays, trained on bands that were permuted once for all recordings: G in "
        "space, in the order that the network sees below 0.02, and in that of frequencies above "
        "0.02. The network must have learned."
    ),
    needs=rival_recipes.other_bands,
    version=2,
)
def test_grouping_follows_the_input(runs: Roles, judge: Judge) -> None:
    require_learned(judge, runs)
    seen = runs[OTHER].grouping("bands")
    judge(seen, below(LEAST_JOINT), name="G in space, bands as the network sees them")
    sorted_again = runs[OTHER].grouping("bands", by_frequency=True)
    judge(sorted_again, above(LEAST_JOINT), name="G in space, bands in order of frequency")


@rival(
    MESZAROS2024,
    "no-task",
    of=("grouping", "grouping-joint"),
    source=ABSTRACT,
    says="Grouping needs no task: like signs drift to like delays whatever is learned.",
    rule=(
        "Dense, learned delays, trained on labels that were permuted among recordings: G above "
        "0.05 (for `grouping`); in space and in time above 0.02 each (for `grouping-joint`). The "
        "network with true labels must have learned."
    ),
    needs=rival_recipes.other_labels,
)
@pytest.mark.parametrize("of", ["grouping", "grouping-joint"])
def test_grouping_needs_no_task(runs: Roles, judge: Judge, of: str) -> None:
    learned = role("dense", "learned")
    require_learned(judge, {learned: runs[learned]})
    if of == "grouping":
        judge(runs[OTHER].grouping(), above(LEAST), name="G, permuted labels")
        return
    judge(runs[OTHER].grouping("bands"), above(LEAST_JOINT), name="G in space, permuted labels")
    judge(runs[OTHER].grouping("delays"), above(LEAST_JOINT), name="G in time, permuted labels")
