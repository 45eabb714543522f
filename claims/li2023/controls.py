"""Planted worlds in which claims of this paper are false; see `tic.audit.control`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from claims.li2023.networks import BRANCH, block_names
from claims.li2023.recipes import (
    DEPTHS,
    LONG,
    ORDINARY,
    PLAIN,
    SHORT,
    SPIKING,
    STREAM,
    TWIN,
    WIDTHS,
    role,
)
from claims.li2023.runs import LiRuns, Similarities
from tic.audit import Array, Control, Epoch, chained, given_out, mixed, seen_as
from tic.audit.control import Plant

UNREACHED = 1e30
"""A threshold that no membrane reaches."""


@dataclass(frozen=True)
class OtherImages(LiRuns):
    """Runs that are shown the images in another order when they are compared."""

    def seen_otherwise(self) -> dict[str, Any]:
        """See `LiRuns.seen_otherwise`."""
        return {"permuted": True}


@dataclass(frozen=True)
class Silent(LiRuns):
    """Networks none of whose neurons ever fires."""

    def seen_otherwise(self) -> dict[str, Any]:
        """See `LiRuns.seen_otherwise`."""
        return {"threshold": UNREACHED}


@dataclass(frozen=True)
class Swapped(LiRuns):
    """End of the branch and sum exchanged for every second seed."""

    def similarity(
        self, other: LiRuns, epoch: Epoch = "final", *, reestimated: bool = False
    ) -> Similarities:
        """See `LiRuns.similarity`."""
        true = super().similarity(other, epoch, reestimated=reestimated)
        tables = (
            _exchanged(table, true.blocks) if number % 2 else table
            for number, table in enumerate(true.tables)
        )
        return replace(true, tables=tuple(tables))


def _exchanged(
    table: Mapping[str, Mapping[str, float]], blocks: int
) -> dict[str, dict[str, float]]:
    names = {name: f"{name}.{BRANCH}" for name in block_names(blocks)}
    names |= {branch: name for name, branch in names.items()}
    return {
        names.get(row, row): {names.get(column, column): v for column, v in cells.items()}
        for row, cells in table.items()
    }


@dataclass(frozen=True)
class Untrained(LiRuns):
    """The pair before its first step, given out for the trained one."""

    def similarity(
        self, other: LiRuns, epoch: Epoch = "final", *, reestimated: bool = False
    ) -> Similarities:
        """See `LiRuns.similarity`."""
        return super().similarity(other, "untrained", reestimated=True)


@dataclass(frozen=True)
class MixedBlocks(LiRuns):
    """Blocks in another order for every seed."""

    def timesteps_apart(
        self, epoch: Epoch = "final", *, reestimated: bool = False, **falsified: Any
    ) -> list[Array]:
        """See `LiRuns.timesteps_apart`."""
        by_seed = super().timesteps_apart(epoch, reestimated=reestimated, **falsified)
        return [_rotated(apart, seed) for seed, apart in enumerate(by_seed)]

    def attacked(self, epsilon: float, **otherwise: Any) -> tuple[Array, Array]:
        """See `LiRuns.attacked`."""
        similar, accuracy = super().attacked(epsilon, **otherwise)
        return np.array([_rotated(row, seed) for seed, row in enumerate(similar)]), accuracy


def _rotated(by_block: Array, seed: int) -> Array:
    rotated: Array = np.roll(by_block, seed * max(1, round(len(by_block) / 3)), axis=0)
    return rotated


@dataclass(frozen=True)
class Memoryless(LiRuns):
    """Neurons that keep nothing from one timestep to the next."""

    def timesteps_apart(
        self, epoch: Epoch = "final", *, reestimated: bool = False, **falsified: Any
    ) -> list[Array]:
        """See `LiRuns.timesteps_apart`."""
        return super().timesteps_apart(epoch, reestimated=reestimated, leak=0.0)


@dataclass(frozen=True)
class CleanForAttacked(LiRuns):
    """Clean images given out for attacked ones."""

    def attacked(self, epsilon: float, **otherwise: Any) -> tuple[Array, Array]:
        """See `LiRuns.attacked`."""
        return super().attacked(0.0)


@dataclass(frozen=True)
class Drifted(LiRuns):
    """Clean images, in a network whose running statistics the release's attack has moved."""

    def attacked(self, epsilon: float, **otherwise: Any) -> tuple[Array, Array]:
        """See `LiRuns.attacked`."""
        return super().attacked(epsilon, crafting="training", drifted=True)


def _mixed_pairs(conditions: tuple[str, ...]) -> Plant:
    """Deal conditions out to spiking and ordinary networks alike."""
    return chained(
        mixed(*(role(SPIKING, name) for name in conditions)),
        mixed(*(role(ORDINARY, name) for name in conditions)),
    )


OTHER_IMAGES = Control(
    "other-images",
    "The spiking network is shown the images in another order.",
    seen_as(OtherImages, SPIKING.__eq__),
)
SILENT = Control(
    "silent",
    "No neuron of the spiking network ever fires, so that its similarity is undefined.",
    seen_as(Silent, SPIKING.__eq__),
)
SAME_NETWORK = Control(
    "same-network",
    "The ordinary network is given out for the spiking one.",
    given_out({SPIKING: ORDINARY}),
)
SECOND_FOR_SPIKING = Control(
    "second-for-spiking",
    "The second ordinary network is given out for the spiking one.",
    given_out({SPIKING: TWIN}),
)
SWAPPED = Control(
    "swapped",
    "The end of the branch and the sum are exchanged for every second seed.",
    seen_as(Swapped, ORDINARY.__eq__),
)
UNTRAINED_PAIR = Control(
    "untrained-pair",
    "The networks before training are given out for the trained ones.",
    seen_as(Untrained, ORDINARY.__eq__),
)
NO_SHORTCUTS = Control(
    "no-shortcuts",
    "The networks without shortcuts are given out for those with them.",
    given_out({name: role(name, PLAIN) for name in (SPIKING, ORDINARY, TWIN)}),
)
NO_SHORTCUTS_OF_PAIR = Control(
    NO_SHORTCUTS.name,
    NO_SHORTCUTS.says,
    given_out({name: role(name, PLAIN) for name in (SPIKING, ORDINARY)}),
)
MIXED_BLOCKS = Control(
    "mixed-blocks", "The blocks stand in another order for every seed.", seen_as(MixedBlocks)
)
MEMORYLESS = Control(
    "memoryless",
    "Neurons keep nothing from one timestep to the next, so that all timesteps are equal.",
    seen_as(Memoryless),
)
MIXED_WIDTHS = Control(
    "mixed-widths",
    "The widths are dealt out anew for every seed, so that they mean nothing.",
    _mixed_pairs(WIDTHS),
)
MIXED_DEPTHS = Control(
    "mixed-depths",
    "The depths are dealt out anew for every seed, so that they mean nothing.",
    _mixed_pairs(tuple(f"n = {depth}" for depth in DEPTHS)),
)
MIXED_FACTOR = Control(
    "mixed-factor",
    "The smaller and the larger value are dealt out anew for every seed.",
    mixed(SHORT, LONG),
)
IMAGES_FOR_EVENTS = Control(
    "images-for-events",
    "The network on images is given out for that on events.",
    given_out({role(SPIKING, STREAM): SPIKING}),
)
CLEAN_FOR_ATTACKED = Control(
    "clean-for-attacked",
    "Clean images are given out for attacked ones.",
    seen_as(CleanForAttacked),
)
DRIFTED = Control(
    "drifted",
    "Images are clean, and the statistics of batch normalisation are those that an attack in "
    "training mode leaves.",
    seen_as(Drifted),
)
