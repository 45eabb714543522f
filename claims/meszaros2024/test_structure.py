"""What learning structure gains, and whether it selects delays."""

from __future__ import annotations

import numpy as np

from claims.meszaros2024 import controls, recipes
from claims.meszaros2024.comparing import (
    difference,
    judge_accuracy,
    of_structure,
    setting_of,
)
from claims.meszaros2024.judging import (
    Roles,
    require_learned,
    require_masks,
    require_new_voices,
    require_rewired,
)
from claims.meszaros2024.paper import ABSTRACT, FIGURE, REPORTED
from claims.meszaros2024.protocol import COMMON, REWIRED
from claims.meszaros2024.recipes import (
    BOTH,
    LOW,
    MESZAROS2024,
    OWN,
    PERMUTED,
    SPARSE,
    high,
    role,
)
from tic.audit import Judge, above, below, claim, within
from tic.audit.control import PERMUTED_LABELS

NO_DIFFERENCE = 2.0
"""Percentage points within which accuracies do not differ, and beyond which they clearly do."""
LEAST_SELECTED = 0.05
"""By which the distance of live delays from all must exceed that of random masks."""


@claim(
    MESZAROS2024,
    "structure-low",
    source=FIGURE,
    says="At lower sparsity learning the structure makes no big difference.",
    rule=(
        "Accuracy of rewired minus static networks within ±2 pp at a sparsity of 0.5, for fixed "
        "and for learned delays. All must have learned, and masks must have been rewired. Some of "
        "the voices that are tested must be new."
    ),
    needs=recipes.low,
    version=2,
    gaps=(*COMMON, *REWIRED),
    controls=(
        controls.NEVER_REWIRED,
        controls.UNMASKED,
        controls.KNOWN_VOICES,
        PERMUTED_LABELS,
    ),
)
def test_structure_makes_little_difference_at_low_sparsity(runs: Roles, judge: Judge) -> None:
    require_new_voices(judge, runs)
    require_learned(judge, runs)
    require_masks(judge, runs, dict.fromkeys(runs, LOW))
    require_rewired(judge, {name: runs[name] for name in _dynamic(LOW)})
    for delays in BOTH:
        judge_accuracy(
            judge,
            runs,
            of_structure(runs, delays, LOW),
            within(-NO_DIFFERENCE, NO_DIFFERENCE),
            f"rewired minus static at {LOW:g}, {delays} delays",
        )


def _dynamic(sparsity: float) -> list[str]:
    return [role("dynamic", delays, sparsity) for delays in BOTH]


@claim(
    MESZAROS2024,
    "structure-high",
    source=FIGURE,
    says="The benefit of learning the structure becomes clear as sparsity grows.",
    rule=(
        "Accuracy of rewired minus static networks above 2 pp at each high sparsity, and at the "
        "highest of them above that at 0.5 by more than 2 pp; for fixed and for learned delays. "
        "Some of the voices that are tested must be new."
    ),
    needs=recipes.ends,
    version=2,
    gaps=(*COMMON, *REWIRED),
    controls=(
        controls.NEVER_REWIRED, controls.STRUCTURE_DEALT_OUT, controls.UNMASKED,
        controls.KNOWN_VOICES, PERMUTED_LABELS,
    ),
)  # fmt: skip
def test_structure_helps_at_high_sparsity(runs: Roles, judge: Judge) -> None:
    """Judge the benefit and its growth.

    That it grows is an ordered contrast of the ends with a least effect, and not a test of rank
    trend: such tests support a rise of any size, and one from chance along a curve too often. The
    least rise is what counts as a benefit at all, 2 pp.
    """
    at = high(setting_of(runs))
    wanted = {name: s for s in (LOW, *at) for name in _dynamic(s)}
    require_new_voices(judge, runs)
    require_masks(judge, runs, wanted)
    for delays in BOTH:
        gains = {s: of_structure(runs, delays, s) for s in (LOW, *at)}
        for sparsity in at:
            judge_accuracy(
                judge,
                runs,
                gains[sparsity],
                above(NO_DIFFERENCE),
                f"rewired minus static at {sparsity:g}, {delays} delays",
            )
        judge_accuracy(
            judge,
            runs,
            gains[at[-1]] - gains[LOW],
            above(NO_DIFFERENCE),
            f"what structure gains at {at[-1]:g} minus at {LOW:g}, {delays} delays",
        )


@claim(
    MESZAROS2024,
    "sparse-accuracy",
    source=ABSTRACT,
    says="Sparse networks keep what dense ones reach.",
    rule=(
        "Accuracy of the dense network with learned delays minus that of the rewired one at 0.875 "
        "below 2 pp, on every second test voice; whether delays of the rewired one are fixed or "
        "learned is chosen on the other voices, for every seed. All must have learned, and "
        "masks must have been rewired. Some of the voices that are tested must be new."
    ),
    needs=recipes.sparse,
    version=2,
    gaps=(*COMMON, *REWIRED),
    controls=(
        controls.UNMASKED,
        controls.DENSE_FOR_SPARSE,
        controls.KNOWN_VOICES,
        PERMUTED_LABELS,
    ),
)
def test_sparse_networks_are_as_accurate_as_dense_ones(runs: Roles, judge: Judge) -> None:
    require_new_voices(judge, runs)
    require_learned(judge, runs)
    require_masks(judge, runs, dict.fromkeys(_dynamic(SPARSE), SPARSE))
    require_rewired(judge, {name: runs[name] for name in _dynamic(SPARSE)})
    halves = [runs[name].halves() for name in _dynamic(SPARSE)]
    chosen_by, judged_by = (np.array(part) for part in zip(*halves, strict=True))
    best = np.take_along_axis(judged_by, chosen_by.argmax(0)[None], 0)[0]
    _, dense = runs[role("dense", "learned")].halves()
    judge(
        dense - best,
        below(NO_DIFFERENCE),
        name="accuracy, dense minus sparse",
        unit="pp",
        resolution=2 * runs[role("dense", "learned")].resolution,
    )
    judge.compare_all(
        ABSTRACT, unit="%", reported=REPORTED, measured={"accuracy, dense, learned delays": dense}
    )


@claim(
    MESZAROS2024,
    "delay-selection",
    source=ABSTRACT,
    says="Learning structure is a form of learning delays: it selects delays, not only partners.",
    rule=(
        "At a sparsity of 0.875 with fixed delays: the Kolmogorov-Smirnov distance of the live "
        "synapses' delays from those of all pairs, minus its mean over random masks of as many, "
        "above 0.05; and accuracy of the final mask, trained anew with its own delays, minus that "
        "with delays permuted among the live synapses, above 1 pp. Masks must have been rewired. "
        "Some of the voices that are tested must be new."
    ),
    needs=recipes.selected,
    version=2,
    gaps=(*COMMON, *REWIRED),
    controls=(
        controls.NEVER_REWIRED, controls.MASKS_DEALT_OUT, controls.UNMASKED, controls.KNOWN_VOICES,
        PERMUTED_LABELS,
    ),
)  # fmt: skip
def test_structure_learning_selects_delays(runs: Roles, judge: Judge) -> None:
    """Judge what survives, and whether its delays matter.

    The distance of a sample from what it is drawn of is above 0 by chance, and with few synapses
    above 0.05: so its mean over random masks is taken off.
    """
    rewired = role("dynamic", "fixed", SPARSE)
    require_new_voices(judge, runs)
    require_masks(judge, runs, dict.fromkeys((rewired, OWN, PERMUTED), SPARSE))
    require_rewired(judge, {rewired: runs[rewired]})
    judge(
        runs[rewired].selection(),
        above(LEAST_SELECTED),
        name="distance of live delays from all, beyond random masks",
    )
    judge_accuracy(
        judge, runs, difference(runs, OWN, PERMUTED), above(1.0), "own minus permuted delays"
    )
