"""Planted worlds: what would be measured of networks whose truth is known; nothing is trained."""

import zlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from claims.yao2023.attention import (
    ConstantScale,
    Excitation,
    LearnedScale,
    SingleMap,
    SplitAttention,
)
from claims.yao2023.measuring import (
    EDGES,
    FeatureMeasurement,
    FiringMeasurement,
    HalfMeasurement,
    LikenessMeasurement,
    MapMeasurement,
    PotentialMeasurement,
)
from claims.yao2023.recipes import MOTION, design
from claims.yao2023.runs import YaoRuns
from fixtures.worlds import NOTHING, judged_in_world, outcome_of
from tic.audit.protocol import STANDARD
from tic.lab import Lab
from tic.measure.permuted import PermutedLabels
from tic.measure.robustness import AccuracyMeasurement
from tic.store import Store

SETTING = replace(MOTION, seeds=tuple(range(10, 18)))
T, C, PLACES = 8, 10, 100


@dataclass(frozen=True)
class Network:
    """What is measured of one kind of network.

    Attributes:
        rate: Of all neurons.
        accuracy: At the last epoch, in percent.
        back: Rate in the background.
        fore: Rate in the foreground.
        noisy: Share of noise features.
        null: Share of null features.
        sd: Of the neurons' input.
        above: Share above the threshold.
        window: Share of membranes in the surrogate's window.
        operations: Synaptic ones.
        energy: In pJ.
        best: Accuracy gained at the best epoch.
        tuned: Accuracy gained by tuning.
        same: Correlation with the next timestep.
        other: With other channels.
    """

    rate: float = 0.3
    accuracy: float = 80.0
    back: float = 0.2
    fore: float = 0.4
    noisy: float = 0.2
    null: float = 0.0
    sd: float = 1.0
    above: float = 0.3
    window: float = 0.2
    operations: float = 1000.0
    energy: float = 1000.0
    best: float = 0.0
    tuned: float = 0.0
    same: float = 0.8
    other: float = 0.1

    def but(self, **changes):
        return replace(self, **changes)


PLAIN = Network()
MODULE = Network(
    rate=0.12, accuracy=90.0, back=0.04, fore=0.3, noisy=0.02, null=0.1, sd=0.5, above=0.15,
    window=0.3, operations=400.0, energy=500.0,
)  # fmt: skip


@dataclass(frozen=True)
class World:
    """What is true of each kind of network; others are as the plain one is.

    Attributes:
        plain: Without the module.
        module: With it.
        others: By what they are: `map`, `random`, `quarter`, `three-quarters`, `scale`, `gain`,
            `learned`, `threshold`, `charge`, `channels`, `timesteps`, `time` and `space`.
    """

    plain: Network = PLAIN
    module: Network = MODULE
    others: tuple[tuple[str, Network], ...] = ()

    def but(self, plain=None, module=None, **others):
        made = dict(self.others) | {name.replace("_", "-"): each for name, each in others.items()}
        return World(plain or self.plain, module or self.module, tuple(made.items()))

    def of(self, recipe):
        kind = kind_of(design(recipe))
        known = {"plain": self.plain, "module": self.module, **dict(self.others)}
        return known.get(kind, self.plain)


def kind_of(made):
    attention = made.attention
    if isinstance(attention, SplitAttention):
        if attention.ranking == "random":
            return "random"
        return {0.25: "quarter", 0.5: "module", 0.75: "three-quarters"}[attention.share]
    if attention is not None:
        kinds = {SingleMap: "map", ConstantScale: "scale", LearnedScale: "learned"}
        return attention.over if isinstance(attention, Excitation) else kinds[type(attention)]
    if made.untied:
        return made.untied
    if made.charge:
        return "charge"
    if made.gain != 1:
        return "gain"
    return "threshold" if made.threshold != 0.3 else "plain"


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


def scattered(value, *of, scale=0.005):
    return value * (1 + noise(*of, scale=scale))


def of_firing(truth, measurement, recipe, key):
    silent = measurement.threshold is not None
    share = measurement.shown * (0 if silent else 1)
    share *= 2.5 if measurement.without_maps else 1
    rate = share * scattered(truth.rate, key)
    return {
        "neurons": rate, "layers": rate, "convolutions": rate,
        "operations": share * scattered(truth.operations, key, "operations"),
        "energy": share * scattered(truth.energy, key, "energy"),
        "rates": {"neuron.0": rate, "neuron.1": rate / 2},
        "by_timestep": {"neuron.0": [rate] * T, "neuron.1": [rate] * T},
        "events": 880.0 * measurement.shown,
    }  # fmt: skip


def of_features(truth, measurement, recipe, key):
    """Noisy features fire alike everywhere; the others make up the rates that are to be."""
    count = T * C
    noisy = max(0, round(truth.noisy * count + noise(key, "noisy", scale=0.3)))
    null = max(0, round(truth.null * count + noise(key, "null", scale=0.3)))
    silent = measurement.threshold is not None
    back, fore = scattered(truth.back, key, "b"), scattered(truth.fore, key, "f")
    if measurement.other_objects:
        back = fore = (back + fore) / 2
    part = np.array([[noisy, count - noisy]])
    level = np.array([0.9] * noisy + [0.0] * (count - noisy))
    rest = (back * count - level.sum()) / part[0, 1]
    backs = np.where(level > 0, level, max(0.0, rest))
    fores = np.where(level > 0, 0.9 * level, 0.0)
    fores[noisy:] = (fore * count - fores.sum()) / part[0, 1]
    means = np.full(count, truth.rate)
    means[:null] = 0.0
    if measurement.other_objects:
        backs[:noisy], fores[:noisy] = 0.9, 0.91
    share = measurement.counted * (0 if silent else 1)
    return {
        "layers": {
            "neuron.0": {
                "mean": (share * means).reshape(T, C).tolist(),
                "back": (share * backs * PLACES).reshape(T, C).tolist(),
                "fore": (share * fores * PLACES).reshape(T, C).tolist(),
                "back_neurons": [PLACES] * T,
                "fore_neurons": [PLACES] * T,
            }
        }
    }


def of_potential(truth, measurement, recipe, key):
    unscaled = measurement.without_maps
    sd = scattered(PLAIN.sd if unscaled else truth.sd, key, "sd")
    above = scattered(PLAIN.above if unscaled else truth.above, key, "above")
    counts = [1] * (len(EDGES) - 1)
    each = {"sd": sd, "above": above, "counts": counts}
    return {
        "input": each, "membrane": each, "window": scattered(truth.window, key, "window"),
    }  # fmt: skip


def of_likeness(truth, measurement, recipe, key):
    other = scattered(truth.other, key, "other")
    same = other if measurement.rotated else scattered(truth.same, key, "same")
    return {"same": same, "other": other}


def of_accuracy(truth, measurement, recipe, key):
    epoch = measurement.epoch
    if epoch == 0:
        return {"accuracy": 12.5 + noise(key, scale=0.2)}
    gained = truth.best if 0 < epoch < recipe.epochs else 0.0
    return {"accuracy": truth.accuracy + gained + noise(key, "accuracy", epoch, scale=0.1)}


def measured(measurement, recipe, lab):
    """What `tic.measure.measurement.measure` would give."""
    truth = lab.world.of(recipe)
    key = recipe.seed, design(recipe), recipe.dataset.label, recipe.fitting, measurement.epoch
    if isinstance(measurement, PermutedLabels):
        return {"accuracy": 12.5 + noise(key, scale=0.2)}
    if isinstance(measurement, MapMeasurement):
        return {"maps": np.zeros((C, 4, 4)).tolist()}
    if isinstance(measurement, HalfMeasurement):
        rate = recipe.fitting.rate / MOTION.recipe.fitting.rate
        value = truth.accuracy + (truth.tuned if rate == 0.5 else 0.0)
        both = value + noise(key, "halves", scale=0.1)
        return {"chosen_by": both, "judged_by": both}
    takes = {
        FiringMeasurement: of_firing, FeatureMeasurement: of_features,
        PotentialMeasurement: of_potential, LikenessMeasurement: of_likeness,
        AccuracyMeasurement: of_accuracy,
    }  # fmt: skip
    return takes[type(measurement)](truth, measurement, recipe, key)


def conclude(test, world, parameters=None, control=NOTHING, protocol=STANDARD):
    """Let a test judge a world in the smoke setting, with eight seeds."""
    lab = WorldLab(Path("nowhere"), world=world)
    return judged_in_world(test, lab, SETTING, YaoRuns, measured, parameters, control, protocol)


def outcome(test, world, parameters=None, control=NOTHING):
    return outcome_of(lambda: conclude(test, world, parameters, control))
