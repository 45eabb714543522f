"""Each claim and rival of a pack in worlds where the truth is known, and in its planted ones."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any

import pytest

from claims.li2023 import controls as li2023_controls
from claims.meszaros2024 import controls as meszaros2024_controls
from claims.yao2023 import controls as yao2023_controls
from fixtures import li2023_answers as li2023
from fixtures import meszaros2024_answers as meszaros2024
from fixtures import yao2023_answers as yao2023
from fixtures.cases import Case, claim_tests
from tic.audit import ONE_SEED, Control
from tic.audit.claims import decided_by
from tic.stats import Outcome


@dataclass(frozen=True)
class Pack:
    """What is known of a pack.

    Attributes:
        name: Of its package in `claims`.
        claims: Cases of claims that their controls are planted in.
        others: Cases of rivals, and of claims by other settings or facts.
        controls: The module of its controls.
        judged_alike: Claims whose effects may be equal for all seeds and are judged all the same;
            equal weights give a seed away there that is counted several times.
    """

    name: str
    claims: Mapping[str, Case[Any]]
    others: Mapping[str, Case[Any]]
    controls: ModuleType
    judged_alike: Collection[str] = ()

    @property
    def cases(self) -> dict[str, Case[Any]]:
        """All, by name."""
        return {**self.claims, **self.others}

    @cached_property
    def tests(self) -> set[Callable[..., None]]:
        """The test of every claim and rival of the package."""
        return set(claim_tests(f"claims.{self.name}"))


PACKS = (
    Pack(
        "li2023",
        li2023.CASES,
        li2023.OPEN | li2023.RIVALS,
        li2023_controls,
        judged_alike=("residual-accuracy",),
    ),
    Pack(
        "yao2023",
        yao2023.CASES,
        yao2023.RIVALS,
        yao2023_controls,
        judged_alike=(*yao2023.ACCURACIES, "null-pattern"),
    ),
    Pack(
        "meszaros2024",
        meszaros2024.CASES,
        meszaros2024.RIVALS
        | {f"{name}, in the paper's setting": case for name, case in meszaros2024.LARGE.items()},
        meszaros2024_controls,
        judged_alike=[
            name
            for name in meszaros2024.CASES
            if not name.startswith("grouping") and name != "delay-selection"
        ],
    ),
)
CASES = [
    pytest.param(case, id=f"{pack.name}: {name}")
    for pack in PACKS
    for name, case in pack.cases.items()
]
FALSE = [
    pytest.param(case, world, id=f"{pack.name}: {name}: {what}")
    for pack in PACKS
    for name, case in pack.cases.items()
    for what, world in case.refuted.items()
]
UNDECIDED = [
    pytest.param(case, check, id=f"{pack.name}: {name}: {check}")
    for pack in PACKS
    for name, case in pack.cases.items()
    for check in case.undecided
]
PLANTED = [
    pytest.param(case, control, world, id=f"{pack.name}: {name}: {control.name} where {what}")
    for pack in PACKS
    for name, case in pack.claims.items()
    for control in decided_by(case.test).worlds
    if not (control is ONE_SEED and name in pack.judged_alike)
    for what, world in {"it is true": case.holds, **case.refuted}.items()
]
EACH_PACK = pytest.mark.parametrize("pack", PACKS, ids=[pack.name for pack in PACKS])


@pytest.mark.parametrize("case", CASES)
def test_what_holds_is_supported(case):
    assert case.outcome(case.holds) is Outcome.SUPPORTED


@pytest.mark.parametrize(("case", "world"), FALSE)
def test_what_does_not_hold_is_refuted(case, world):
    assert case.outcome(world) is Outcome.REFUTED


@pytest.mark.parametrize(("case", "control", "world"), PLANTED)
def test_no_control_is_supported(case, control, world):
    assert case.outcome(world, control) is not Outcome.SUPPORTED


@pytest.mark.parametrize(("case", "check"), UNDECIDED)
def test_networks_that_say_nothing_decide_nothing(case, check):
    judge = case.judged(case.undecided[check])
    assert judge.verdict().outcome is Outcome.INCONCLUSIVE
    holds = {made.name: made.holds for made in judge.checks}
    assert not holds or holds[check.partition(":")[0]] is False


@EACH_PACK
def test_every_claim_and_rival_is_put_to_a_world(pack):
    assert {case.test for case in pack.cases.values()} == pack.tests


@EACH_PACK
def test_every_control_is_planted_and_every_claim_has_one_of_its_own(pack):
    claimed = [decided_by(test) for test in pack.tests]
    worlds = [claim.worlds for claim in claimed if claim.role == "claim"]
    used = {control.name for planted in worlds for control in planted}
    made = {item.name for item in vars(pack.controls).values() if isinstance(item, Control)}
    assert made <= used
    assert all(set(planted) - {ONE_SEED} for planted in worlds)
