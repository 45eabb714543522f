"""Noise features: that there are some, and what the module does to them and to potentials."""

from __future__ import annotations

from claims.yao2023 import controls, recipes
from claims.yao2023.drawing import NAMES, feature_maps, potentials
from claims.yao2023.judging import require_learned
from claims.yao2023.paper import ABSTRACT, FIGURE
from claims.yao2023.protocol import COMMON, DROPOUT, NOISE_DEFINED, POTENTIAL, SIMULATED, UNREAD
from claims.yao2023.recipes import ATTENTION, OWN_DATA, PLAIN, YAO2023
from claims.yao2023.runs import YaoRuns, log_ratio
from tic.audit import Array, Judge, above, claim
from tic.audit.control import UNTRAINED

Roles = dict[str, YaoRuns]


@claim(
    YAO2023,
    "noise-features",
    source=FIGURE,
    says="Spiking networks hold features of noise, which respond almost everywhere.",
    rule="Share of noise features in the plain network above 0.05. It must have learned.",
    needs=recipes.alone,
    gaps=(UNREAD, NOISE_DEFINED, SIMULATED, DROPOUT),
    controls=(controls.FAINT, UNTRAINED),
)
def test_there_are_features_of_noise(runs: YaoRuns, judge: Judge) -> None:
    require_learned(judge, {PLAIN: runs})
    judge(runs.noise(), above(0.05), name="share of noise features")


@claim(
    YAO2023,
    "noise-suppressed",
    source=f"{ABSTRACT}, {FIGURE}",
    says="The module regulates noise spike features, and leaves those of the object.",
    rule=(
        "ln(b without / b with) - ln(f without / f with) above 0.2, where b and f are the rates in "
        "background and foreground; and the share of noise features, without minus with, above "
        "0.05. Both networks must have learned."
    ),
    needs=recipes.pair,
    gaps=(*COMMON, NOISE_DEFINED, SIMULATED),
    controls=(controls.DEALT_OUT, controls.THINNED, controls.DISPLACED),
)
def test_the_module_takes_noise_and_leaves_the_object(runs: Roles, judge: Judge) -> None:
    require_learned(judge, runs)
    judge(
        selectivity(runs[PLAIN], runs[ATTENTION]),
        above(0.2),
        name="ln(b without / b with) - ln(f without / f with)",
    )
    judge(
        runs[PLAIN].noise() - runs[ATTENTION].noise(),
        above(0.05),
        name="share of noise features, without minus with",
    )
    if not judge.draws:
        return
    timestep = runs[PLAIN].recipe.timesteps // 2
    for layer in (0, 1):
        judge.figure(
            f"Spike features of layer {layer + 1}",
            f"Mean response of channels at timestep {timestep + 1}, first seed, over recordings.",
            *(feature_maps(NAMES[name], runs[name], layer, timestep) for name in NAMES),
        )


def selectivity(without: YaoRuns, with_it: YaoRuns) -> Array:
    """How much more the background falls than the foreground, in logarithms, shape (S,)."""
    back, fore = without.ground()
    other_back, other_fore = with_it.ground()
    return log_ratio(back, other_back) - log_ratio(fore, other_fore)


@claim(
    YAO2023,
    "null-pattern",
    source=FIGURE,
    says="With the module features of noise become null.",
    rule="Share of null features, with minus without, above 0.02. Both networks must have learned.",
    needs=recipes.pair,
    gaps=(*COMMON, NOISE_DEFINED),
    controls=(controls.DEALT_OUT, controls.NO_MODULE, controls.SILENT),
)
def test_features_of_noise_become_null(runs: Roles, judge: Judge) -> None:
    require_learned(judge, runs)
    # A network that never fires has null features alone, and has learned nothing.
    runs[ATTENTION].rate()
    judge(
        runs[ATTENTION].null() - runs[PLAIN].null(),
        above(0.02),
        name="share of null features, with minus without",
        resolution=runs[PLAIN].feature_step,
    )


@claim(
    YAO2023,
    "potential",
    source=f"{ABSTRACT}, {FIGURE}",
    says="The module makes the distribution of membrane potential narrower.",
    rule=(
        "Of the neurons' input, ln(sd without / sd with) above 0.2, and the share above the "
        "threshold, without minus with, above 0.02. Both networks must have learned."
    ),
    needs=recipes.pair,
    gaps=(*COMMON, POTENTIAL),
    controls=(controls.DEALT_OUT, controls.NO_MAPS, controls.NO_MODULE),
    fixed=OWN_DATA,
)
def test_potentials_are_distributed_more_narrowly(runs: Roles, judge: Judge) -> None:
    require_learned(judge, runs)
    spread = {name: runs[name].potential("sd") for name in (PLAIN, ATTENTION)}
    over = {name: runs[name].potential("above") for name in (PLAIN, ATTENTION)}
    judge(log_ratio(spread[PLAIN], spread[ATTENTION]), above(0.2), name="ln(sd without / sd with)")
    judge(
        over[PLAIN] - over[ATTENTION],
        above(0.02),
        name="share above the threshold, without minus with",
    )
    if judge.draws:
        judge.figure(
            "Potentials",
            "Neurons behind convolutions, over all seeds; what lies outside is in the last bins.",
            potentials("Distribution", {NAMES[name]: runs[name] for name in NAMES}),
        )
