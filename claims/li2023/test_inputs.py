"""Input data: event streams and adversarial attacks."""

from __future__ import annotations

from claims.li2023 import controls, recipes
from claims.li2023.drawing import over_blocks
from claims.li2023.paper import ABSTRACT, REPORTED
from claims.li2023.protocol import COMMON, CRAFTING, EVENT_DATA, FIRST_LAYERS, PROVISIONAL
from claims.li2023.recipes import LI2023, ORDINARY, SPIKING, STREAM, TWIN, epsilon, role
from claims.li2023.runs import LiRuns, thirds
from tic.audit import Judge, above, claim


@claim(
    LI2023,
    "events",
    source=ABSTRACT,
    says=(
        "Event-stream data have an impact on the SNN's representation: it changes more over time "
        "than with static images (provisional)."
    ),
    rule=(
        "Mean over blocks of D̄ on events minus that on as many static images, shown for as many "
        "timesteps, above 0.02."
    ),
    needs=recipes.streams,
    version=2,
    gaps=(*COMMON, PROVISIONAL, EVENT_DATA, FIRST_LAYERS),
    controls=(controls.IMAGES_FOR_EVENTS,),
)
def test_representations_of_events_change_more(runs: dict[str, LiRuns], judge: Judge) -> None:
    on_events, on_images = runs[role(SPIKING, STREAM)], runs[SPIKING]
    moving, still = on_events.neighbour_change(), on_images.neighbour_change()
    judge(moving.mean(1) - still.mean(1), above(0.02), name="mean D̄, events minus images")
    ordinary = runs[role(ORDINARY, STREAM)]
    if not judge.draws or ordinary.recipe.dataset != on_events.recipe.dataset:
        return  # in a planted world it sees images, and cannot be compared
    spiking, twin = ordinary.similarity(on_events), ordinary.similarity(runs[role(TWIN, STREAM)])
    judge.table(
        "On events",
        "Similarity of networks that see events, frame by frame; shown and not judged.",
        unit="debiased CKA",
        columns=["mean over layers"],
        rows=[
            ("spiking and ordinary", "S(A, N)", [spiking.mean()]),
            ("two ordinary", "S(A, A′)", [twin.mean()]),
        ],
    )
    judge.note(
        f"Accuracy on events: spiking {on_events.accuracy().mean():.1f} %, ordinary "
        f"{ordinary.accuracy().mean():.1f} %. {spiking.note}"
    )
    judge.figure(
        "Events and images",
        "Change between neighbouring timesteps.",
        over_blocks("By block", "1 - debiased CKA", {"events": moving, "images": still}),
    )


@claim(
    LI2023,
    "adversarial",
    source=ABSTRACT,
    says=(
        "Adversarial attacks have an impact on representations: they move deep layers of spiking "
        "networks more than shallow ones (provisional)."
    ),
    rule=(
        "S(clean, attacked) in the spiking network, mean over the first third of the blocks minus "
        "the last, above 0.05. The ordinary network is shown beside it."
    ),
    needs=recipes.pair,
    gaps=(*COMMON, PROVISIONAL, CRAFTING),
    controls=(controls.CLEAN_FOR_ATTACKED, controls.DRIFTED, controls.MIXED_BLOCKS),
)
def test_attacks_move_deep_representations_more(runs: dict[str, LiRuns], judge: Judge) -> None:
    size = epsilon(runs[SPIKING].recipe)
    spiking, left = runs[SPIKING].attacked(size)
    first, last = thirds(spiking)
    judge(first - last, above(0.05), name="S(clean, attacked), first third minus last")
    if not judge.draws:
        return
    ordinary, ordinary_left = runs[ORDINARY].attacked(size)
    name = "similarity of clean and attacked images, last third"
    judge.compare_all(
        ABSTRACT,
        unit="",
        reported=REPORTED,
        measured={f"{name}, spiking": last, f"{name}, ordinary": thirds(ordinary)[1]},
    )
    judge.note(
        f"ε is {size:g} standard deviations of the pixels. Accuracy left: spiking "
        f"{left.mean():.1f} %, ordinary {ordinary_left.mean():.1f} %; the attacks are not equally "
        "strong, so that the two are not judged against each other."
    )
    judge.figure(
        "Clean and attacked images",
        "Similarity of the outputs of blocks on clean images and on attacked ones.",
        over_blocks("By block", "debiased CKA", {"spiking": spiking, "ordinary": ordinary}),
    )
