"""Width, depth and the first question: how near a spiking network is to an ordinary one."""

from __future__ import annotations

import numpy as np

from claims.li2023 import controls, recipes
from claims.li2023.drawing import heat_map, over_conditions, over_layers
from claims.li2023.paper import ABSTRACT, QUESTIONS, REPORTED
from claims.li2023.protocol import COMMON, PROVISIONAL, STATISTIC, TIME
from claims.li2023.recipes import DEPTHS, FACTORS, LI2023, ORDINARY, SPIKING, TWIN, WIDTHS, role
from claims.li2023.runs import LiRuns, Similarities
from tic.audit import Array, Judge, above, claim, within
from tic.stats.trend import Direction

LEAST = 0.02


@claim(
    LI2023,
    "ann-like",
    source=ABSTRACT,
    says=(
        f"{QUESTIONS} The answer was not read; judged is that a spiking network is as similar to "
        "an ordinary one as another ordinary one is."
    ),
    rule="Mean over all layers of S(A, N) - S(A, A′) within ±0.05.",
    needs=recipes.three,
    gaps=(*COMMON, STATISTIC, PROVISIONAL, TIME),
    controls=(controls.OTHER_IMAGES, controls.SILENT),
)
def test_spiking_networks_are_as_near_as_another_ordinary_one(
    runs: dict[str, LiRuns], judge: Judge
) -> None:
    spiking = runs[ORDINARY].similarity(runs[SPIKING])
    twin = runs[ORDINARY].similarity(runs[TWIN])
    judge(spiking.mean() - twin.mean(), within(-0.05, 0.05), name="mean S(A, N) - S(A, A′)")
    judge.compare_all(
        ABSTRACT,
        unit="",
        reported=REPORTED,
        measured={"mean similarity of spiking and ordinary network": spiking.mean()},
    )
    if not judge.draws:
        return
    judge.compare_all(
        ABSTRACT,
        unit="%",
        reported=REPORTED,
        measured={
            "accuracy of the spiking network": runs[SPIKING].accuracy(),
            "accuracy of the ordinary network": runs[ORDINARY].accuracy(),
        },
    )
    judge.figure(
        "Layer by layer",
        f"Similarity of every layer of A with every layer of N, and of a second ordinary network. "
        f"What the paper shows was not read. {spiking.note}",
        heat_map("Ordinary and spiking", spiking, rows="ordinary, A", columns="spiking, N"),
        heat_map("Two ordinary", twin, rows="ordinary, A", columns="ordinary, A′"),
    )
    judge.figure(
        "Layers of one name",
        f"Similarity over depth. {twin.note}",
        over_layers("Over depth", {"S(A, N)": spiking, "S(A, A′)": twin}),
    )


def _under(runs: dict[str, LiRuns], conditions: tuple[str, ...]) -> dict[str, Similarities]:
    return {
        name: runs[role(ORDINARY, name)].similarity(runs[role(SPIKING, name)])
        for name in conditions
    }


def _judge_order(judge: Judge, similar: dict[str, Similarities], direction: Direction) -> Array:
    """Judge that the mean similarity follows the order of the conditions; (S, conditions)."""
    names = list(similar)
    means = np.column_stack([pair.mean() for pair in similar.values()])
    first, last = (means[:, -1], means[:, 0]) if direction == "increasing" else means[:, [0, -1]].T
    high, low = (names[-1], names[0]) if direction == "increasing" else (names[0], names[-1])
    judge(first - last, above(LEAST), name=f"mean S(A, N), {high} minus {low}")
    judge.trend(means, direction=direction, name=f"mean S(A, N) over {', '.join(names)}")
    for name, pair in similar.items():
        judge.note(f"{name}: {pair.note}")
    return means


@claim(
    LI2023,
    "width",
    source=ABSTRACT,
    says="Similarity of spiking and ordinary networks rises with their width (provisional).",
    rule=(
        "Mean over all layers of S(A, N) with twice the channels minus that with half of them "
        "above 0.02, and Page's trend over ×½, ×1, ×2 rising."
    ),
    needs=recipes.widths,
    gaps=(*COMMON, PROVISIONAL, TIME),
    controls=(controls.MIXED_WIDTHS,),
)
def test_similarity_rises_with_width(runs: dict[str, LiRuns], judge: Judge) -> None:
    similar = _under(runs, WIDTHS)
    means = _judge_order(judge, similar, "increasing")
    judge.compare_all(
        ABSTRACT,
        unit="",
        reported=REPORTED,
        measured={
            f"similarity of spiking and ordinary network, {name}": similar[name].mean()
            for name in (WIDTHS[0], WIDTHS[-1])
        },
    )
    if not judge.draws:
        return
    judge.figure(
        "Similarity over width",
        "Mean over all layers, and layer by layer.",
        over_conditions("Mean", "width, relative", list(FACTORS), {"S(A, N)": means}),
        over_layers("Over depth", similar),
    )


@claim(
    LI2023,
    "depth",
    source=ABSTRACT,
    says="Similarity of spiking and ordinary networks falls with their depth (provisional).",
    rule=(
        "Mean over all layers of S(A, N) with one block in a stage minus that with three above "
        "0.02, and Page's trend over n = 1, 2, 3 falling."
    ),
    needs=recipes.depths,
    gaps=(*COMMON, PROVISIONAL, TIME),
    controls=(controls.MIXED_DEPTHS,),
)
def test_similarity_falls_with_depth(runs: dict[str, LiRuns], judge: Judge) -> None:
    conditions = tuple(f"n = {depth}" for depth in DEPTHS)
    similar = _under(runs, conditions)
    means = _judge_order(judge, similar, "decreasing")
    judge.compare_all(
        ABSTRACT,
        unit="",
        reported=REPORTED,
        measured={
            f"similarity of spiking and ordinary network, {name}": similar[name].mean()
            for name in (conditions[0], conditions[-1])
        },
    )
    if not judge.draws:
        return
    deepest = similar[conditions[-1]]
    judge.figure(
        "Similarity over depth",
        f"Mean over all layers, and layer by layer in the deepest network. {deepest.note}",
        over_conditions(
            "Mean", "blocks in a stage", [float(n) for n in DEPTHS], {"S(A, N)": means}
        ),
        heat_map(conditions[-1], deepest, rows="ordinary, A", columns="spiking, N"),
    )
