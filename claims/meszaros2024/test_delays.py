"""What learning delays gains, with masks that are held and with masks that are learned."""

from __future__ import annotations

import numpy as np

from claims.meszaros2024 import controls, recipes
from claims.meszaros2024.comparing import (
    difference,
    four_curves,
    judge_accuracy,
    of_delays,
    setting_of,
)
from claims.meszaros2024.drawing import over_sparsity
from claims.meszaros2024.judging import (
    Roles,
    require_learned,
    require_masks,
    require_moved,
    require_new_voices,
    require_rewired,
)
from claims.meszaros2024.paper import ABSTRACT, FIGURE, RELEASE, REPORTED
from claims.meszaros2024.protocol import COMMON, REWIRED, ROUNDED, SPEECH, UNREAD, VOICES
from claims.meszaros2024.recipes import (
    BOTH,
    LOW,
    MESZAROS2024,
    Structure,
    high,
    role,
    sparsities,
    upto_static,
)
from tic.audit import Judge, above, claim, within
from tic.audit.control import PERMUTED_LABELS

NO_DIFFERENCE = 2.0
"""Percentage points within which accuracies do not differ."""
LEAST = 1.0
"""Percentage points that count as a gain."""


@claim(
    MESZAROS2024,
    "delays-static",
    source=FIGURE,
    says="Learning delays helps where the connectivity is fixed.",
    rule=(
        "Accuracy with learned delays minus that with fixed ones: above 1 pp, mean over no "
        "sparsity and all up to 0.992 (0.875 in the smoke setting), and above 0 at the low and at "
        "each high sparsity. Some of the voices that are tested must be new."
    ),
    needs=recipes.static,
    version=2,
    gaps=COMMON,
    controls=(
        controls.DELAYS_DEALT_OUT, controls.NEVER_LEARNED, controls.UNMASKED, controls.KNOWN_VOICES,
        PERMUTED_LABELS,
    ),
)  # fmt: skip
def test_delay_learning_helps_fixed_connectivity(runs: Roles, judge: Judge) -> None:
    setting = setting_of(runs)
    at = upto_static(setting)
    gains = np.stack([of_delays(runs, "dense", 0.0), *(of_delays(runs, "static", s) for s in at)])
    require_new_voices(judge, runs)
    require_masks(judge, runs, {role("static", kind, s): s for kind in BOTH for s in at})
    judge_accuracy(
        judge,
        runs,
        gains.mean(0),
        above(LEAST),
        "learned minus fixed, mean over sparsities",
        parts=len(gains),
    )
    for sparsity in (LOW, *high(setting)):
        gain = of_delays(runs, "static", sparsity)
        judge_accuracy(judge, runs, gain, above(0), f"learned minus fixed at {sparsity:g}")
    shown = four_curves(runs, (0.0, *at))
    over_sparsity(judge, "Counterpart of Fig. 3, static connectivity", (0.0, *at), shown)
    judge.compare_all(
        FIGURE,
        unit="%",
        reported=REPORTED,
        measured={f"accuracy, {name}": values.mean(1) for name, values in shown.items()},
    )


@claim(
    MESZAROS2024,
    "delays-dynamic",
    source=FIGURE,
    says="Learning delays has no obvious benefit where the structure is learned.",
    rule=(
        "Accuracy with learned delays minus that with fixed ones, both rewired, within ±2 pp at "
        "each sparsity. All networks must have learned, masks must have been rewired and learned "
        "delays must have moved. Some of the voices that are tested must be new."
    ),
    needs=recipes.crossed,
    version=2,
    gaps=(*COMMON, *REWIRED),
    controls=(
        controls.NEVER_LEARNED, controls.NEVER_REWIRED, controls.UNMASKED, controls.KNOWN_VOICES,
        PERMUTED_LABELS,
    ),
)  # fmt: skip
def test_delay_learning_adds_nothing_to_learned_structure(runs: Roles, judge: Judge) -> None:
    at = sparsities(setting_of(runs))
    rewired = {role("dynamic", kind, s): s for kind in BOTH for s in at}
    require_new_voices(judge, runs)
    require_learned(judge, {name: runs[name] for name in rewired})
    require_masks(judge, runs, rewired)
    require_rewired(judge, {name: runs[name] for name in rewired})
    learned = [role("dynamic", "learned", s) for s in at]
    require_moved(judge, {name: runs[name] for name in learned})
    for sparsity in at:
        judge_accuracy(
            judge,
            runs,
            of_delays(runs, "dynamic", sparsity),
            within(-NO_DIFFERENCE, NO_DIFFERENCE),
            f"rewired, learned minus fixed at {sparsity:g}",
        )
    shown = four_curves(runs, at)
    over_sparsity(judge, "Counterpart of Fig. 3", at, shown)
    judge.compare_all(
        FIGURE,
        unit="%",
        reported=REPORTED,
        measured={f"accuracy, {name}": values.mean(1) for name, values in shown.items()},
    )


@claim(
    MESZAROS2024,
    "substitution",
    source=f"{ABSTRACT}, {FIGURE}",
    says="Learning structure replaces learning delays.",
    rule=(
        "What learning delays gains in static networks minus what it gains in rewired ones, mean "
        "over sparsities, above 1 pp. Some of the voices that are tested must be new."
    ),
    needs=recipes.crossed,
    version=2,
    gaps=(*COMMON, *REWIRED),
    controls=(
        controls.DELAYS_DEALT_OUT, controls.STRUCTURE_DEALT_OUT, controls.NEVER_REWIRED,
        controls.NEVER_LEARNED, controls.UNMASKED, controls.KNOWN_VOICES, PERMUTED_LABELS,
    ),
)  # fmt: skip
def test_structure_learning_replaces_delay_learning(runs: Roles, judge: Judge) -> None:
    at = sparsities(setting_of(runs))
    structures: tuple[Structure, ...] = ("static", "dynamic")
    masks = {role(made, kind, s): s for made in structures for kind in BOTH for s in at}
    require_new_voices(judge, runs)
    require_masks(judge, runs, masks)
    by_sparsity = [of_delays(runs, "static", s) - of_delays(runs, "dynamic", s) for s in at]
    judge_accuracy(
        judge,
        runs,
        np.mean(by_sparsity, axis=0),
        above(LEAST),
        "what delays gain, static minus rewired",
        parts=len(at),
    )


@claim(
    MESZAROS2024,
    "structure-over-delays",
    source=ABSTRACT,
    says="In sparse networks dynamic pruning does better than learning a delay per synapse.",
    rule=(
        "Accuracy of rewired networks with fixed delays minus that of static ones with learned "
        "delays above 1 pp at each high sparsity. Some of the voices that are tested must be new."
    ),
    needs=recipes.opposed,
    version=2,
    gaps=(*COMMON, *REWIRED),
    controls=(
        controls.OPPOSED_DEALT_OUT, controls.STATIC_FOR_DYNAMIC, controls.UNMASKED,
        controls.KNOWN_VOICES, PERMUTED_LABELS,
    ),
)  # fmt: skip
def test_dynamic_pruning_outperforms_delay_learning(runs: Roles, judge: Judge) -> None:
    at = high(setting_of(runs))
    wanted = {role("dynamic", "fixed", s): s for s in at}
    require_new_voices(judge, runs)
    require_masks(judge, runs, wanted | {role("static", "learned", s): s for s in at})
    for sparsity in at:
        judge_accuracy(
            judge,
            runs,
            difference(
                runs, role("dynamic", "fixed", sparsity), role("static", "learned", sparsity)
            ),
            above(LEAST),
            f"rewired and fixed minus static and learned at {sparsity:g}",
        )


@claim(
    MESZAROS2024,
    "rounding",
    source=RELEASE,
    says="Rounding delays after training does no harm.",
    rule=(
        "Accuracy with rounded delays and one tap minus that with the kernels of the last step, "
        "dense and learned, within ±1 pp. Networks must have learned, and delays have moved. Some "
        "of the voices that are tested must be new."
    ),
    needs=recipes.rounded,
    version=2,
    gaps=(UNREAD, VOICES, ROUNDED, SPEECH),
    controls=(controls.NEVER_LEARNED, controls.KNOWN_VOICES, PERMUTED_LABELS),
)
def test_rounded_delays_are_as_accurate(runs: Roles, judge: Judge) -> None:
    learned = runs[role("dense", "learned")]
    require_new_voices(judge, runs)
    require_learned(judge, runs)
    require_moved(judge, {role("dense", "learned"): learned})
    effects = learned.accuracy() - learned.blurred_accuracy()
    judge_accuracy(judge, runs, effects, within(-LEAST, LEAST), "one tap minus blurred")
