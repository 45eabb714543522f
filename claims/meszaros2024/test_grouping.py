"""Whether excitation and inhibition group in space and time."""

from __future__ import annotations

from claims.meszaros2024 import controls, recipes
from claims.meszaros2024.drawing import signs
from claims.meszaros2024.judging import Roles, require_learned, require_masks, require_rewired
from claims.meszaros2024.paper import ABSTRACT, PREPRINT, REPORTED
from claims.meszaros2024.protocol import GROUPED, JOINT, REWIRED
from claims.meszaros2024.recipes import MESZAROS2024, PRESERVED, role
from claims.meszaros2024.runs import MeszarosRuns
from tic.audit import Array, Judge, above, claim
from tic.audit.control import UNTRAINED

LEAST = 0.05
LEAST_JOINT = 0.02
FACTOR = 2.0
"""By which preserved grouping may be weaker or stronger."""
DENSE = role("dense", "learned")


@claim(
    MESZAROS2024,
    "grouping",
    source=ABSTRACT,
    says="After training excitation and inhibition group in space and time.",
    rule=(
        "G of the dense network with learned delays above 0.05, and above that of the untrained "
        "network by more than 0.05. It must have learned."
    ),
    needs=recipes.dense,
    gaps=GROUPED,
    controls=(UNTRAINED, controls.PERMUTED_SIGNS, controls.SORTED_SIGNS),
)
def test_signs_group_after_training(runs: Roles, judge: Judge) -> None:
    require_learned(judge, runs)
    trained, untrained = runs[DENSE].grouping(), runs[DENSE].grouping(epoch="untrained")
    judge(trained, above(LEAST), name="G")
    judge(trained - untrained, above(LEAST), name="G, trained minus untrained")
    judge.compare_all(ABSTRACT, unit="", reported=REPORTED, measured={"grouping, dense": trained})
    if judge.draws:
        judge.figure(
            "Excitation and inhibition by band and delay",
            "Mean sign of the synapses from a band with a delay, over hidden neurons.",
            signs("Dense, learned delays", runs[DENSE]),
        )


@claim(
    MESZAROS2024,
    "grouping-joint",
    source=ABSTRACT,
    says="The grouping is in space and in time, not in one of them.",
    rule=(
        "Of the dense network with learned delays, autocorrelation beyond that of permuted bands "
        "above 0.02, and beyond that of permuted delays above 0.02. It must have learned."
    ),
    needs=recipes.dense,
    gaps=JOINT,
    controls=(
        UNTRAINED, controls.PERMUTED_SIGNS, controls.PERMUTED_BANDS, controls.PERMUTED_DELAYS,
    ),
)  # fmt: skip
def test_signs_group_in_space_and_in_time(runs: Roles, judge: Judge) -> None:
    require_learned(judge, runs)
    judge(runs[DENSE].grouping("bands"), above(LEAST_JOINT), name="G in space")
    judge(runs[DENSE].grouping("delays"), above(LEAST_JOINT), name="G in time")


@claim(
    MESZAROS2024,
    "grouping-dynamic",
    source=ABSTRACT,
    says="Pruning and rewiring preserve the grouping.",
    rule=(
        "With learned delays, at 0.5, 0.75 and 0.875 each: G of the rewired network above 0.05, "
        "and between half and twice that of the dense one. All must have learned, and masks must "
        "have been rewired."
    ),
    needs=recipes.grouped,
    gaps=(*GROUPED, *REWIRED),
    controls=(UNTRAINED, controls.PERMUTED_SIGNS, controls.UNMASKED),
)
def test_rewiring_preserves_grouping(runs: Roles, judge: Judge) -> None:
    shown = _judge_preserved(judge, runs)
    judge.compare_all(ABSTRACT, unit="", reported=REPORTED, measured={"grouping, dynamic": shown})


@claim(
    MESZAROS2024,
    "grouping-dale",
    source=PREPRINT,
    says="Excitation and inhibition group under Dale's principle too.",
    rule=(
        "As `grouping-dynamic`, of networks that are rewired with one sign per presynaptic unit; "
        "and G above that of the untrained network by more than 0.05 at each sparsity."
    ),
    needs=recipes.dale,
    gaps=(*GROUPED, *REWIRED),
    controls=(UNTRAINED, controls.PERMUTED_SIGNS, controls.SORTED_SIGNS, controls.UNMASKED),
)
def test_signs_group_under_dales_principle(runs: Roles, judge: Judge) -> None:
    """Judge as without Dale's principle, and against the beginning.

    A sign per band that happens to be sorted groups in space without any training, so what the
    network began with is taken off.
    """
    shown = _judge_preserved(judge, runs)
    for name, trained in _rewired(runs).items():
        gained = trained.grouping() - trained.grouping(epoch="untrained")
        judge(gained, above(LEAST), name=f"G, trained minus untrained ({name})")
    judge.compare_all(
        PREPRINT, unit="", reported=REPORTED, measured={"grouping under Dale's principle": shown}
    )


def _rewired(runs: Roles) -> dict[str, MeszarosRuns]:
    return {role("dynamic", "learned", s): runs[role("dynamic", "learned", s)] for s in PRESERVED}


def _judge_preserved(judge: Judge, runs: Roles) -> Array:
    """Judge G of rewired networks against that of the dense one; gives it at the last sparsity.

    That a ratio is between ½ and 2 is judged as two differences, which are defined where G is not
    above 0 as well.
    """
    require_learned(judge, runs)
    require_masks(judge, runs, {role("dynamic", "learned", s): s for s in PRESERVED})
    require_rewired(judge, _rewired(runs))
    dense = runs[DENSE].grouping()
    values = dense
    for name, trained in _rewired(runs).items():
        values = trained.grouping()
        judge(values, above(LEAST), name=f"G ({name})")
        judge(FACTOR * values - dense, above(0), name=f"2 G - G dense ({name})")
        judge(FACTOR * dense - values, above(0), name=f"2 G dense - G ({name})")
    return values
