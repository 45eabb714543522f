"""Residual connections: the periodic pattern, and what it does."""

from __future__ import annotations

from claims.li2023 import controls, recipes
from claims.li2023.drawing import over_blocks
from claims.li2023.paper import ABSTRACT, REPORTED
from claims.li2023.protocol import COMMON, STATISTIC, TIME, UNTRAINED
from claims.li2023.recipes import LI2023, ORDINARY, PLAIN, SPIKING, TWIN, role
from claims.li2023.runs import LiRuns
from tic.audit import Array, Judge, above, claim
from tic.audit.control import PERMUTED_LABELS

PATTERN = "SNNs learn a periodic pattern"


@claim(
    LI2023,
    "periodic",
    source=ABSTRACT,
    says=(
        f"{PATTERN}: over the blocks, their similarity to an ordinary network falls within the "
        "branch and recovers after the residual sum."
    ),
    rule="J(A, N) above 0.03, the mean over blocks of S after the sum minus S before it.",
    needs=recipes.pair,
    gaps=(*COMMON, STATISTIC, TIME),
    controls=(controls.SAME_NETWORK, controls.OTHER_IMAGES, controls.SWAPPED),
)
def test_similarity_recovers_after_the_residual_sum(runs: dict[str, LiRuns], judge: Judge) -> None:
    similar = runs[ORDINARY].similarity(runs[SPIKING])
    judge(similar.recovery(), above(0.03), name="J(A, N)")
    judge.figure(
        "The pattern over the blocks",
        f"Similarity of A and N before and after the sum of every block. {similar.note}",
        over_blocks(
            "Before and after the sum",
            "debiased CKA",
            {"end of the branch": similar.at_branches(), "after the sum": similar.at_blocks()},
        ),
    )


@claim(
    LI2023,
    "spiking-pattern",
    source=ABSTRACT,
    says=f"{PATTERN}, and it comes of one network spiking.",
    rule="J(A, N) - J(A, A′) above 0.02.",
    needs=recipes.three,
    gaps=(*COMMON, STATISTIC, TIME),
    controls=(controls.SECOND_FOR_SPIKING,),
)
def test_the_pattern_comes_of_spikes(runs: dict[str, LiRuns], judge: Judge) -> None:
    spiking = runs[ORDINARY].similarity(runs[SPIKING])
    twin = runs[ORDINARY].similarity(runs[TWIN])
    judge(spiking.recovery() - twin.recovery(), above(0.02), name="J(A, N) - J(A, A′)")
    judge.note(spiking.note)


@claim(
    LI2023,
    "learned-pattern",
    source=ABSTRACT,
    says=f"{PATTERN}: training brings it about.",
    rule=(
        "J(A, N) after training minus that before it above 0.02; before it, batch normalisation "
        "has the statistics of the images that are measured."
    ),
    needs=recipes.pair,
    gaps=(*COMMON, STATISTIC, UNTRAINED, TIME),
    controls=(controls.UNTRAINED_PAIR,),
)
def test_the_pattern_is_learned(runs: dict[str, LiRuns], judge: Judge) -> None:
    trained = runs[ORDINARY].similarity(runs[SPIKING])
    before = runs[ORDINARY].similarity(runs[SPIKING], "untrained", reestimated=True)
    judge(trained.recovery() - before.recovery(), above(0.02), name="J, trained minus untrained")
    judge.figure(
        "The pattern before and after training",
        f"Similarity after the sum minus that before it. {before.note}",
        over_blocks(
            "By block",
            "difference of debiased CKA",
            {
                "untrained": before.at_blocks() - before.at_branches(),
                "trained": trained.at_blocks() - trained.at_branches(),
            },
        ),
    )


def _gained(runs: dict[str, LiRuns], other: str) -> tuple[Array, Array]:
    """Similarity of A with another network after the sum, with and without shortcuts, (S, K)."""
    with_them = runs[ORDINARY].similarity(runs[other])
    without = runs[role(ORDINARY, PLAIN)].similarity(runs[role(other, PLAIN)])
    return with_them.at_blocks(), without.at_blocks()


@claim(
    LI2023,
    "rectified",
    source=ABSTRACT,
    says="Residual connections rectify the representations in SNNs to be ANN-like.",
    rule=(
        "Mean S(A, N) over the outputs of the blocks with shortcuts minus that without above 0.03, "
        "and this difference minus that of S(A, A′) above 0."
    ),
    needs=recipes.both_ways,
    gaps=(*COMMON, STATISTIC, TIME),
    controls=(controls.NO_SHORTCUTS,),
)
def test_shortcuts_make_representations_ann_like(runs: dict[str, LiRuns], judge: Judge) -> None:
    with_them, without = _gained(runs, SPIKING)
    twin_with, twin_without = _gained(runs, TWIN)
    gain, twin_gain = (with_them - without).mean(1), (twin_with - twin_without).mean(1)
    judge(gain, above(0.03), name="mean S(A, N), with minus without shortcuts")
    judge(gain - twin_gain, above(0), name="the same minus that of S(A, A′)")
    judge.compare_all(
        ABSTRACT,
        unit="",
        reported=REPORTED,
        measured={
            "similarity with shortcuts": with_them.mean(1),
            "similarity without shortcuts": without.mean(1),
        },
    )
    judge.figure(
        "With and without shortcuts",
        "Similarity of the outputs of blocks.",
        over_blocks("Spiking", "debiased CKA", {"with shortcuts": with_them, "without": without}),
        over_blocks(
            "Two ordinary", "debiased CKA", {"with shortcuts": twin_with, "without": twin_without}
        ),
    )


@claim(
    LI2023,
    "residual-accuracy",
    source=ABSTRACT,
    says=(
        "A spiking network needs residual connections more than an ordinary one does (inferred "
        "from the release, which can leave them out)."
    ),
    rule="Accuracy lost without shortcuts, N minus A, above 1 pp.",
    needs=recipes.shortcuts,
    version=2,
    gaps=COMMON,
    controls=(controls.NO_SHORTCUTS_OF_PAIR, PERMUTED_LABELS),
)
def test_spiking_networks_need_shortcuts_more(runs: dict[str, LiRuns], judge: Judge) -> None:
    pair = (SPIKING, ORDINARY)
    without = {name: runs[role(name, PLAIN)].accuracy_by_sample() for name in pair}
    lost = {name: runs[name].accuracy_by_sample() - left for name, left in without.items()}
    judge(
        lost[SPIKING] - lost[ORDINARY],
        above(1),
        name="accuracy lost without shortcuts, spiking minus ordinary",
        unit="pp",
        by_sample=True,
        resolution=runs[SPIKING].resolution,
    )
    judge.compare_all(
        ABSTRACT,
        unit="%",
        reported=REPORTED,
        measured={
            "accuracy without shortcuts, spiking": without[SPIKING].mean(1),
            "accuracy without shortcuts, ordinary": without[ORDINARY].mean(1),
        },
    )
