"""Where redundancy comes from: weights that are shared over time and space."""

from __future__ import annotations

from typing import get_args

import pytest

from claims.yao2023 import controls, recipes
from claims.yao2023.judging import require_learned
from claims.yao2023.paper import ABSTRACT
from claims.yao2023.protocol import DROPOUT, INFERRED, SIMULATED, UNREAD
from claims.yao2023.recipes import OTHER, PLAIN, YAO2023, Untying
from claims.yao2023.runs import YaoRuns, log_ratio
from tic.audit import Gap, Judge, above, claim

UNTIED = Gap(
    "How invariance was taken away is not known: the release's first commit imports a convolution "
    "with weights of its own for every timestep, which is not in it. Here the weights of batch "
    "normalisation are not shared over time, or biases not over space."
)


@claim(
    YAO2023,
    "invariance",
    source=ABSTRACT,
    says="Redundancy is induced by spatio-temporal invariance, which invites noise spikes.",
    rule=(
        "ln(b tied / b untied) above 0.1, where b is the firing rate in the background, and "
        "accuracy untied minus tied above -1 pp. Both networks must have learned."
    ),
    needs=recipes.untied,
    gaps=(UNREAD, UNTIED, SIMULATED, DROPOUT),
    controls=(controls.TIED,),
)
@pytest.mark.parametrize("over", get_args(Untying))
def test_untied_weights_fire_less_in_the_background(
    runs: dict[str, YaoRuns], judge: Judge, over: Untying
) -> None:
    require_learned(judge, runs)
    tied, _ = runs[PLAIN].ground()
    untied, _ = runs[OTHER].ground()
    judge(log_ratio(tied, untied), above(0.1), name="ln(b tied / b untied)")
    judge(
        runs[OTHER].scored_by_sample() - runs[PLAIN].scored_by_sample(),
        above(-1),
        name="accuracy, untied minus tied",
        unit="pp",
        by_sample=True,
        resolution=runs[PLAIN].resolution,
    )


@claim(
    YAO2023,
    "likeness",
    source=ABSTRACT,
    says=(
        "By spatio-temporal invariance a channel fires alike at neighbouring timesteps, more than "
        "channels do among each other."
    ),
    rule=(
        "Correlation of mean maps of a channel at neighbouring timesteps, minus that of other "
        "channels at one timestep, above 0.2. The network must have learned."
    ),
    needs=recipes.alone,
    gaps=(UNREAD, INFERRED, DROPOUT),
    controls=(controls.ROTATED_CHANNELS,),
)
def test_a_channel_is_like_itself_at_the_next_timestep(runs: YaoRuns, judge: Judge) -> None:
    require_learned(judge, {PLAIN: runs})
    same, other = runs.likeness()
    judge(same - other, above(0.2), name="correlation, next timestep minus other channel")
