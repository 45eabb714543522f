"""Other explanations of what the claims observe."""

from __future__ import annotations

import numpy as np
import pytest

from claims.yao2023 import recipes
from claims.yao2023.judging import require_learned, require_matched
from claims.yao2023.paper import ABSTRACT, INTRODUCTION, RELEASE
from claims.yao2023.recipes import (
    ATTENTION,
    CONDITIONS,
    DATA,
    FACTORS,
    KINDS,
    OTHER,
    OWN_DATA,
    PLAIN,
    YAO2023,
    Data,
    Kind,
    tuning,
)
from claims.yao2023.runs import YaoRuns, log_ratio
from claims.yao2023.test_noise import selectivity
from tic.audit import Array, Judge, NotApplicableError, above, rival, within
from tic.stats import rank_step

Roles = dict[str, YaoRuns]
EQUAL_RATE = 0.2
"""Of ln r."""
EQUAL_ACCURACY = 1.0
"""Percentage points."""
RANK_STEP = rank_step(len(CONDITIONS))
RESULTS = ("fewer-spikes", "better-accuracy")


def _judge_as_good(judge: Judge, runs: Roles, what: str) -> None:
    """Judge that something simpler fires as much as the module and is as accurate."""
    require_learned(judge, {ATTENTION: runs[ATTENTION]})
    judge(
        log_ratio(runs[OTHER].rate(), runs[ATTENTION].rate()),
        within(-EQUAL_RATE, EQUAL_RATE),
        name=f"ln(r {what} / r module)",
    )
    _judge_accuracy(judge, runs[OTHER], runs[ATTENTION], f"{what} minus module")


def _judge_accuracy(judge: Judge, one: YaoRuns, other: YaoRuns, name: str) -> None:
    judge(
        one.scored_by_sample() - other.scored_by_sample(),
        within(-EQUAL_ACCURACY, EQUAL_ACCURACY),
        name=f"accuracy, {name}",
        unit="pp",
        by_sample=True,
        resolution=one.resolution,
    )


AS_GOOD = (
    "ln of the ratio of its firing rate to the module's within ±0.2, and its accuracy within ±1 pp "
    "of the module's, which must have learned."
)


@rival(
    YAO2023,
    "constant-scale",
    of=(*RESULTS, "large-drop", "potential"),
    source=ABSTRACT,
    says="Any scale does it: the maps are near ½, and currents times ½ need no attention.",
    rule=f"Currents times ½: {AS_GOOD}",
    needs=recipes.constant,
    version=2,
)
@pytest.mark.parametrize("data", DATA)
def test_half_of_the_current_does_as_well(runs: Roles, judge: Judge, data: Data) -> None:
    _judge_as_good(judge, runs, "half of the current")


@rival(
    YAO2023,
    "norm-scale",
    of=(*RESULTS, "free"),
    source=ABSTRACT,
    says=(
        "Batch normalisation with smaller gains at the beginning does it, at no cost when the "
        "network is used."
    ),
    rule=(
        "The plain network whose gains begin with ½: ln(r module / r of it) above -0.2, and its "
        "accuracy minus the module's above -1 pp. The module's network must have learned."
    ),
    needs=recipes.gains,
    version=2,
)
@pytest.mark.parametrize("data", DATA)
def test_smaller_gains_do_as_well(runs: Roles, judge: Judge, data: Data) -> None:
    require_learned(judge, {ATTENTION: runs[ATTENTION]})
    judge(
        log_ratio(runs[ATTENTION].rate(), runs[OTHER].rate()),
        above(-EQUAL_RATE),
        name="ln(r module / r small gains)",
    )
    judge(
        runs[OTHER].scored_by_sample() - runs[ATTENTION].scored_by_sample(),
        above(-EQUAL_ACCURACY),
        name="accuracy, small gains minus module",
        unit="pp",
        by_sample=True,
        resolution=runs[OTHER].resolution,
    )


@rival(
    YAO2023,
    "learned-scale",
    of=RESULTS,
    source=ABSTRACT,
    says="One learned number per layer does it.",
    rule=f"One trained sigmoid per layer: {AS_GOOD}",
    needs=recipes.learned,
    version=2,
    fixed=OWN_DATA,
)
def test_one_learned_scale_per_layer_does_as_well(runs: Roles, judge: Judge) -> None:
    _judge_as_good(judge, runs, "a learned scale")


@rival(
    YAO2023,
    "higher-threshold",
    of=RESULTS,
    source=ABSTRACT,
    says="A higher threshold does it.",
    rule=f"Twice the threshold, the surrogate as it is: {AS_GOOD}",
    needs=recipes.higher_threshold,
    version=2,
    fixed=OWN_DATA,
)
def test_a_higher_threshold_does_as_well(runs: Roles, judge: Judge) -> None:
    _judge_as_good(judge, runs, "a higher threshold")


@rival(
    YAO2023,
    "rate-penalty",
    of=(*RESULTS, "penalty-costs"),
    source=INTRODUCTION,
    says="A penalty on the firing rate does it, and loses nothing.",
    rule=(
        "At the module's rate (ln ratio of the means within ±0.1), accuracy with the penalty minus "
        "the module's above -1 pp. The module's network must have learned."
    ),
    needs=recipes.penalised,
    version=2,
    fixed=OWN_DATA,
)
def test_a_penalty_loses_nothing(runs: Roles, judge: Judge) -> None:
    recipes.require_penalty(runs[OTHER].recipe)
    require_learned(judge, {ATTENTION: runs[ATTENTION]})
    rates = {name: runs[name].rate().mean() for name in (ATTENTION, OTHER)}
    require_matched(judge, float(log_ratio(rates[OTHER], rates[ATTENTION])))
    judge(
        runs[OTHER].scored_by_sample() - runs[ATTENTION].scored_by_sample(),
        above(-EQUAL_ACCURACY),
        name="accuracy, penalty minus module",
        unit="pp",
        by_sample=True,
        resolution=runs[OTHER].resolution,
    )


@rival(
    YAO2023,
    "any-attention",
    of=(*RESULTS, "pair"),
    source=ABSTRACT,
    says="Any attention with no more parameters does it.",
    rule=(
        "One scale per channel, per timestep or per place, with at most as many parameters as the "
        f"module: {AS_GOOD}"
    ),
    needs=recipes.another_attention,
    version=3,
    fixed=OWN_DATA,
)
@pytest.mark.parametrize("kind", KINDS)
def test_simpler_attention_does_as_well(runs: Roles, judge: Judge, kind: Kind) -> None:
    _judge_as_good(judge, runs, f"attention over {kind}")


@rival(
    YAO2023,
    "random-split",
    of=(*RESULTS, "separation"),
    source=ABSTRACT,
    says="How features are separated means nothing.",
    rule=f"A fixed random split of the features: {AS_GOOD}",
    needs=recipes.random_split,
    version=2,
    fixed=OWN_DATA,
)
def test_a_random_split_does_as_well(runs: Roles, judge: Judge) -> None:
    _judge_as_good(judge, runs, "a random split")


@rival(
    YAO2023,
    "tuned-baseline",
    of=("better-accuracy",),
    source=RELEASE,
    says="The learning rate of the plain network was not tuned.",
    rule=(
        "Each network at the best of four learning rates, chosen on half of the test recordings: "
        "accuracy with the module minus without on the other half within ±1 pp."
    ),
    needs=recipes.tuned,
    fixed=OWN_DATA,
)
def test_a_tuned_plain_network_is_as_accurate(runs: Roles, judge: Judge) -> None:
    best = {role: _best_of(runs, role) for role in (PLAIN, ATTENTION)}
    judge(
        best[ATTENTION] - best[PLAIN],
        within(-EQUAL_ACCURACY, EQUAL_ACCURACY),
        name="accuracy, both tuned, with minus without",
        unit="pp",
        resolution=2 * next(iter(runs.values())).resolution,
    )


def _best_of(runs: Roles, role: str) -> Array:
    """Accuracy on the one half at the rate that is best on the other, of every seed, (S,)."""
    halves = [runs[tuning(role, name)].halves() for name in FACTORS]
    chosen_by, judged_by = (np.array(part) for part in zip(*halves, strict=True))
    best: Array = np.take_along_axis(judged_by, chosen_by.argmax(0)[None], 0)[0]
    return best


@rival(
    YAO2023,
    "surrogate-window",
    of=("better-accuracy",),
    source=ABSTRACT,
    says=(
        "Potentials of the plain network lie outside the surrogate's window, so that gradients "
        "vanish: it is optimised worse, whatever attends to what."
    ),
    rule=(
        "Share of membranes in the window, with the module minus without, above 0.02; and the rank "
        "correlation of that share with accuracy over the plain network, the module, half of the "
        "current and small gains above 0."
    ),
    needs=recipes.conditions,
    fixed=OWN_DATA,
)
def test_accuracy_follows_the_surrogates_window(runs: Roles, judge: Judge) -> None:
    shares = np.array([runs[name].in_window() for name in CONDITIONS])
    accuracy = np.array([runs[name].scored() for name in CONDITIONS])
    judge(
        runs[ATTENTION].in_window() - runs[PLAIN].in_window(),
        above(0.02),
        name="share in the window, with minus without",
    )
    judge(
        _rank_correlations(shares, accuracy),
        above(0),
        name="rank correlation of share and accuracy",
        resolution=RANK_STEP,
    )


def _rank_correlations(shares: Array, accuracy: Array) -> Array:
    """Spearman's over conditions, of every seed, (S,); all of shape (conditions, S)."""
    from scipy.stats import spearmanr

    if (accuracy == accuracy[0]).all(0).any() or (shares == shares[0]).all(0).any():
        raise NotApplicableError(
            "with some seed all networks are equally accurate, so that accuracy follows nothing"
        )
    pairs = zip(shares.T, accuracy.T, strict=True)
    return np.array([spearmanr(one, other).statistic for one, other in pairs])


@rival(
    YAO2023,
    "first-layer",
    of=("fewer-spikes", "large-drop"),
    source=RELEASE,
    says="The firing rate falls where neurons are many, not where a spike reaches many.",
    rule=(
        "ln ratio of firing rates, without over with, minus that of the synaptic operations of "
        "spikes, events of the input left out, above 0.1. Both networks must have learned."
    ),
    needs=recipes.pair,
    version=2,
    fixed=OWN_DATA,
)
def test_rates_fall_where_neurons_are(runs: Roles, judge: Judge) -> None:
    require_learned(judge, runs)
    fall = {
        name: log_ratio(runs[PLAIN].positive(name), runs[ATTENTION].positive(name))
        for name in ("neurons", "operations")
    }
    judge(fall["neurons"] - fall["operations"], above(0.1), name="fall of rates minus operations")


@rival(
    YAO2023,
    "best-epoch",
    of=("better-accuracy",),
    source=RELEASE,
    says=(
        "The gain is that of choosing, on the test data, the best of the epochs that were kept; "
        "the release chooses among all."
    ),
    rule=(
        "Accuracy with minus without at the best of the epochs that were kept, minus that at the "
        "last, above 0.5 pp."
    ),
    needs=recipes.pair,
    fixed=OWN_DATA,
)
def test_the_gain_is_that_of_the_best_epoch(runs: Roles, judge: Judge) -> None:
    best = runs[ATTENTION].best_accuracy() - runs[PLAIN].best_accuracy()
    last = runs[ATTENTION].accuracy() - runs[PLAIN].accuracy()
    judge(
        best - last,
        above(0.5),
        name="gain at the best epochs minus gain at the last",
        unit="pp",
        resolution=runs[PLAIN].resolution,
    )


@rival(
    YAO2023,
    "uniform-thinning",
    of=("noise-suppressed",),
    source=ABSTRACT,
    says="Spikes become fewer everywhere; a constant scale is as selective.",
    rule=(
        "How much more the background falls than the foreground, in logarithms: the module's minus "
        "that of half of the current within ±0.2. All networks must have learned."
    ),
    needs=recipes.constant,
)
def test_a_constant_scale_is_as_selective(runs: Roles, judge: Judge) -> None:
    require_learned(judge, runs)
    judge(
        selectivity(runs[PLAIN], runs[ATTENTION]) - selectivity(runs[PLAIN], runs[OTHER]),
        within(-EQUAL_RATE, EQUAL_RATE),
        name="selectivity, module minus half of the current",
    )
