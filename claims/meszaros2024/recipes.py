"""The release's setting as a Recipe, a smoke setting on synthesised speech, and what claims need.

A condition is a structure (`dense`, `static`: a random mask that is held, or `dynamic`: rewired),
delays (see `networks.Delays`) and a sparsity, the same in both layers. Roles are those of the
release's ten sparsities in every setting. A small network is never sparser than `SPARSE`: there
roles of higher sparsities are the same Runs, and claims ask for none of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from claims.meszaros2024.fitting import DelayAdam, SummedSoftmax
from claims.meszaros2024.networks import Delayed, Delays
from claims.meszaros2024.paper import PAPER, PLACES
from claims.meszaros2024.rules import Delaying, KeptMask
from claims.meszaros2024.runs import MeszarosRuns
from tic.audit import Pack, Recipe, Rule, Setting, as_kind
from tic.data.speech import HeidelbergDigits, SpokenDigits
from tic.delay_schedule import DelaySchedule
from tic.rewiring import FixedMask, Rewiring

SEEDS = tuple(range(200, 205))
"""Seeds 0 and 1 are those of a prototype on other recordings, after which margins were written;
those from 900,000 on are for choosing settings."""

KEPT = 5
"""Epochs whose weights are kept, so that the best and the untrained network can be looked at."""

HEIDELBERG = Setting(
    recipe=Recipe(
        dataset=HeidelbergDigits(),
        architecture=Delayed(),
        timesteps=80,
        loss=SummedSoftmax(),
        fitting=DelayAdam(),
        epochs=150,
        batch_size=256,
        checkpoints=KEPT,
    ),
    seeds=SEEDS,
)
SPOKEN = Setting(
    recipe=HEIDELBERG.recipe.but(
        dataset=SpokenDigits(),
        # 64 neurons, 8 bins and 20 epochs are the prototype's, chosen by accuracy and time.
        architecture=Delayed(hidden=64, largest_delay=12, tau=8.0),
        timesteps=40,
        epochs=20,
        batch_size=64,
    ),
    seeds=SEEDS,
)
SHUFFLED = SPOKEN.but(dataset=SpokenDigits(order="bins-permuted"))
"""Timesteps of every recording are permuted, so that no delay can be of use: what claims say of
delays is false there."""
MIXED = SPOKEN.but(dataset=SpokenDigits(voices="mixed"))
"""Voices of the test stand in the training, too: nothing is said of new voices there."""

MESZAROS2024 = Pack(
    paper=PAPER,
    settings={
        "heidelberg": HEIDELBERG,
        "spoken": SPOKEN,
        "spoken-shuffled": SHUFFLED,
        "spoken-mixed": MIXED,
    },
    original="heidelberg",
    default="spoken",
    places=PLACES,
    runs=MeszarosRuns,
    claims=13,
    rivals=17,
    pilots=Path(__file__).with_name("pilots.json"),
)

OWN, PERMUTED, OTHER = "own delays", "permuted delays", "other"
"""Roles: networks that begin anew from a final mask, and what a rival compares."""
Structure = Literal["dense", "static", "dynamic"]
BOTH: tuple[Delays, ...] = ("fixed", "learned")
LOW = 0.5
PRESERVED = (0.5, 0.75, 0.875)
"""Sparsities at which grouping is looked at."""
SPARSE = 0.875
"""At which a sparse network is compared with a dense one."""
STEPS = tuple(1 - 0.5**k for k in range(1, 10))
"""The release's sparsities above 0: ½, ¾, … and 511/512 of all synapses are taken away."""
TO_STATIC = STEPS[:-2]
"""At the last two, 20 and 10 synapses are left to the read-out, and a random mask has a path from
input to read-out by luck alone."""
HIGH = TO_STATIC[-3:]
ASKED_HIGH = (SPARSE, *HIGH)
"""Roles at high sparsities, of large networks and of small ones."""


def design(recipe: Recipe) -> Delayed:
    """The network of a training."""
    return as_kind(recipe.architecture, Delayed)


def is_small(setting: Setting) -> bool:
    """Whether the network is smaller than the release's, so that at 0.96875 it is at chance."""
    return design(setting.recipe).hidden < Delayed().hidden


def sparsities(setting: Setting) -> tuple[float, ...]:
    """Those above 0, ascending: the release's ten, or three of a small network."""
    return PRESERVED if is_small(setting) else STEPS


def upto_static(setting: Setting) -> tuple[float, ...]:
    """Those above 0 up to the last at which static networks still have paths."""
    return tuple(s for s in sparsities(setting) if s in TO_STATIC)


def high(setting: Setting) -> tuple[float, ...]:
    """Those that count as high."""
    return (SPARSE,) if is_small(setting) else HIGH


def capped(setting: Setting, sparsity: float) -> float:
    """A sparsity, or the largest of the setting's where that is smaller."""
    return min(sparsity, sparsities(setting)[-1])


def role(structure: Structure, delays: Delays, sparsity: float = 0.0) -> str:
    """Name a condition."""
    return f"{structure}, {delays}" + (f", {sparsity:g}" if sparsity else "")


def condition(
    setting: Setting, structure: Structure, delays: Delays, sparsity: float = 0.0
) -> Recipe:
    """The training of a condition; see this file's docstring."""
    sparsity = capped(setting, sparsity)
    rules: tuple[Rule, ...] = ()
    if delays in ("blurred", "learned"):
        rules += (narrowing(setting),)
    if structure == "static" and sparsity:
        rules += (FixedMask(sparsity),)
    if structure == "dynamic":
        rules += (Rewiring(sparsity),)
    recipe = setting.recipe
    return recipe.but(architecture=design(recipe).but(delays=delays), rules=rules)


def narrowing(setting: Setting) -> DelaySchedule:
    """σ falls from half of the largest delay to 0.23, beside 0.27, in a quarter of the epochs."""
    largest = design(setting.recipe).largest_delay
    return DelaySchedule(first=largest / 2, last=0.23, share=0.25, floor=0.27)


def conditions(
    setting: Setting,
    structures: tuple[Structure, ...],
    delays: tuple[Delays, ...],
    at: tuple[float, ...],
) -> dict[str, Recipe]:
    """Every combination, by role."""
    return {
        role(structure, kind, sparsity): condition(setting, structure, kind, sparsity)
        for structure in structures
        for kind in delays
        for sparsity in at
    }


def dense(setting: Setting, delays: Delays = "learned") -> dict[str, Recipe]:
    """The network with all synapses."""
    return {role("dense", delays): condition(setting, "dense", delays)}


def static(setting: Setting) -> dict[str, Recipe]:
    """Fixed and learned delays, dense and with static masks."""
    masked = conditions(setting, ("static",), BOTH, TO_STATIC)
    return dense(setting, "fixed") | dense(setting) | masked


def crossed(setting: Setting) -> dict[str, Recipe]:
    """Fixed and learned delays, static and rewired, at every sparsity above 0."""
    return conditions(setting, ("static", "dynamic"), BOTH, STEPS)


def low(setting: Setting) -> dict[str, Recipe]:
    """Fixed and learned delays, static and rewired, at the low sparsity."""
    return conditions(setting, ("static", "dynamic"), BOTH, (LOW,))


def ends(setting: Setting) -> dict[str, Recipe]:
    """Fixed and learned delays, static and rewired, at the low sparsity and at high ones."""
    return conditions(setting, ("static", "dynamic"), BOTH, (LOW, *ASKED_HIGH))


def opposed(setting: Setting) -> dict[str, Recipe]:
    """Rewired with fixed delays, and static with learned ones, at high sparsities."""
    return conditions(setting, ("dynamic",), ("fixed",), ASKED_HIGH) | conditions(
        setting, ("static",), ("learned",), ASKED_HIGH
    )


def sparse(setting: Setting) -> dict[str, Recipe]:
    """Dense with learned delays, and rewired networks with an eighth of its synapses."""
    return dense(setting) | conditions(setting, ("dynamic",), BOTH, (SPARSE,))


def rounded(setting: Setting) -> dict[str, Recipe]:
    """Dense, with learned and with fixed delays."""
    return dense(setting) | dense(setting, "fixed")


def grouped(setting: Setting) -> dict[str, Recipe]:
    """Dense and rewired, with learned delays."""
    return dense(setting) | conditions(setting, ("dynamic",), ("learned",), PRESERVED)


def dale(setting: Setting) -> dict[str, Recipe]:
    """Dense, and rewired with one sign per presynaptic unit, with learned delays."""
    made = grouped(setting)
    return {
        name: recipe.but(rules=tuple(map(_presynaptic, recipe.rules)))
        for name, recipe in made.items()
    }


def _presynaptic(rule: Rule) -> Rule:
    return rule.but(signs="presynaptic") if isinstance(rule, Rewiring) else rule


def reused(setting: Setting, sparsity: float, delays: Delaying = "own") -> Recipe:
    """A static network with the final mask of a rewired one with fixed delays."""
    parent = condition(setting, "dynamic", "fixed", sparsity)
    return parent.but(parent=parent, rules=(KeptMask(delays),))


def selected(setting: Setting) -> dict[str, Recipe]:
    """Static and rewired with fixed delays, and the final mask with its own and other delays."""
    return conditions(setting, ("static", "dynamic"), ("fixed",), (SPARSE,)) | {
        OWN: reused(setting, SPARSE), PERMUTED: reused(setting, SPARSE, "permuted"),
    }  # fmt: skip
