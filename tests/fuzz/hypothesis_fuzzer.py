"""Cases that Hypothesis draws, and shrinks where one ends in a traceback."""

from __future__ import annotations

import traceback
from collections.abc import Callable

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.counting import Count
from tests.fuzz.targets import TARGETS, prepare


def fuzz(name: str, cases: int, key: int) -> Count:
    """Try so many cases of a target; the same key gives the same ones."""
    count = Count(name, "hypothesis")
    shown = settings(
        max_examples=cases,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    try:
        seed(key)(shown(test_of(name, count)))()
    except Exception as error:
        found = error.exceptions if isinstance(error, ExceptionGroup) else [error]
        for each in found:
            case = "\n".join(getattr(each, "__notes__", ()))
            count.fail("".join(traceback.format_exception(each)) + case)
    return count


def test_of(name: str, count: Count) -> Callable[[], None]:
    """Return a Hypothesis test of a target that counts its cases."""
    target = TARGETS[name]
    prepare()

    @given(target.cases)
    def test(case: object) -> None:
        count.add(target.take(case))

    return test
