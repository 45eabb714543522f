"""What is measured of these networks, all of it with the library's debiased CKA.

Where a layer is the same for all images its similarity is undefined, and is left out of the result.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from claims.li2023.networks import block_names, layer_names
from claims.li2023.neurons import Neurons
from tic import representation_similarity, seeding
from tic.audit import Measurement, Recipe, Samples, Split
from tic.measure.batches import Loader
from tic.measure.grams import Time
from tic.measure.similarity import RepresentationSimilarity

TILE = 512
BATCH = 256


def as_tables(similar: RepresentationSimilarity) -> dict[str, dict[str, float]]:
    """Debiased CKA by row and column, without pairs that are undefined."""
    rows = zip(similar.rows, similar.debiased.tolist(), strict=True)
    return {
        row: {
            column: value
            for column, value in zip(similar.columns, values, strict=True)
            if value is not None
        }
        for row, values in rows
    }


def _diagonal(table: Any) -> list[float]:
    return [float(value) for value in table.diagonal().compressed()]


def blocks_of(network: nn.Module) -> int:
    """Number of blocks of a network."""
    blocks = network.get_submodule("blocks")
    assert isinstance(blocks, nn.Sequential)
    return len(blocks)


@torch.no_grad()
def reestimate(network: nn.Module, inputs: Tensor) -> None:
    """Let batch normalisation have the statistics of these inputs, (B, …).

    An untrained network has none of its own, and its deep neurons hardly fire in evaluation mode.
    """
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # of one batch, not a moving average
    network.train()(inputs)
    network.eval()


def whole(samples: Samples) -> Tensor:
    ((inputs, _),) = samples.batches(len(samples))
    return inputs


@dataclass(frozen=True, kw_only=True)
class PairMeasurement(Measurement):
    """Similarity of the layers of a Run with those of another.

    Attributes:
        other: Whose, its seed included.
        time: How timesteps become features.
        reestimated: BN statistics are those of the images that are measured.
        permuted: The other sees the images in another order.
        threshold: Of all spiking neurons of the other; their own without it.
    """

    name: ClassVar[str] = "li2023-pair"

    split: Split = "test"
    other: Recipe
    time: Time = "joined"
    reestimated: bool = False
    permuted: bool = False
    threshold: float | None = None

    def partners(self, recipe: Recipe) -> tuple[Recipe, ...]:
        """See `Measurement.partners`."""
        return (self.other,)

    def partner_epoch(self, partner: Recipe) -> int:
        """See `Measurement.partner_epoch`: an untrained network is compared with another."""
        return partner.epochs if self.epoch else 0

    def take(
        self, network: nn.Module, samples: Samples, partners: Sequence[nn.Module]
    ) -> dict[str, Any]:
        """See `Measurement.take`.

        Gives `debiased` by row and column; `gap` and `by_chance` are means over layers of one name:
        of how far the biased CKA exceeds the debiased one, and of what it would be of layers with
        nothing in common.
        """
        (other,) = partners
        for module in other.modules():
            if isinstance(module, Neurons) and self.threshold is not None:
                module.threshold = self.threshold
        if self.reestimated:
            for measured in (network, other):
                reestimate(measured, whole(samples))
        names = layer_names(blocks_of(network))
        similar = representation_similarity(
            network,
            other,
            samples.batches(BATCH),
            layers=names,
            other_layers=layer_names(blocks_of(other)),
            other_loader=_permuted(samples) if self.permuted else None,
            time=self.time,
            tile=TILE,
        )
        biased, chance = _diagonal(similar.biased), _diagonal(similar.by_chance)
        debiased = _diagonal(similar.debiased)
        count = max(1, len(biased))
        return {
            "debiased": as_tables(similar),
            "gap": (sum(biased) - sum(debiased)) / count,
            "by_chance": sum(chance) / count,
            "images": similar.images,
        }


def _permuted(samples: Samples) -> Loader:
    draws = seeding.generator(0, "order of the images")
    order = torch.randperm(len(samples), generator=draws).to(samples.device)
    inputs, labels = whole(samples)[order], samples.labels[order]
    return list(zip(torch.split(inputs, BATCH), torch.split(labels, BATCH), strict=True))


@dataclass(frozen=True, kw_only=True)
class DynamicsMeasurement(Measurement):
    """Similarity of the outputs of blocks at one timestep with those at another.

    Attributes:
        reestimated: BN statistics are those of the images that are measured.
        leak: Of all neurons; their own without it.
    """

    name: ClassVar[str] = "li2023-dynamics"

    split: Split = "test"
    reestimated: bool = False
    leak: float | None = None

    def take(
        self, network: nn.Module, samples: Samples, partners: Sequence[nn.Module]
    ) -> dict[str, Any]:
        """See `Measurement.take`.

        Gives `debiased` by block: T rows of T values; a block that is the same for all images at
        some timestep is left out.
        """
        for module in network.modules():
            if isinstance(module, Neurons) and self.leak is not None:
                module.leak = self.leak
        if self.reestimated:
            reestimate(network, whole(samples))
        names = block_names(blocks_of(network))
        similar = representation_similarity(
            network, network, samples.batches(BATCH), layers=names, time="apart", tile=TILE
        )
        return {"debiased": dict(_by_block(similar, names)), "images": similar.images}


def _by_block(
    similar: RepresentationSimilarity, names: Sequence[str]
) -> Iterator[tuple[str, list[list[float]]]]:
    for name in names:
        places = [k for k, row in enumerate(similar.rows) if row.startswith(f"{name}[")]
        table = similar.debiased[places[0] : places[-1] + 1, places[0] : places[-1] + 1]
        if not table.mask.any():
            yield name, table.tolist()
