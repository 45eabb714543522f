"""What claims of this paper ask of their Runs beside what every paper's do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from claims.li2023.attacking import AttackedMeasurement, SuiteMeasurement
from claims.li2023.measuring import DynamicsMeasurement, PairMeasurement
from claims.li2023.networks import BRANCH, PreActivation, block_names, layer_names
from claims.li2023.reading import Reading
from tic.audit import Array, Epoch, NotApplicableError, SeedRuns, as_kind


@dataclass(frozen=True)
class Similarities:
    """Similarity of the layers of two networks, one table per seed.

    Attributes:
        seeds: Of the tables.
        tables: By seed: debiased CKA by layer of the one and of the other; undefined ones are
            left out.
        depths: By seed: number of blocks, which is one number except in falsified Runs.
        gaps: By seed: how far the biased CKA exceeds the debiased one, mean over layers.
        by_chance: By seed: what the biased one would be of layers with nothing in common.
        images: Number of images.
    """

    seeds: tuple[int, ...]
    tables: tuple[Mapping[str, Mapping[str, float]], ...]
    depths: tuple[int, ...]
    gaps: Array
    by_chance: Array
    images: int

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return self.depths[0]

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers, from the input on."""
        return layer_names(self.blocks)

    def of(self, layers: Sequence[str]) -> Array:
        """Similarity of layers of one name, shape (S, L).

        Raises:
            NotApplicableError: One is undefined, the same for all images, such as silent neurons.
        """
        return np.array(
            [
                [_same(table, name, seed) for name in layers]
                for seed, table in zip(self.seeds, self.tables, strict=True)
            ]
        )

    def at_blocks(self) -> Array:
        """Of the outputs of the blocks, after the sum, shape (S, blocks)."""
        return self.of(block_names(self.blocks))

    def at_branches(self) -> Array:
        """Of the ends of the branches, before the sum, shape (S, blocks)."""
        return self.of([f"{name}.{BRANCH}" for name in block_names(self.blocks)])

    def recovery(self) -> Array:
        """J: how much more similar blocks are after the sum than before it, mean, shape (S,)."""
        recovered: Array = (self.at_blocks() - self.at_branches()).mean(1)
        return recovered

    def mean(self) -> Array:
        """Mean over all layers, shape (S,)."""
        by_seed = zip(self.seeds, self.tables, self.depths, strict=True)
        return np.array(
            [
                np.mean([_same(table, name, seed) for name in layer_names(blocks)])
                for seed, table, blocks in by_seed
            ]
        )

    def cells(self) -> list[list[list[float | None]]]:
        """By seed, layer of the one and layer of the other; None where undefined."""
        return [
            [[table.get(row, {}).get(column) for column in self.layers] for row in self.layers]
            for table in self.tables
        ]

    @property
    def note(self) -> str:
        """How far the other estimator is off."""
        return (
            f"Debiased CKA over {self.images} images. The biased one is larger by "
            f"{self.gaps.mean():.2g} on average over layers and seeds; of layers like these with "
            f"nothing in common it would be {self.by_chance.mean():.2g}."
        )


def _same(table: Mapping[str, Mapping[str, float]], name: str, seed: int) -> float:
    """Similarity of the layers of one name."""
    value: float = defined(table.get(name, {}).get(name), name, seed)
    return value


def defined(value: Any, layer: str, seed: int) -> Any:
    """Return a similarity, and refuse one that is undefined.

    Raises:
        NotApplicableError: It is.
    """
    if value is None:
        raise NotApplicableError(
            f"the similarity of {layer} with seed {seed} is undefined: it is the same for all "
            "images, as where no neuron fires"
        )
    return value


@dataclass(frozen=True)
class LiRuns(SeedRuns):
    """Runs whose representations are asked for, as the protocol reads it."""

    @property
    def reading(self) -> Reading:
        """How representations are read."""
        return self.read_as(Reading)

    @property
    def blocks(self) -> int:
        """Number of blocks of the network."""
        return as_kind(self.recipe.architecture, PreActivation).blocks

    @property
    def depths(self) -> tuple[int, ...]:
        """Number of blocks of the network of every seed."""
        designs = (recipe.architecture for recipe in self.recipes)
        return tuple(design.blocks for design in designs if isinstance(design, PreActivation))

    def similarity(
        self, other: LiRuns, epoch: Epoch = "final", *, reestimated: bool = False
    ) -> Similarities:
        """Compare the network of every seed with that of other Runs."""
        results = self.measured_each(
            PairMeasurement(
                epoch=self.epoch(epoch),
                other=partner,
                time=self.reading.time,
                reestimated=reestimated,
                size=self.size("similarity"),
                **other.seen_otherwise(),
            )
            for partner in other.recipes
        )
        return Similarities(
            seeds=self.seeds,
            tables=tuple(result["debiased"] for result in results),
            depths=self.depths,
            gaps=np.array([result["gap"] for result in results]),
            by_chance=np.array([result["by_chance"] for result in results]),
            images=results[0]["images"],
        )

    def seen_otherwise(self) -> dict[str, Any]:
        """Fields of the comparison that falsified Runs have; none of others."""
        return {}

    def timesteps_apart(
        self, epoch: Epoch = "final", *, reestimated: bool = False, **falsified: Any
    ) -> list[Array]:
        """Similarity of the timesteps of every block's output: by seed, shape (blocks, T, T).

        Raises:
            NotApplicableError: A block is the same for all images at some timestep.
        """
        measurement = DynamicsMeasurement(
            epoch=self.epoch(epoch),
            reestimated=reestimated,
            size=self.size("similarity"),
            **falsified,
        )
        return [
            np.array([defined(result["debiased"].get(n), n, seed) for n in block_names(blocks)])
            for seed, blocks, result in zip(
                self.seeds, self.depths, self.measured(measurement), strict=True
            )
        ]

    def change(self, epoch: Epoch = "final", *, reestimated: bool = False) -> Array:
        """D: 1 less the similarity of first and last timestep, shape (S, blocks)."""
        by_seed = self.timesteps_apart(epoch, reestimated=reestimated)
        return np.array([1 - apart[:, 0, -1] for apart in by_seed])

    def neighbour_change(self) -> Array:
        """D̄: the same of neighbouring timesteps, their mean, shape (S, blocks)."""
        neighbours = (
            np.diagonal(apart, offset=1, axis1=1, axis2=2) for apart in self.timesteps_apart()
        )
        return np.array([1 - beside.mean(-1) for beside in neighbours])

    def attacked(self, epsilon: float, **otherwise: Any) -> tuple[Array, Array]:
        """Similarity of clean and attacked images at every block, (S, blocks); accuracy, (S,).

        Args:
            epsilon: In standard deviations of the pixels.
            otherwise: Other fields of `AttackedMeasurement`.

        Raises:
            NotApplicableError: A block is the same for all images.
        """
        fields = {"crafting": self.reading.crafting} | otherwise
        measurement = AttackedMeasurement(
            epoch=self.epoch("final"), epsilon=epsilon, size=self.size("attack"), **fields
        )
        results = self.measured(measurement)
        return self._at_blocks(results), np.array([result["accuracy"] for result in results])

    def attacked_otherwise(self, epsilon: float) -> tuple[Array, dict[str, Array]]:
        """The same at equal accuracy, with what other attacks find; see `SuiteMeasurement`.

        Returns:
            Similarity at every block, (S, blocks), and percentages of images, (S,), by name.
        """
        measurement = SuiteMeasurement(
            epoch=self.epoch("final"),
            epsilon=epsilon,
            level=self.setting.attacks,
            size=self.size("attack"),
        )
        results = self.measured(measurement)
        return self._at_blocks(results), {
            name: np.array([result[name] for result in results])
            for name in ("attacked", "worst", "exchanged")
        }

    def _at_blocks(self, results: Sequence[Mapping[str, Any]]) -> Array:
        return np.array(
            [
                [defined(result["debiased"].get(n), n, seed) for n in block_names(self.blocks)]
                for seed, result in zip(self.seeds, results, strict=True)
            ]
        )


def thirds(by_block: Array) -> tuple[Array, Array]:
    """Mean over the first and over the last third of the blocks, each shape (S,)."""
    count = max(1, round(by_block.shape[1] / 3))
    return by_block[:, :count].mean(1), by_block[:, -count:].mean(1)
