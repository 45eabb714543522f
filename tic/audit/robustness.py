"""The attack suite on the Runs of a claim: worst case per image, and whether attacks work.

After Carlini et al. (2019): robustness is what the worst of many attacks leaves, and conditions
that a working attack meets tell whether the gradients that it follows are masked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tic.attacks import PGD
from tic.attacks.attack import Passes
from tic.attacks.suite import Family, Level, Member, attack_suite, epsilons
from tic.audit.exhibits import Exhibits
from tic.audit.runs import Array, SeedRuns
from tic.lab import Lab
from tic.measure.measurement import gathered
from tic.neurons import LIF
from tic.recipe import Recipe

Correct = NDArray[np.bool_]
TOLERANCE = 0.2
"""Percentage points by which a condition may be missed before it counts as broken."""
ZERO_GRADIENTS = 5.0
"""Percentage of images without any gradient from which attacks by gradients measure nothing."""
EPSILON = 8 / 255
"""Radius that the cost is stated for."""
STEPS = 10
"""Steps of the attack whose radius grows, as in the PGD under test."""


@dataclass(frozen=True)
class Robustness:
    """What an attack suite left correctly classified of the same test images, for every seed.

    Attributes:
        members: The attacks.
        clean: Correct without any attack, (S, N).
        attacked: Correct under each attack, by its name, (S, N).
        grown: Correct under PGD, by its radius ε in ascending order, (S, N).
        zero_gradients: Share of images whose input gradient is exactly zero, in percent, (S,).
        chance: Accuracy of guessing, in percent.
        left_out: Names of the attacks that need more classes than the data have, or layers of
            `tic.neurons.LIF`.
    """

    members: tuple[Member, ...]
    clean: Correct
    attacked: Mapping[str, Correct]
    grown: Mapping[float, Correct]
    zero_gradients: Array
    chance: float
    left_out: tuple[str, ...] = ()

    def accuracy(self, name: str) -> Array:
        """Accuracy in percent under one attack, shape (S,)."""
        return percent(self.attacked[name])

    def worst(self, *families: str) -> Array:
        """Accuracy in percent of the worst case per image over some families, or all: (S,)."""
        return percent(self.withstands(*families))

    def withstands(self, *families: str) -> Correct:
        """Whether an image is correct clean and under all attacks, or those of families: (S, N)."""
        chosen = [
            self.attacked[member.name]
            for member in self.members
            if not families or member.family in families
        ]
        correct: Correct = np.logical_and.reduce([self.clean, *chosen])
        return correct


def percent(correct: Correct) -> Array:
    """Accuracy in percent over images, (S, N) to (S,)."""
    share: Array = 100 * correct.mean(1)
    return share


def attack(runs: SeedRuns, epsilon: float, step: float) -> Robustness:
    """Put the Runs to the attack suite of their setting's level.

    Args:
        runs: Networks; every seed is attacked on the same images.
        epsilon: Largest change of a pixel, in [0, 1].
        step: Of the PGD under test.
    """
    level, classes = runs.setting.attacks, runs.recipe.dataset.facts.num_classes
    spiking = _is_spiking(runs.recipe, runs.lab)
    members = attack_suite(level, epsilon, step, classes, spiking=spiking)
    growing = _growing(level, epsilon)
    queries: list[Callable[[], Correct]] = [
        runs.correct,
        *(partial(runs.correct, e.attack, transferred=e.family == "transfer") for e in members),
        *(partial(runs.correct, pgd) for pgd in growing),
    ]
    clean, *correct = gathered(queries)
    attacked, grown = correct[: len(members)], correct[len(members) :]
    return Robustness(
        members=members,
        clean=clean,
        attacked={member.name: under for member, under in zip(members, attacked, strict=True)},
        grown={pgd.epsilon: under for pgd, under in zip(growing, grown, strict=True)},
        zero_gradients=percent(runs.zero_gradients()),
        chance=runs.chance,
        left_out=tuple(m.name for m in attack_suite(level, epsilon, step) if m not in members),
    )


@lru_cache(maxsize=64)
def _is_spiking(recipe: Recipe, lab: Lab) -> bool:
    return any(isinstance(layer, LIF) for layer in lab.fresh_network(recipe).modules())


def _growing(level: Level, epsilon: float) -> tuple[PGD, ...]:
    return tuple(
        PGD(epsilon=radius, step=2.5 * radius / STEPS, steps=STEPS)
        for radius in epsilons(level, epsilon)
    )


@lru_cache  # one of each level
def suite_passes(level: Level) -> Passes:
    """Cost of `attack` per image and network, at most; no radius changes it but the first."""
    attacks = [member.attack for member in attack_suite(level, EPSILON, EPSILON / 2)]
    costs = [attack.passes for attack in (*attacks, *_growing(level, EPSILON))]
    # Every attack's images are classified, clean ones too, and their gradient is looked at once.
    classified = len(costs) + 1
    return Passes(
        classified + sum(cost.forwards for cost in costs),
        1 + sum(cost.gradients for cost in costs),
    )


@dataclass(frozen=True)
class _Order:
    """A condition of the form: one way to attack leaves no more accuracy than another."""

    name: str
    says: str
    stronger: tuple[str, Callable[[Robustness], Array]]
    weaker: tuple[str, Callable[[Robustness], Array]]
    family: Family | None = None  # that not every suite has

    def check(self, exhibits: Exhibits, suite: Robustness, of: str) -> None:
        (strong, strong_left), (weak, weak_left) = self.stronger, self.weaker
        least, most = (float(measure(suite).mean()) for measure in (strong_left, weak_left))
        exhibits.check(
            f"{self.name}, {of}",
            self.says,
            f"{strong} {least:.1f} %, {weak} {most:.1f} %",
            holds=least <= most + TOLERANCE,
        )


def _under(name: str) -> Callable[[Robustness], Array]:
    return lambda suite: suite.accuracy(name)


def _best(*families: str) -> Callable[[Robustness], Array]:
    """Accuracy under the best single attack of some families, on average over the seeds."""

    def measure(suite: Robustness) -> Array:
        accuracies = [suite.accuracy(e.name) for e in suite.members if e.family in families]
        return min(accuracies, key=lambda accuracy: float(accuracy.mean()))

    return measure


def _worst(*families: str) -> Callable[[Robustness], Array]:
    return lambda suite: suite.worst(*families)


_WHITE_BOX = ("paper", "iterations", "margin", "auto", "numerics", "backward")
_ORDERS = (
    _Order(
        "iterations beat a single step",
        "PGD leaves no more accuracy than FGSM.",
        ("PGD", _under("PGD, 10 steps")),
        ("FGSM", _under("FGSM")),
    ),
    _Order(
        "more iterations find no less",
        "The best longer run leaves no more accuracy than ten steps.",
        ("longer", _best("iterations")),
        ("ten steps", _under("PGD, 10 steps")),
    ),
    _Order(
        "gradients find what queries find",
        "Attacks with gradients leave no more accuracy than those without.",
        ("with gradients", _worst(*_WHITE_BOX)),
        ("without", _worst("gradient-free")),
    ),
    _Order(
        "the network's own gradients are the best",
        "Images made on this network leave no more accuracy than those made on another.",
        ("made here", _worst(*_WHITE_BOX)),
        ("transferred", _worst("transfer")),
    ),
    _Order(
        "numbers are precise enough",
        "PGD leaves no more accuracy than in float64 or with rescaled logits.",
        ("PGD", _best("paper", "iterations")),
        ("best of these", _best("numerics")),
    ),
    _Order(
        "the surrogate points the way",
        "PGD leaves no more accuracy than with another surrogate width or the rate gradient.",
        ("PGD", _best("paper", "iterations")),
        ("best of these", _best("backward")),
        family="backward",
    ),
)


def check(exhibits: Exhibits, suite: Robustness, of: str) -> None:
    """Record every condition that working attacks meet, and whether these do.

    Args:
        exhibits: Where they are recorded.
        suite: What the attack suite left.
        of: Which network, for the names.
    """
    if suite.left_out:
        left_out = ", ".join(suite.left_out)
        exhibits.note(f"Attacks left out, {of}, for lack of classes or of LIF layers: {left_out}.")
    families = {member.family for member in suite.members}
    for order in _ORDERS:
        if order.family in {None, *families}:
            order.check(exhibits, suite, of)
    grown = {radius: float(percent(correct).mean()) for radius, correct in suite.grown.items()}
    by_radius = ", ".join(
        f"ε = {radius:.3g}: {accuracy:.1f} %" for radius, accuracy in grown.items()
    )
    exhibits.check(
        f"more ε never helps, {of}",
        "Accuracy falls as ε grows.",
        by_radius,
        holds=all(after <= before + TOLERANCE for before, after in pairwise(grown.values())),
    )
    widest, left = list(grown.items())[-1]
    exhibits.check(
        f"unbounded ε breaks everything, {of}",
        "With every image in reach accuracy is no more than that of guessing.",
        f"{left:.1f} % at ε = {widest:.3g}, guessing {suite.chance:.1f} %",
        holds=left <= suite.chance + TOLERANCE,
    )
    zero = float(suite.zero_gradients.mean())
    exhibits.check(
        f"gradients are there, {of}",
        "No image has an input gradient of exactly zero.",
        f"{zero:.1f} % of the images",
        holds=zero == 0,
    )
