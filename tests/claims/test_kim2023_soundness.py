"""What must be true of the Runs of Kim et al. before a claim about them can be decided."""

from dataclasses import dataclass

import pytest

from claims.kim2023.soundness import require_acting
from tic.audit import Judge, above
from tic.stats import Outcome


@dataclass
class Weighed:
    """Runs of which only the weights are asked for."""

    digests: tuple[str | None, ...]

    def weights(self) -> tuple[str | None, ...]:
        return self.digests


@pytest.mark.parametrize(
    ("low", "middle", "high", "found"),
    [
        ("abc", "def", "ghi", "the same in 0 seeds; α middle and high: the same in 0 seeds"),
        ("abc", "abf", "ghi", "the same in 2 seeds; α middle and high: the same in 0 seeds"),
        ("abc", "def", "ghf", "the same in 0 seeds; α middle and high: the same in 1 seeds"),
        # A training that diverged has no weights, and is told as such.
        ([None] * 3, [None] * 3, "ghi", "the same in 0 seeds; α middle and high: the same in 0"),
    ],
)
def test_alphas_that_train_alike_decide_nothing(low, middle, high, found):
    judge = Judge((0, 1, 2), 0.95)
    judge([1.0, 1.1, 0.9], above(0), name="gap")
    levels = {"low": low, "middle": middle, "high": high}
    require_acting(judge, {name: Weighed(tuple(digests)) for name, digests in levels.items()})
    (check,) = judge.checks
    assert found in check.found
    assert check.holds == ("1 seeds" not in found and "2 seeds" not in found)
    outcome = Outcome.SUPPORTED if check.holds else Outcome.INCONCLUSIVE
    assert judge.verdict().outcome is outcome
