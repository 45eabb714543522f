"""When an audit would decide, from what pilot seeds gave."""

import numpy as np
import pytest

from benchmarks.deciding import Decided, deciding_look
from benchmarks.meszaros2024_smoke import CANDIDATES, CONTRASTS, candidate
from claims.meszaros2024.recipes import MESZAROS2024, SPOKEN
from tic.document.correction import claim_confidence
from tic.stats import above, within
from tic.stats.looks import LOOKS

PILOT = np.array([-1.0, 1.0, -1.0, 1.0, -1.0, 1.0])


def decided_share(mean, sd, seeds, claims, region, draws=4000):
    """How often a t-interval over so many seeds lies on one side of a limit."""
    from scipy.stats import t

    confidence = claim_confidence(seeds, "sequential", claims)
    effects = np.random.default_rng(0).normal(mean, sd, (draws, seeds))
    half = t.ppf((1 + confidence) / 2, seeds - 1) * effects.std(1, ddof=1) / np.sqrt(seeds)
    low, high = effects.mean(1) - half, effects.mean(1) + half
    return ((low > region.low) | (high < region.low)).mean()


@pytest.mark.parametrize(("mean", "claims"), [(3.0, 13), (1.5, 13), (1.5, 1), (-2.0, 13)])
def test_a_contrast_is_decided_at_the_first_look_that_mostly_does(mean, claims):
    sd = PILOT.std(ddof=1)
    look = deciding_look(PILOT + mean, above(0), claims)
    before = LOOKS[LOOKS.index(look) - 1]
    assert decided_share(mean, sd, look, claims, above(0)) > 0.78
    assert look == LOOKS[0] or decided_share(mean, sd, before, claims, above(0)) < 0.82


def test_what_lies_on_a_margin_is_never_decided_and_equal_effects_at_once():
    assert deciding_look(PILOT, above(0), 13) is None
    assert deciding_look(np.full(6, 0.5), within(-1, 1), 13) == LOOKS[0]


def test_half_of_the_contrasts_are_decided_after_the_seeds_of_the_middle_one():
    decided = Decided({"a": 27, "b": None, "c": 5, "d": 12}, seconds=10.0)
    assert decided.half == "after 120 s at 12 seeds"
    assert decided.by_contrast == "a 27, b never, c 5, d 12"
    assert Decided({"a": None, "b": None, "c": 5}, seconds=1.0).half == "never"


def test_the_first_candidate_is_the_setting_and_contrasts_are_those_of_claims():
    assert candidate(*CANDIDATES[0]) == SPOKEN
    named = {name.split(",")[0].split(" at ")[0] for name in CONTRASTS}
    assert len(named) == MESZAROS2024.claims - 1  # without Dale's, which needs networks of its own
