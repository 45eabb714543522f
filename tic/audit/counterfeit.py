"""Counterfeits: Runs falsified so that a claim is false of them, and must not be SUPPORTED.

A claim's test sees falsified Runs as it sees real ones; what is not falsified is measured. A world
must be false whatever the truth is: to exchange two conditions would make a claim true whose
opposite is. So conditions are mixed, differently for every seed, until they mean nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
import pytest

from tic.attacks import Corruption
from tic.audit.runs import Array, Epoch, SeedRuns
from tic.measure.catalogue import ChanceMeasurement
from tic.recipe import Recipe

Roles = Mapping[str, SeedRuns]
"""Runs by role; a single training has the role ''."""
Plant = Callable[[Roles], Roles]


def _as_they_are(runs: Roles) -> Roles:
    return runs


@dataclass(frozen=True)
class Counterfeit:
    """A world that was planted for a claim.

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
        return {role: _recast(each, kind) if where(role) else each for role, each in runs.items()}

    return plant


def mixed(*roles: str) -> Plant:
    """Plant: deal the Runs of some roles out among them, to every seed by one place further on."""

    def plant(runs: Roles) -> Roles:
        recipes = tuple(runs[role].recipe for role in roles)
        return {
            role: _recast(each, MixedRuns, dealt=_from(recipes, roles.index(role)))
            if role in roles
            else each
            for role, each in runs.items()
        }

    return plant


def _from(recipes: tuple[Recipe, ...], first: int) -> tuple[Recipe, ...]:
    return recipes[first:] + recipes[:first]


def _recast(runs: SeedRuns, kind: type[SeedRuns], **more: Any) -> SeedRuns:
    return kind(**{each.name: getattr(runs, each.name) for each in fields(SeedRuns)}, **more)


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


@dataclass(frozen=True)
class RotatedRuns(SeedRuns):
    """Timesteps rotated, further for every seed and at every epoch that was kept."""

    def by_layer(self, epoch: Epoch = "final") -> list[dict[str, list[float]]]:
        """See `SeedRuns.by_layer`."""
        return [
            {name: np.roll(trace, shift).tolist() for name, trace in layers.items()}
            for shift, layers in enumerate(super().by_layer(epoch), start=self._start(epoch))
        ]

    def deficits(self, epoch: Epoch, width: int) -> Array:
        """See `SeedRuns.deficits`."""
        rows = enumerate(super().deficits(epoch, width), start=self._start(epoch))
        return np.array([np.roll(row, shift) for shift, row in rows])

    def _start(self, epoch: Epoch) -> int:
        return self.checkpoints.index(self.epoch(epoch))


@dataclass(frozen=True)
class GuessingRuns(SeedRuns):
    """Labels permuted among the test images, so that accuracy is that of guessing."""

    def accuracy(self, corruption: Corruption | None = None, timesteps: int | None = None) -> Array:
        """See `SeedRuns.accuracy`; whatever the images went through, the labels are not theirs."""
        measurement = ChanceMeasurement(
            epoch=self.epoch("final"), timesteps=timesteps, size=self.setting.test_size
        )
        return np.array([each["accuracy"] for each in self.measured(measurement)])


ONE_SEED = Counterfeit(
    "one-seed", "The same seed is counted as if it were several.", seen_as(OneSeedRuns)
)
UNTRAINED = Counterfeit(
    "untrained", "Every epoch is that of the untrained network.", seen_as(UntrainedRuns)
)
SHUFFLED_TIMESTEPS = Counterfeit(
    "shuffled-timesteps",
    "The timesteps are shuffled before they are looked at, for every seed in another way.",
    seen_as(RotatedRuns),
)
PERMUTED_LABELS = Counterfeit(
    "permuted-labels", "The labels are permuted among the test images.", seen_as(GuessingRuns)
)
