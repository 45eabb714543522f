"""What the module is made of, and whether another way of dropping spikes would do."""

from __future__ import annotations

from claims.yao2023 import controls, recipes
from claims.yao2023.judging import require_learned, require_matched
from claims.yao2023.paper import ABSTRACT, INTRODUCTION, RELEASE, REPORTED
from claims.yao2023.protocol import COMMON, DROPOUT, INFERRED, MODULE, UNREAD
from claims.yao2023.recipes import ATTENTION, OTHER, PLAIN, QUARTER, THREE_QUARTERS, YAO2023
from claims.yao2023.runs import YaoRuns, log_ratio
from tic.audit import Judge, above, claim

Roles = dict[str, YaoRuns]
NO_WORSE = -1.0
"""Percentage points of accuracy."""


def _judge_better(judge: Judge, runs: Roles, other: str) -> None:
    """Judge that the module fires less than another, and is not less accurate."""
    require_learned(judge, {name: runs[name] for name in (ATTENTION, OTHER)})
    rates = {name: runs[name].rate() for name in (ATTENTION, OTHER)}
    accuracy = {name: runs[name].scored_by_sample() for name in (ATTENTION, OTHER)}
    judge(log_ratio(rates[OTHER], rates[ATTENTION]), above(0.05), name=f"ln(r {other} / r module)")
    judge(
        accuracy[ATTENTION] - accuracy[OTHER],
        above(NO_WORSE),
        name=f"accuracy, module minus {other}",
        unit="pp",
        by_sample=True,
        resolution=runs[ATTENTION].resolution,
    )
    judge.compare_all(
        ABSTRACT, unit="", reported=REPORTED, measured={f"firing rate with {other}": rates[OTHER]}
    )
    judge.compare_all(
        ABSTRACT,
        unit="%",
        reported=REPORTED,
        measured={f"accuracy with {other}": accuracy[OTHER].mean(1)},
    )


@claim(
    YAO2023,
    "pair",
    source=ABSTRACT,
    says="A pair of individual attention sub-modules does better than one.",
    rule=(
        "ln(r of one map / r of two) above 0.05, and accuracy of two minus one above -1 pp. Both "
        "networks must have learned."
    ),
    needs=recipes.single,
    gaps=(*COMMON, INFERRED),
    controls=(controls.OTHER_FOR_MODULE,),
)
def test_two_maps_are_better_than_one(runs: Roles, judge: Judge) -> None:
    _judge_better(judge, runs, "one map")


@claim(
    YAO2023,
    "separation",
    source=ABSTRACT,
    says="That features are separated by their importance is what makes the module work.",
    rule=(
        "ln(r of a random split / r of the module) above 0.05, and accuracy of the module minus "
        "the random split's above -1 pp. Both networks must have learned."
    ),
    needs=recipes.random_split,
    gaps=(*COMMON, INFERRED),
    controls=(controls.OTHER_FOR_MODULE,),
)
def test_separation_is_better_than_a_random_split(runs: Roles, judge: Judge) -> None:
    _judge_better(judge, runs, "a random split")


@claim(
    YAO2023,
    "half",
    source=RELEASE,
    says="λ = ½ is the right share of important features.",
    rule=(
        "Against λ = ¼ and λ = ¾ each: ln(r other / r half) above -0.05, and accuracy half minus "
        "other above -1 pp. All networks must have learned."
    ),
    needs=recipes.shares,
    gaps=(UNREAD, INFERRED, DROPOUT, *MODULE),
    controls=(controls.PLAIN_FOR_HALF,),
)
def test_half_is_no_worse_a_share_than_others(runs: Roles, judge: Judge) -> None:
    require_learned(judge, runs)
    rate, accuracy = runs[ATTENTION].rate(), runs[ATTENTION].scored_by_sample()
    for name in (QUARTER, THREE_QUARTERS):
        other = runs[name].rate()
        judge(log_ratio(other, rate), above(-0.05), name=f"ln(r {name} / r half)")
        judge(
            accuracy - runs[name].scored_by_sample(),
            above(NO_WORSE),
            name=f"accuracy, half minus {name}",
            unit="pp",
            by_sample=True,
            resolution=runs[ATTENTION].resolution,
        )
        judge.compare_all(
            RELEASE, unit="", reported=REPORTED, measured={f"firing rate with {name}": other}
        )


@claim(
    YAO2023,
    "penalty-costs",
    source=INTRODUCTION,
    says="Other ways of dropping spikes lose accuracy.",
    rule=(
        "The plain network with a penalty on its firing rate, at the module's rate (ln ratio of "
        "the means within ±0.1): accuracy of the module minus its own above 0.5 pp, and of the "
        "plain network minus its own above 0.5 pp. Those two must have learned."
    ),
    needs=recipes.penalised,
    version=2,
    gaps=(*COMMON, INFERRED),
    controls=(controls.PENALISED_FOR_PLAIN,),
)
def test_a_rate_penalty_loses_accuracy(runs: Roles, judge: Judge) -> None:
    recipes.require_penalty(runs[OTHER].recipe)
    require_learned(judge, {name: runs[name] for name in (PLAIN, ATTENTION)})
    rates = {name: runs[name].rate().mean() for name in (ATTENTION, OTHER)}
    require_matched(judge, float(log_ratio(rates[OTHER], rates[ATTENTION])))
    penalised = runs[OTHER].scored_by_sample()
    for name in (ATTENTION, PLAIN):
        judge(
            runs[name].scored_by_sample() - penalised,
            above(0.5),
            name=f"accuracy, {name} minus penalty",
            unit="pp",
            by_sample=True,
            resolution=runs[name].resolution,
        )
    judge.compare_all(
        INTRODUCTION,
        unit="%",
        reported=REPORTED,
        measured={"accuracy with a rate penalty": penalised.mean(1)},
    )
