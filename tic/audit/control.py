"""Negative controls: Runs falsified so that a claim is false of them, and must not be SUPPORTED.

A claim's test sees falsified Runs as it sees real ones; what is not falsified is measured. A world
must be false whatever the truth is: to exchange two conditions would make a claim true whose
opposite is. So conditions are mixed, differently for every seed, until they mean nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from functools import cache, cached_property, reduce
from typing import Any

import numpy as np
import pytest

from tic.audit.runs import Epoch, SeedRuns
from tic.errors import TicError
from tic.measure.measurement import Measurement
from tic.measure.permuted import PermutedLabels
from tic.recipe import Recipe
from tic.text import quoted

Roles = Mapping[str, SeedRuns]
"""Runs by role; a single training has the role ''."""
Plant = Callable[[Roles], Roles]


def _as_they_are(runs: Roles) -> Roles:
    return runs


@dataclass(frozen=True)
class Control:
    """A negative control: a world that was planted for a claim, in which it is false.

    Attributes:
        name: For ids, such as `mixed-alphas`.
        says: What is false in it.
        plant: Maps the true Runs to those that the claim's test is given.
        facts: For a claim of arithmetic: module, name of a number in it, and what it is taken for.
    """

    name: str
    says: str
    plant: Plant = _as_they_are
    facts: tuple[tuple[object, str, Any], ...] = ()

    def falsified(self, runs: Roles) -> dict[str, SeedRuns]:
        """The Runs as they are in its world.

        Raises:
            TicError: It leaves all of them as they are, or roles are missing afterwards.
        """
        seen = self.plant(runs)
        if not isinstance(seen, Mapping):
            raise TicError(
                f"the plant of the control {self.name} must return Runs by role, got "
                f"{quoted(seen)}; return a dictionary"
            )
        if seen.keys() != runs.keys():
            raise TicError(
                f"the plant of the control {self.name} must keep the roles of the claim, "
                f"{_listed(runs)}, got {_listed(seen)}; return Runs for each of them"
            )
        if not self.facts and all(seen[role] == runs[role] for role in runs):
            raise TicError(
                f"the control {self.name} must falsify Runs of the claim, and its plant leaves all "
                f"of them as they are; let it give others for a role at least ({_listed(runs)})"
            )
        return dict(seen)

    def require_roles(self, known: Collection[str], claim_id: str) -> None:
        """Refuse a plant of `mixed`, `given_out` or `chained` that names roles unknown to a claim.

        Args:
            known: Roles of the claim's needs.
            claim_id: The claim.

        Raises:
            TicError: It does.
        """
        try:
            _require(self.plant, known)
        except TicError as error:
            raise TicError(f"the control {self.name} of {claim_id}: {error}") from error

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Let the facts be the planted ones for as long as the context is open."""
        with pytest.MonkeyPatch.context() as patch:
            for place, name, value in self.facts:
                patch.setattr(place, name, value)
            yield


def seen_as(kind: type[SeedRuns], where: Callable[[str], bool] = lambda role: True) -> Plant:
    """Plant: let a subclass of `SeedRuns` answer for the Runs of some roles, or of all."""

    def plant(runs: Roles) -> Roles:
        return {
            role: _recast(role_runs, kind) if where(role) else role_runs
            for role, role_runs in runs.items()
        }

    return plant


@dataclass(frozen=True)
class _Mixed:
    """See `mixed`."""

    roles: tuple[str, ...]

    def require(self, known: Collection[str]) -> None:
        """See `Control.require_roles`."""
        _require_roles("mixed", self.roles, known)

    def __call__(self, runs: Roles) -> Roles:
        self.require(runs.keys())
        recipes = tuple(runs[role].recipe for role in self.roles)
        return {
            role: _recast(role_runs, MixedRuns, dealt=_from(recipes, self.roles.index(role)))
            if role in self.roles
            else role_runs
            for role, role_runs in runs.items()
        }


@dataclass(frozen=True)
class _GivenOut:
    """See `given_out`."""

    stand_ins: Mapping[str, str] = field(hash=False)

    def require(self, known: Collection[str]) -> None:
        """See `Control.require_roles`."""
        falsified = [role for role in self.stand_ins if role in known]
        named = [self.stand_ins[role] for role in falsified] if falsified else self.stand_ins
        _require_roles("given_out", named, known)

    def __call__(self, runs: Roles) -> Roles:
        self.require(runs.keys())
        return {role: runs[self.stand_ins.get(role, role)] for role in runs}


@dataclass(frozen=True)
class _Chained:
    """See `chained`."""

    plants: tuple[Plant, ...]

    def require(self, known: Collection[str]) -> None:
        """See `Control.require_roles`."""
        for plant in self.plants:
            _require(plant, known)

    def __call__(self, runs: Roles) -> Roles:
        return reduce(lambda planted, following: following(planted), self.plants, runs)


def mixed(*roles: str) -> Plant:
    """Plant: deal the Runs of some roles out among them, to every seed by one place further on.

    Raises:
        TicError: It is fewer than two; and for a claim that has no such role.
    """
    if len(set(roles)) < 2:
        raise TicError(f"mixed must name at least two roles, got {_listed(roles) or 'none'}")
    return _Mixed(roles)


def given_out(stand_ins: Mapping[str, str]) -> Plant:
    """Plant: give the Runs of some roles out for those of others, by the role that is falsified.

    Roles that a claim does not have are no matter as long as it has one of those to be falsified,
    so that several claims can share a control.

    Raises:
        TicError: For a claim that has no Runs to be given out for a role of its.
    """
    return _GivenOut(stand_ins)


def chained(*plants: Plant) -> Plant:
    """Plant: one after the other, each on what the one before it left."""
    return _Chained(plants)


def _require(plant: Plant, known: Collection[str]) -> None:
    """Refuse the roles that a plant names; a pack's own names them only when it is planted."""
    if isinstance(plant, _Mixed | _GivenOut | _Chained):
        plant.require(known)


def _require_roles(plant: str, roles: Iterable[str], known: Collection[str]) -> None:
    if unknown := [role for role in roles if role not in known]:
        raise TicError(
            f"{plant} must name roles of the claim's needs, {_listed(known)}, got "
            f"{_listed(unknown)}; mend the control"
        )


def _listed(roles: Iterable[str]) -> str:
    names = list(roles)
    return "'' of its only Recipe" if names == [""] else ", ".join(map(quoted, names))


def _from(recipes: tuple[Recipe, ...], first: int) -> tuple[Recipe, ...]:
    return recipes[first:] + recipes[:first]


def _recast(runs: SeedRuns, kind: type[SeedRuns], **extra: Any) -> SeedRuns:
    """The same Runs, answered for by another class, with all that a pack's own can be asked."""
    classes: tuple[Any, Any] = kind, type(runs)
    values = {known.name: getattr(runs, known.name) for known in fields(SeedRuns)}
    recast: SeedRuns = _combined(*classes)(**values, **extra)
    return recast


@cache
def _combined(kind: Hashable, original: Hashable) -> Any:
    assert isinstance(kind, type)
    assert isinstance(original, type)
    if issubclass(original, kind):
        return original
    return kind if issubclass(kind, original) else type(kind.__name__, (kind, original), {})


@dataclass(frozen=True)
class OneSeedRuns(SeedRuns):
    """The Run of the first seed, given out for that of every seed."""

    @cached_property
    def recipes(self) -> tuple[Recipe, ...]:
        """See `SeedRuns.recipes`."""
        return (self.recipe.with_seed(self.seeds[0]),) * len(self.seeds)


@dataclass(frozen=True)
class MixedRuns(SeedRuns):
    """For every seed the Run of another Recipe.

    Attributes:
        dealt: The Recipe of the first seed, of the second and so on, from the start again.
    """

    dealt: tuple[Recipe, ...] = ()

    @cached_property
    def recipes(self) -> tuple[Recipe, ...]:
        """See `SeedRuns.recipes`."""
        return tuple(
            self.dealt[k % len(self.dealt)].with_seed(seed) for k, seed in enumerate(self.seeds)
        )


@dataclass(frozen=True)
class UntrainedRuns(SeedRuns):
    """The network before its first step, given out for that of every epoch."""

    def epoch(self, name: Epoch) -> int:
        """See `SeedRuns.epoch`."""
        return super().epoch("untrained")

    def measured_each(self, measurements: Iterable[Measurement]) -> list[dict[str, Any]]:
        """See `SeedRuns.measured_each`."""
        untrained = self.epoch("untrained")
        return super().measured_each(
            replace(measurement, epoch=untrained) for measurement in measurements
        )


@dataclass(frozen=True)
class RotatedRuns(SeedRuns):
    """Timesteps rotated, further for every seed and at every epoch that was kept.

    Of a measurement that is what it calls `over_time`.
    """

    def measured_each(self, measurements: Iterable[Measurement]) -> list[dict[str, Any]]:
        """See `SeedRuns.measured_each`."""
        listed = list(measurements)
        return [
            {
                name: _rotated(value, seed + self.checkpoints.index(measurement.epoch))
                if name in measurement.over_time
                else value
                for name, value in result.items()
            }
            for seed, (measurement, result) in enumerate(
                zip(listed, super().measured_each(listed), strict=True)
            )
        ]


def _rotated(value: Any, shift: int) -> Any:
    """Rotate the last axis of every array in nested dictionaries and lists."""
    if isinstance(value, dict):
        return {key: _rotated(inner, shift) for key, inner in value.items()}
    return np.roll(value, shift, axis=-1).tolist()


@dataclass(frozen=True)
class GuessingRuns(SeedRuns):
    """Labels permuted among the samples, otherwise for every seed, so that all networks guess."""

    def measured_each(self, measurements: Iterable[Measurement]) -> list[dict[str, Any]]:
        """See `SeedRuns.measured_each`."""
        return super().measured_each(
            PermutedLabels.instead_of(measurement, seed)
            for measurement, seed in zip(measurements, self.seeds, strict=True)
        )


ONE_SEED = Control(
    "one-seed", "The same seed is counted as if it were several.", seen_as(OneSeedRuns)
)
UNTRAINED = Control(
    "untrained", "Every epoch is that of the untrained network.", seen_as(UntrainedRuns)
)
SHUFFLED_TIMESTEPS = Control(
    "shuffled-timesteps",
    "The timesteps are shuffled before they are looked at, for every seed in another way.",
    seen_as(RotatedRuns),
)
PERMUTED_LABELS = Control(
    "permuted-labels", "The labels are permuted among the samples.", seen_as(GuessingRuns)
)
