"""Any measurement on labels that are permuted among the samples: what guessing gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import torch
from torch import nn

from tic.data import Dataset, Samples
from tic.measure.measurement import Measurement
from tic.measure.shapes import Shape
from tic.recipe import Recipe
from tic.seeding import generator


@dataclass(frozen=True, kw_only=True)
class PermutedLabels(Measurement):
    """A measurement that is given the labels of other samples.

    Attributes:
        of: What is measured.
        permutation: Number of the permutation. Each has labels that it leaves as they were by
            chance; those of networks that answer alike would be the same ones for every seed.
    """

    name: ClassVar[str] = "permuted-labels"
    version: ClassVar[int] = 1

    of: Measurement
    permutation: int = 0

    @classmethod
    def instead_of(cls, measurement: Measurement, permutation: int = 0) -> Self:
        """The same measurement, on permuted labels."""
        return cls(
            of=measurement,
            permutation=permutation,
            epoch=measurement.epoch,
            split=measurement.split,
            timesteps=measurement.timesteps,
            size=measurement.size,
        )

    def take(
        self, network: nn.Module, samples: Samples, partners: Sequence[nn.Module]
    ) -> dict[str, Any]:
        """See `Measurement.take`; gives what the measurement gives."""
        order = torch.randperm(
            len(samples), generator=generator(self.permutation, "permuted labels")
        )
        permuted = replace(samples, labels=samples.labels[order.to(samples.device)])
        return self.of.take(network, permuted, partners)

    def shape(self, recipe: Recipe) -> Shape | None:
        """See `Measurement.shape`."""
        return self.of.shape(recipe)

    def dataset(self, recipe: Recipe) -> Dataset:
        """See `Measurement.dataset`."""
        return self.of.dataset(recipe)

    def partners(self, recipe: Recipe) -> tuple[Recipe, ...]:
        """See `Measurement.partners`."""
        return self.of.partners(recipe)

    def partner_epoch(self, partner: Recipe) -> int:
        """See `Measurement.partner_epoch`."""
        return self.of.partner_epoch(partner)
