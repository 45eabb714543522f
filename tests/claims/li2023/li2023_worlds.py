"""Planted worlds: what would be measured of networks whose truth is known; nothing is trained."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from claims.li2023.attacking import AttackedMeasurement, SuiteMeasurement
from claims.li2023.measuring import DynamicsMeasurement, PairMeasurement
from claims.li2023.networks import BRANCH, layer_names
from claims.li2023.recipes import RESNET20, design
from claims.li2023.runs import LiRuns
from claims.li2023.second_looks import (
    CLASSES,
    LOOKS,
    MatchedRatesMeasurement,
    WithoutMeasurement,
)
from fixtures.worlds import NOTHING, judged_in_world, outcome_of
from tic.audit.protocol import STANDARD
from tic.lab import Lab
from tic.measure.permuted import PermutedLabels
from tic.measure.robustness import AccuracyMeasurement
from tic.store import Store


@dataclass(frozen=True)
class World:
    """What is true; a pair is spiking, or ordinary, by the second of its networks.

    Attributes:
        level: Similarity at the outputs of blocks, of a spiking pair.
        twin_level: Of two ordinary networks.
        sag: How much less similar the ends of branches are, of a spiking pair.
        twin_sag: Of two ordinary networks.
        untrained_sag: Of a spiking pair before training.
        plain_loss: Similarity lost without shortcuts, of a spiking pair.
        twin_plain_loss: Of two ordinary networks.
        by_width: Similarity gained with every doubling of the channels; of ordinary ones likewise.
        twin_by_width: Of two ordinary networks.
        by_depth: Similarity lost with every block more in a stage.
        twin_by_depth: Of two ordinary networks.
        change: D of the first and of the last block.
        untrained_change: The same before training.
        plain_change: The same without shortcuts.
        event_change: The same on events.
        by_timesteps: D gained with a doubling of T.
        by_leak: D gained with the larger leak.
        similar_by_factor: Similarity gained with either.
        attacked: Similarity lost at the first and the last block under attack.
        signs: The same under random signs.
        spiking_lost: Accuracy lost without shortcuts, in percentage points.
        ordinary_lost: Of ordinary networks.
        gap: Biased minus debiased similarity.
        drift: Similarity lost at the first and the last block by moved statistics alone.
        matched: D of spikes at one rate at the first and the last block, by the debiased estimator.
        matched_biased: The same by the biased one.
        attacked_otherwise: As `attacked`, by other attacks at equal accuracy.
        left: Accuracy under the claim's attack, in percent.
        worst: Accuracy in the worst case.
        seen: By look: the world as it is without what that look leaves out.
    """

    level: float = 0.8
    twin_level: float = 0.8
    sag: float = 0.1
    twin_sag: float = 0.02
    untrained_sag: float = 0.0
    plain_loss: float = 0.15
    twin_plain_loss: float = 0.02
    by_width: float = 0.04
    twin_by_width: float = 0.0
    by_depth: float = 0.04
    twin_by_depth: float = 0.0
    change: tuple[float, float] = (0.01, 0.16)
    untrained_change: tuple[float, float] = (0.01, 0.02)
    plain_change: tuple[float, float] = (0.01, 0.3)
    event_change: tuple[float, float] = (0.2, 0.4)
    by_timesteps: float = 0.0
    by_leak: float = 0.0
    similar_by_factor: float = 0.0
    attacked: tuple[float, float] = (0.05, 0.4)
    signs: tuple[float, float] = (0.01, 0.06)
    spiking_lost: float = 8.0
    ordinary_lost: float = 1.0
    gap: float = 0.004
    drift: tuple[float, float] = (0.01, 0.03)
    matched: tuple[float, float] = (0.05, 0.2)
    matched_biased: tuple[float, float] = (0.04, 0.17)
    attacked_otherwise: tuple[float, float] = (0.06, 0.3)
    left: float = 50.0
    worst: float = 20.0
    seen: Mapping[str, "World"] = field(default_factory=dict)

    def but(self, **changes):
        return replace(self, **changes)


@dataclass(frozen=True, eq=False)
class WorldLab(Lab):
    world: World = World()

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    @cached_property
    def store(self):
        return Store(self.store_root)


def noise(*of, scale=0.002):
    key = zlib.crc32(repr(of).encode())
    return float(np.random.default_rng(key).normal(0, scale))


def is_spiking(recipe):
    return design(recipe).neuron == "spiking"


def level(world, recipe, other):
    """Similarity at the outputs of blocks."""
    made, base, spiking = design(other), design(RESNET20.recipe), is_spiking(other)
    value = world.level if spiking else world.twin_level
    if not made.shortcuts:
        value -= world.plain_loss if spiking else world.twin_plain_loss
    doublings = np.log2(made.width / base.width)
    value += doublings * (world.by_width if spiking else world.twin_by_width)
    value -= (made.depth - 3) * (world.by_depth if spiking else world.twin_by_depth)
    if spiking:
        value += world.similar_by_factor * ((made.leak == 1) + (other.timesteps == 4))
    return value


def of_pair(world, measurement, recipe):
    other, blocks = measurement.other, design(recipe).blocks
    names = layer_names(blocks)
    assert other.dataset == recipe.dataset
    assert not is_spiking(recipe)
    if measurement.threshold is not None:
        table = {}
    elif other == recipe:
        table = {name: {name: 1.0} for name in names}
    else:
        spiking = is_spiking(other)
        sag = world.sag if spiking else world.twin_sag
        if measurement.epoch == 0:
            assert measurement.reestimated
            sag = world.untrained_sag
        sag = sag if design(other).shortcuts else 0.0
        base = 0.0 if measurement.permuted else level(world, recipe, other)
        pair = recipe.seed, other.twin, design(other), other.timesteps, measurement.epoch
        shift = noise(pair)
        table = {}
        for name in names:
            low = sag + noise(name, pair) if name.endswith(BRANCH) else 0.0
            low = 0.0 if measurement.permuted else low
            table[name] = {name: base + shift - low}
    size = noise("gap", recipe.seed, scale=0.0003)
    return {
        "debiased": table, "gap": world.gap + size, "by_chance": 0.05,
        "images": 2048,
    }  # fmt: skip


def of_without(world, measurement, recipe):
    pair = PairMeasurement(
        epoch=measurement.epoch, other=measurement.other, reestimated=measurement.reestimated
    )
    looks = {}
    for look in (*LOOKS, CLASSES):
        table = of_pair(world.seen.get(look, world), pair, recipe)["debiased"]
        looks[look] = {name: row[name] for name, row in table.items()}
    return looks | {"variance": 0.2, "count": 2048}


def between(ends, blocks):
    return np.linspace(*ends, blocks)


def of_dynamics(world, measurement, recipe):
    made, blocks = design(recipe), design(recipe).blocks
    ends = world.change
    if measurement.epoch == 0:
        assert measurement.reestimated
        ends = world.untrained_change
    elif not made.shortcuts:
        ends = world.plain_change
    elif len(recipe.dataset.facts.shape) == 4:
        ends = world.event_change
    change = between(ends, blocks)
    change = change + world.by_timesteps * (recipe.timesteps == 4)
    change = change + world.by_leak * (made.leak == 1)
    of = recipe.seed, made, recipe.timesteps, measurement.epoch
    change = change + [noise(of, block, scale=0.001) for block in range(blocks)]
    steps = np.arange(recipe.timesteps)
    apart = np.abs(steps[:, None] - steps) / (recipe.timesteps - 1)
    # Neighbours differ as first and last do: D and D̄ are one number.
    apart = np.where(apart > 0, 1.0, 0.0)
    change = change * (0 if measurement.leak == 0 else 1)
    return {
        "debiased": {f"blocks.{k}": (1 - d * apart).tolist() for k, d in enumerate(change)},
        "images": 2048,
    }


def of_attacked(world, measurement, recipe):
    blocks = design(recipe).blocks
    ends = world.signs if measurement.signs else world.attacked
    lost = between(world.drift if measurement.drifted else ends, blocks)
    lost = lost * (1 if measurement.epsilon else 0)
    return {
        "debiased": {
            f"blocks.{k}": float(1 - d + (noise(recipe.seed, k, measurement.signs) if d else 0))
            for k, d in enumerate(lost)
        },
        "accuracy": 50.0,
        "images": 2048,
    }


def of_matched_rates(world, measurement, recipe):
    blocks = design(recipe).blocks
    by_kind = {"debiased": world.matched, "biased": world.matched_biased}
    return {
        kind: {
            f"blocks.{k}": float(1 - d + noise(kind, recipe.seed, k, scale=0.001))
            for k, d in enumerate(between(ends, blocks))
        }
        for kind, ends in by_kind.items()
    } | {"rates": [[0.2, 0.1]] * blocks, "images": 2048}


def of_suite(world, measurement, recipe):
    lost = between(world.attacked_otherwise, design(recipe).blocks)
    shift = noise("suite", recipe.seed, scale=0.2)
    return {
        "debiased": {
            f"blocks.{k}": float(1 - d + noise("suite", recipe.seed, k)) for k, d in enumerate(lost)
        },
        "attacked": world.left + shift,
        "worst": world.worst,
        "exchanged": 100 - world.left,
        "images": 2048,
    }


def measured(measurement, recipe, lab):
    """What `tic.measure.measurement.measure` would give."""
    world = lab.world
    if isinstance(measurement, PermutedLabels):
        return {"accuracy": 10 + noise(recipe.seed, design(recipe), scale=0.1)}
    if isinstance(measurement, PairMeasurement):
        return of_pair(world, measurement, recipe)
    if isinstance(measurement, DynamicsMeasurement):
        return of_dynamics(world, measurement, recipe)
    of_kind = {
        AttackedMeasurement: of_attacked,
        WithoutMeasurement: of_without,
        MatchedRatesMeasurement: of_matched_rates,
        SuiteMeasurement: of_suite,
    }
    if type(measurement) in of_kind:
        return of_kind[type(measurement)](world, measurement, recipe)
    assert isinstance(measurement, AccuracyMeasurement)
    lost = world.spiking_lost if is_spiking(recipe) else world.ordinary_lost
    lost = 0 if design(recipe).shortcuts else lost
    return {"accuracy": 92 - lost + noise(recipe.seed, design(recipe), scale=0.1)}


def conclude(test, world, parameters=None, control=NOTHING, protocol=STANDARD):
    """Let a test judge a world in the release's setting, with its five seeds."""
    lab = WorldLab(Path("nowhere"), world=world)
    return judged_in_world(test, lab, RESNET20, LiRuns, measured, parameters, control, protocol)


def outcome(test, world, parameters=None, control=NOTHING):
    return outcome_of(lambda: conclude(test, world, parameters, control))
