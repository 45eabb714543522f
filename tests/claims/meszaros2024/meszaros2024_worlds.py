"""Planted worlds: what would be measured of networks whose truth is known; nothing is trained."""

import zlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from claims.meszaros2024.measuring import (
    BlurredMeasurement,
    ChangeMeasurement,
    DensityMeasurement,
    GroupingMeasurement,
    HalfMeasurement,
    HeldOutMeasurement,
    MapMeasurement,
    SelectionMeasurement,
)
from claims.meszaros2024.recipes import SPOKEN, design
from claims.meszaros2024.rules import KeptMask, LinkedMask
from claims.meszaros2024.runs import MeszarosRuns
from fixtures.worlds import NOTHING, judged_in_world, outcome_of
from tic.audit.protocol import STANDARD
from tic.lab import Lab
from tic.measure.permuted import PermutedLabels
from tic.measure.robustness import AccuracyMeasurement
from tic.rewiring import FixedMask, Rewiring, live_count
from tic.store import Store

SETTING = replace(SPOKEN, seeds=tuple(range(10, 18)))
SYNAPSES = 1280
CHANCE = 5.0


@dataclass(frozen=True)
class Network:
    """What is measured of one kind of network.

    Attributes:
        accuracy: At the last epoch, in percent.
        best: Accuracy gained at the best epoch.
        held_out: Accuracy on held-out speakers gained before the last epoch.
        blurred: Accuracy gained without rounding.
        other_half: Accuracy gained on the half to choose by.
        extra: Live synapses beyond those of its sparsity.
        born: Share of live synapses that were not live at the beginning.
        moved: Timesteps by which delays moved.
        grouped: G.
        space: G in space.
        time: G in time.
        start: G of the untrained network.
        near: How much nearer than uniform ones its synapses are.
        frequency: G in order of frequency.
        distance: Of live delays from all.
    """

    accuracy: float = 80.0
    best: float = 0.0
    held_out: float = -5.0
    blurred: float = 0.0
    other_half: float = 0.0
    extra: int = 0
    born: float = 0.0
    moved: float = 0.0
    grouped: float = 0.0
    space: float = 0.0
    time: float = 0.0
    start: float = 0.0
    near: float = 0.0
    frequency: float = 0.0
    distance: float = 0.0

    def but(self, **changes):
        return replace(self, **changes)


GROUPED = Network(accuracy=82.0, moved=2.0, grouped=0.3, space=0.1, time=0.2)
REWIRED = Network(accuracy=81.0, born=0.5, distance=0.2)
LEARNED = REWIRED.but(moved=2.0, grouped=0.25)
TRUTH = {
    "dense, fixed": Network(78.0),
    "dense, learned": GROUPED,
    "static, fixed, 0.5": Network(80.0),
    "static, fixed, 0.75": Network(70.0),
    "static, fixed, 0.875": Network(50.0),
    "static, learned, 0.5": Network(81.0, moved=2.0),
    "static, learned, 0.75": Network(75.0, moved=2.0),
    "static, learned, 0.875": Network(58.0, moved=2.0),
    **{f"dynamic, fixed, {s}": REWIRED for s in (0.5, 0.75, 0.875)},
    **{f"dynamic, learned, {s}": LEARNED for s in (0.5, 0.75, 0.875)},
    "static, none, 0.875": Network(20.0),
    "dynamic, none, 0.875": REWIRED.but(accuracy=21.0),
    "own": Network(75.0),
    "permuted": Network(60.0),
    "dale": LEARNED,
}
"""A world in which every claim of the paper holds; other networks are as bad as `WORSE`."""
WORSE = Network(30.0)


@dataclass(frozen=True)
class World:
    """What is true of each kind of network, beside `TRUTH`, by the names of `kind_of`."""

    others: tuple[tuple[str, Network], ...] = ()

    def but(self, changes):
        return World(tuple((dict(self.others) | changes).items()))

    def of(self, recipe):
        known = TRUTH | dict(self.others)
        return known.get(kind_of(recipe), WORSE)


def sparsity_of(recipe):
    rules = (FixedMask, LinkedMask, Rewiring)
    if recipe.parent is not None:
        return sparsity_of(recipe.parent)
    return next((rule.sparsity for rule in recipe.rules if isinstance(rule, rules)), 0.0)


def kind_of(recipe):
    by_type = {type(rule): rule for rule in recipe.rules}
    made, sparsity = design(recipe), sparsity_of(recipe)
    if KeptMask in by_type:
        return by_type[KeptMask].delays
    if LinkedMask in by_type:
        return "linked"
    if FixedMask in by_type and by_type[FixedMask].signs != "free":
        return "held"
    if Rewiring in by_type:
        rewiring = by_type[Rewiring]
        if rewiring.regrowth != "signed":
            return rewiring.regrowth
        if rewiring.signs == "presynaptic":
            return "dale"
        return f"dynamic, {made.delays}, {sparsity:g}"
    if sparsity:
        return f"static, {made.delays}, {sparsity:g}"
    if recipe.dataset.labels == "permuted":
        return "labels"
    if recipe.dataset.frequencies == "permuted":
        return "bands"
    return "memory" if made.delays == "none" else f"dense, {made.delays}"


@dataclass(frozen=True, eq=False)
class WorldLab(Lab):
    world: World = World()

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    @cached_property
    def store(self):
        return Store(self.store_root)


def noise(*of, scale=0.005):
    return float(np.random.default_rng(zlib.crc32(repr(of).encode())).normal(0, scale))


def of_change(truth, measurement, recipe, key):
    live = live_count(SYNAPSES, sparsity_of(recipe)) + truth.extra
    live = SYNAPSES if measurement.unmasked else live
    changed = measurement.epoch > 0
    born, moved = (changed * value for value in (truth.born, truth.moved))
    return {
        "live": [live] * 2, "synapses": [SYNAPSES] * 2, "born": [born] * 2, "moved": [moved] * 2,
    }  # fmt: skip


def of_grouping(truth, measurement, recipe, key):
    trained = measurement.epoch > 0
    grouped = truth.frequency if measurement.places else truth.grouped
    values = {"signs": grouped, "bands": truth.space, "delays": truth.time}
    values = values if trained else {"signs": truth.start, "bands": 0.0, "delays": 0.0}
    if measurement.falsified == "sorted":
        values = {"signs": 0.6, "bands": 0.6, "delays": 0.0}
    if measurement.falsified == "signs":
        values = dict.fromkeys(values, 0.0)
    elif measurement.falsified != "none":
        values[measurement.falsified] = 0.0
    return {name: value + noise(key, name) for name, value in values.items()}


def of_accuracy(truth, measurement, recipe, key):
    if measurement.epoch == 0:
        return {"accuracy": CHANCE + noise(key, scale=0.1)}
    gained = truth.best if measurement.epoch < recipe.epochs else 0.0
    return {"accuracy": truth.accuracy + gained + noise(key, "accuracy", scale=0.1)}


def of_blurred(truth, measurement, recipe, key):
    return {"accuracy": truth.accuracy + truth.blurred + noise(key, "blurred", scale=0.1)}


def of_halves(truth, measurement, recipe, key):
    gained = truth.best if measurement.epoch < recipe.epochs else 0.0
    value = truth.accuracy + gained + noise(key, "halves", scale=0.1)
    return {"chosen_by": value + truth.other_half, "judged_by": value}


def of_held_out(truth, measurement, recipe, key):
    gained = truth.held_out if measurement.epoch < recipe.epochs else 0.0
    return {"accuracy": truth.accuracy + gained + noise(key, "held out", scale=0.1)}


def of_density(truth, measurement, recipe, key):
    return {"excess": (truth.near if measurement.epoch else 0.0) + noise(key, "near")}


def of_selection(truth, measurement, recipe, key):
    return {"distance": truth.distance + noise(key, "distance")}


def measured(measurement, recipe, lab):
    """What `tic.measure.measurement.measure` would give."""
    truth = lab.world.of(recipe)
    key = recipe.seed, kind_of(recipe), design(recipe), measurement.epoch
    if isinstance(measurement, PermutedLabels):
        if isinstance(measurement.of, AccuracyMeasurement | BlurredMeasurement):
            return {"accuracy": CHANCE + noise(key, type(measurement.of), scale=0.1)}
        if isinstance(measurement.of, HalfMeasurement):
            guessed = CHANCE + noise(key, "halves", scale=0.1)
            return {"chosen_by": guessed, "judged_by": guessed}
        return measured(measurement.of, recipe, lab)
    if isinstance(measurement, MapMeasurement):
        return {"signs": np.zeros((20, 13)).tolist()}
    takes = {
        AccuracyMeasurement: of_accuracy, BlurredMeasurement: of_blurred,
        ChangeMeasurement: of_change, DensityMeasurement: of_density,
        GroupingMeasurement: of_grouping, HalfMeasurement: of_halves,
        HeldOutMeasurement: of_held_out, SelectionMeasurement: of_selection,
    }  # fmt: skip
    return takes[type(measurement)](truth, measurement, recipe, key)


def conclude(
    test, world, parameters=None, control=NOTHING, protocol=STANDARD, dataset=SPOKEN.recipe.dataset
):
    """Let a test judge a world in the smoke setting, with eight seeds."""
    lab, setting = WorldLab(Path("nowhere"), world=world), SETTING.but(dataset=dataset)
    return judged_in_world(
        test, lab, setting, MeszarosRuns, measured, parameters, control, protocol
    )


def outcome(test, world, parameters=None, control=NOTHING):
    return outcome_of(lambda: conclude(test, world, parameters, control))
