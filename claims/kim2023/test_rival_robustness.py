"""Rivals of robustness by small α: masked gradients, and confidence."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
import pytest

from claims.kim2023 import recipes
from claims.kim2023.corruptions import EPSILON, GRADIENT_ATTACKS, STEP
from claims.kim2023.paper import LEVELS, table_1_rows
from claims.kim2023.recipes import KIM2023
from claims.kim2023.runs import KimRuns
from tic.attacks import Rescaled
from tic.audit import rival, robustness
from tic.audit.judge import Judge
from tic.audit.robustness import Robustness, percent
from tic.audit.runs import Array
from tic.errors import NotApplicableError
from tic.measure.measurement import gathered
from tic.stats import below

LEAST = 1.0
"""Percentage points of advantage that count as some."""
BINS = 4
"""Of equal numbers of images by clean margin, within which networks are compared."""
MEMBERS = {"fgsm": "FGSM", "pgd": "PGD, 10 steps"}
"""Names in the attack suite of the attacks as in the paper."""
SHOWN_WITH = "pgd"
"""The entry that shows the attack suite, which is the same for both."""


def _advantage(
    judge: Judge,
    low: Array,
    high: Array,
    where: str,
    *,
    by_sample: bool = False,
    resolution: float | None = None,
) -> None:
    judge(
        low - high,
        below(LEAST),
        name=f"advantage of the low α over the high {where}",
        unit="pp",
        by_sample=by_sample,
        resolution=resolution,
    )


@rival(
    KIM2023,
    "masked-gradients",
    of=("alpha-robustness",),
    source="Table 1",
    says=(
        "The robustness is that of masked gradients: in the worst case over many attacks a small α "
        "has no advantage."
    ),
    rule=(
        "Drop of accuracy at the high α minus that at the low α, both in the worst case per image "
        "over the attack suite, below 1 pp. A figure of the paper does not survive when its attack "
        "leaves over 1 pp more than the worst case."
    ),
    needs=recipes.alphas,
    version=2,
    attacked=True,
)
@pytest.mark.parametrize("corruption", MEMBERS)
def test_no_advantage_in_the_worst_case(
    runs: dict[str, KimRuns], judge: Judge, corruption: str
) -> None:
    # Two workers that judge both attacks at once begin at either end, and share what they measure.
    order = LEVELS if corruption == SHOWN_WITH else LEVELS[::-1]
    attacked = gathered(partial(robustness.attack, runs[level], EPSILON, STEP) for level in order)
    by_level = dict(zip(order, attacked, strict=True))
    suites: dict[str, Robustness] = {level: by_level[level] for level in LEVELS}
    drop = {level: 100.0 * (suite.clean & ~suite.withstands()) for level, suite in suites.items()}
    judge(
        drop["high"] - drop["low"],
        below(LEAST),
        name="drop in the worst case, α high minus α low",
        unit="pp",
        by_sample=True,
        resolution=100 / drop["high"].shape[1],
    )
    _, rows = table_1_rows(runs["low"].recipe.dataset.name)
    for level in LEVELS:
        suite = suites[level]
        judge.worst_case(
            f"{MEMBERS[corruption]}, α {level}",
            suite.accuracy(MEMBERS[corruption]),
            suite.worst(),
            reported=getattr(rows[level], corruption),
        )
    images = suites["low"].clean.shape[1]
    judge.note(
        f"Attack suite: {runs['low'].setting.attacks}, on {images} test images, ε = {EPSILON:.4f}."
    )
    if corruption == SHOWN_WITH:
        for name, suite in suites.items():
            robustness.check(judge, suite, f"α {name}")
        show_suite(judge, suites)
    else:
        judge.note(f"The tables of the attack suite and its checks stand with {SHOWN_WITH}.")


def show_suite(judge: Judge, suites: Mapping[str, Robustness]) -> None:
    """Accuracy under every attack of the attack suite, and as ε grows."""
    some = next(iter(suites.values()))
    judge.table(
        "The attack suite",
        "Accuracy that an attack leaves at each α.",
        unit="%",
        columns=[f"α {level}" for level in suites],
        rows=[
            ("no attack", "clean", [percent(suite.clean) for suite in suites.values()]),
            *(
                (member.family, member.name, [e.accuracy(member.name) for e in suites.values()])
                for member in some.members
            ),
            ("all", "worst case per image", [suite.worst() for suite in suites.values()]),
        ],
    )
    judge.table(
        "As ε grows",
        f"Accuracy that PGD with {robustness.STEPS} steps leaves.",
        unit="%",
        columns=[f"α {level}" for level in suites],
        rows=[
            (
                "PGD",
                f"ε = {radius:.3g}",
                [percent(suite.grown[radius]) for suite in suites.values()],
            )
            for radius in some.grown
        ],
    )


@rival(
    KIM2023,
    "matched-temperature",
    of=("alpha-robustness",),
    source="Table 1",
    says=(
        "A small α only makes the network more confident: at equal temperature no advantage is "
        "left."
    ),
    rule=(
        "Accuracy lost under the attack on logits divided by the temperature that fits them to the "
        "test labels: that at the high α minus that at the low α below 1 pp."
    ),
    needs=recipes.alphas,
    version=3,
)
@pytest.mark.parametrize("corruption", GRADIENT_ATTACKS)
def test_no_advantage_at_equal_temperature(
    runs: dict[str, KimRuns], judge: Judge, corruption: str
) -> None:
    attack, left = GRADIENT_ATTACKS[corruption], {}
    for level, trained in runs.items():
        temperatures = trained.temperatures()
        tempered = [Rescaled(attack=attack, factor=1 / float(tau)) for tau in temperatures]
        clean = 100.0 * trained.correct()
        left[level] = 100 * trained.correct(tempered) - clean
        judge.note(
            f"α {level}: temperature {temperatures.mean():.3g} on average over the seeds, clean "
            f"accuracy {clean.mean():.1f} %."
        )
    where = f"under {corruption} at equal temperature"
    resolution = 100 / left["low"].shape[1]
    _advantage(judge, left["low"], left["high"], where, by_sample=True, resolution=resolution)


@rival(
    KIM2023,
    "matched-margin",
    of=("alpha-robustness",),
    source="Table 1",
    says="A small α only makes margins larger: among images of equal margin no advantage is left.",
    rule=(
        "Among images that both networks classify correctly, in four bins of equal clean margin, "
        "accuracy at the low α minus that at the high α, below 1 pp. A bin weighs as much as the "
        "smaller number of its images. Margins are in units of the temperature that fits the "
        "logits to the test labels."
    ),
    needs=recipes.alphas,
    version=2,
    notes=(
        "Logits times a number have larger margins and the same decisions, clean and attacked: in "
        "the logits themselves margins of two networks cannot be compared.",
    ),
)
@pytest.mark.parametrize("corruption", GRADIENT_ATTACKS)
def test_no_advantage_at_equal_margin(
    runs: dict[str, KimRuns], judge: Judge, corruption: str
) -> None:
    attack = GRADIENT_ATTACKS[corruption]
    margins = {
        level: runs[level].margins() / runs[level].temperatures()[:, None]
        for level in ("low", "high")
    }
    correct = {level: runs[level].correct(attack) for level in margins}
    matched = [
        at_equal_margin(*pair)
        for pair in zip(
            margins["low"], correct["low"], margins["high"], correct["high"], strict=True
        )
    ]
    if any(pair is None for pair in matched):
        raise NotApplicableError("the networks have no images of equal margin in some seed")
    low, high = np.array(matched).T
    _advantage(judge, low, high, f"under {corruption} at equal margin")
    for level, images in margins.items():
        judge.note(f"α {level}: mean clean margin {images.mean():.3g} temperatures.")


def at_equal_margin(
    one_margins: Array, one_right: Array, other_margins: Array, other_right: Array
) -> tuple[float, float] | None:
    """Accuracy in percent of two networks over images of equal clean margin.

    Images that a network classifies wrong without an attack, and so with a negative margin, are
    left out. Bins hold equal numbers of the images of both.

    Args:
        one_margins: Of one network, shape (N,).
        one_right: Whether it withstands the attack, shape (N,).
        other_margins: Of the other network, shape (M,).
        other_right: Whether that withstands the attack, shape (M,).

    Returns:
        Accuracy of the one and of the other; None where no bin has images of both.
    """
    one_kept, other_kept = one_margins > 0, other_margins > 0
    pooled = np.concatenate([one_margins[one_kept], other_margins[other_kept]])
    if not pooled.size:
        return None
    inner = np.quantile(pooled, np.arange(1, BINS) / BINS)
    one_bins, other_bins = (
        np.digitize(m[keep], inner)
        for m, keep in ((one_margins, one_kept), (other_margins, other_kept))
    )
    sums, weights = np.zeros(2), 0
    for k in range(BINS):
        members = one_right[one_kept][one_bins == k], other_right[other_kept][other_bins == k]
        weight = min(map(len, members))
        if weight:
            sums += weight * np.array([100 * right.mean() for right in members])
            weights += weight
    return (float(sums[0] / weights), float(sums[1] / weights)) if weights else None
