"""Rivals: faults of an implementation that may have made the pattern of Table 1."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import pytest

from claims.kim2023 import recipes
from claims.kim2023.corruptions import GRADIENT_ATTACKS
from claims.kim2023.faults import FAULTS
from claims.kim2023.paper import LEVELS, table_1_rows
from claims.kim2023.recipes import KIM2023
from claims.kim2023.runs import KimRuns
from tic.audit import rival
from tic.audit.judge import Judge
from tic.stats import above

# FGSM has one step, which starts from rest and without gradients changes no image: of these faults
# only the smaller ε can make a pattern of it.
CASES = tuple(
    (corruption, fault)
    for corruption in GRADIENT_ATTACKS
    for fault in FAULTS
    if corruption != "fgsm" or fault == "normalised-epsilon"
)


@rival(
    KIM2023,
    "fault",
    of=("alpha-robustness",),
    source="Table 1",
    says="The pattern of Table 1 comes out where the attack is implemented with this fault.",
    rule=(
        "Under the faulty attack drop(intermediate) - drop(low) and drop(high) - "
        "drop(intermediate) both above 0; and drop(high) - drop(low) under it minus that under the "
        "sound attack above 0, for what the sound attack does as well is not of the fault."
    ),
    needs=recipes.alphas,
    version=3,
    notes=(
        "normalised-epsilon: ε and step in units of the normalised image. surrogate-lost: spikes "
        "without a derivative, as activation_based of SpikingJelly 0.0.0.0.14 has them in "
        "evaluation mode; clock_driven, which the release imports, keeps it there. state-kept: "
        "membranes that are not reset between the steps of the attack.",
        "The paper states none of this. A fault that yields the pattern is a possible cause of it, "
        "no proof.",
    ),
)
@pytest.mark.parametrize(("corruption", "fault"), CASES)
def test_a_fault_makes_the_pattern(
    runs: dict[str, KimRuns], judge: Judge, corruption: str, fault: str
) -> None:
    sound = GRADIENT_ATTACKS[corruption]
    clean = {level: 100.0 * runs[level].correct() for level in LEVELS}
    drops_by_gradient = {
        how: {level: clean[level] - 100 * runs[level].correct(attack) for level in LEVELS}
        for how, attack in (("faulty", FAULTS[fault](attack=sound)), ("sound", sound))
    }
    in_points = partial(judge, unit="pp", by_sample=True, resolution=100 / clean["low"].shape[1])
    for less, greater in pairwise(LEVELS):
        in_points(
            drops_by_gradient["faulty"][greater] - drops_by_gradient["faulty"][less],
            above(0),
            name=f"drop under {corruption} with the fault, α {greater} minus α {less}",
        )
    advantage = {how: drops["high"] - drops["low"] for how, drops in drops_by_gradient.items()}
    in_points(
        advantage["faulty"] - advantage["sound"],
        above(0),
        name=f"drop under {corruption}, α high minus α low, with the fault minus without",
    )
    place, rows = table_1_rows(runs["low"].recipe.dataset.name)
    for how, drops in drops_by_gradient.items():
        for level in LEVELS:
            judge.compare(
                f"α {level}, drop under the {how} attack",
                place,
                unit="pp",
                reported=round(rows[level].clean - getattr(rows[level], corruption), 2),
                measured=drops[level].mean(1),
            )
