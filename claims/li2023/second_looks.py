"""What rivals measure of pairs and of timesteps: the same similarity without what may make it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from claims.li2023.measuring import TILE, PairMeasurement, blocks_of, reestimate, whole
from claims.li2023.networks import layer_names, spikes_after
from claims.li2023.runs import LiRuns, Similarities, defined
from tic import representation_similarity, seeding
from tic.audit import Array, Epoch, Measurement, Recipe, Samples, Split
from tic.measure.activations import Watch
from tic.measure.dominance import similarity_without
from tic.measure.grams import Time

LOOKS = {
    "images": "without the images of largest leverage",
    "component": "without the first component",
    "procrustes": "by Procrustes similarity",
}
"""How a similarity is formed again, by what is left out."""
CLASSES = "classes"


@dataclass(frozen=True, kw_only=True)
class WithoutMeasurement(Measurement):
    """Similarity of layers of one name, without what may dominate it; see `PairMeasurement`."""

    name: ClassVar[str] = "li2023-without"

    split: Split = "test"
    other: Recipe
    time: Time = "joined"
    reestimated: bool = False

    def partners(self, recipe: Recipe) -> tuple[Recipe, ...]:
        """See `Measurement.partners`."""
        return self._pair().partners(recipe)

    def partner_epoch(self, partner: Recipe) -> int:
        """See `Measurement.partner_epoch`."""
        return self._pair().partner_epoch(partner)

    def _pair(self) -> PairMeasurement:
        return PairMeasurement(epoch=self.epoch, other=self.other)

    def take(
        self, network: nn.Module, samples: Samples, partners: Sequence[nn.Module]
    ) -> dict[str, Any]:
        """See `Measurement.take`.

        Gives by look and layer its similarity, without those that are undefined, and `variance`,
        the first component's share of it, mean over layers and both networks.
        """
        (other,) = partners
        if self.reestimated:
            for measured in (network, other):
                reestimate(measured, whole(samples))
        assert self.time != "apart"
        seen = similarity_without(
            network,
            other,
            samples.batches(TILE),
            layers=layer_names(blocks_of(network)),
            other_layers=layer_names(blocks_of(other)),
            time=self.time,
        )
        return {
            look: {
                name: value
                for name, value in zip(seen.layers, getattr(seen, look).tolist(), strict=True)
                if value is not None
            }
            for look in (*LOOKS, CLASSES)
        } | {"variance": float(seen.variances.mean()), "count": seen.count}


def looked_again(
    runs: LiRuns, other: LiRuns, epoch: Epoch = "final", *, reestimated: bool = False
) -> tuple[dict[str, Similarities], Array]:
    """Compare as `LiRuns.similarity`, by every look; and the first component's share, (S,)."""
    results = runs.measured_each(
        WithoutMeasurement(
            epoch=runs.epoch(epoch),
            other=partner,
            time=runs.reading.time,
            reestimated=reestimated,
            size=runs.size("similarity"),
        )
        for partner in other.recipes
    )
    nothing = np.zeros(len(results))
    looks = {
        look: Similarities(
            seeds=runs.seeds,
            tables=tuple(
                {name: {name: value} for name, value in result[look].items()} for result in results
            ),
            depths=runs.depths,
            gaps=nothing,
            by_chance=nothing,
            images=results[0]["count"],
        )
        for look in (*LOOKS, CLASSES)
    }
    return looks, np.array([result["variance"] for result in results])


@dataclass(frozen=True, kw_only=True)
class MatchedRatesMeasurement(Measurement):
    """Similarity of first and last timestep of the spikes that follow each block, at one rate.

    Spikes are left out at random until every block fires, at both timesteps, as seldom as the
    sparsest of them does. So what sparse spikes do by being few they do everywhere.
    """

    name: ClassVar[str] = "li2023-matched-rates"

    split: Split = "test"

    def take(
        self, network: nn.Module, samples: Samples, partners: Sequence[nn.Module]
    ) -> dict[str, Any]:
        """See `Measurement.take`.

        Gives `debiased` and `biased` by block, without those that are undefined, and `rates`:
        spikes per neuron and timestep at the first and the last timestep, by block.
        """
        names = spikes_after(blocks_of(network))
        rates = _rates(network, names, samples)
        least = float(rates.min())
        thinned = Thinned(network, names, least / rates.clamp(min=torch.finfo(rates.dtype).tiny))
        similar = representation_similarity(
            thinned, thinned, samples.batches(TILE), layers=thinned.names, time="apart",
            batching="each", tile=TILE,
        )  # fmt: skip
        last = thinned.timesteps
        by_block = {
            f"blocks.{number}": (
                similar.rows.index(f"{name}[t=1]"),
                similar.rows.index(f"{name}[t={last}]"),
            )
            for number, name in enumerate(thinned.names)
        }
        tables = {"debiased": similar.debiased, "biased": similar.biased}
        return {
            kind: {
                block: float(table[place])
                for block, place in by_block.items()
                if table[place] is not np.ma.masked
            }
            for kind, table in tables.items()
        } | {"rates": rates.tolist(), "images": similar.images}


def _rates(network: nn.Module, names: Sequence[str], samples: Samples) -> Tensor:
    """Spikes per neuron at the first and the last timestep, shape (blocks, 2)."""
    sums = dict.fromkeys(names, torch.zeros(2, dtype=torch.float64))

    def see(name: str, _first: int, spikes: Tensor) -> None:
        ends = spikes[[0, -1]].flatten(1).double().mean(1).cpu()
        sums[name] = sums[name] + ends * spikes.shape[1]

    watch = Watch(network, names)
    for inputs, _ in samples.batches(TILE):
        watch.over(inputs, see)
    return torch.stack([sums[name] for name in names]) / len(samples)


class Thinned(nn.Module):
    """A network beside whose spikes stand fewer of them, in layers of their own.

    Args:
        network: Spiking, with an attribute `timesteps`.
        names: Of layers of neurons.
        kept: Share of the spikes that is kept at the first and the last timestep, (layers, 2).

    Attributes:
        names: Of the layers that have fewer, in the order of the arguments.
    """

    def __init__(self, network: nn.Module, names: Sequence[str], kept: Tensor) -> None:
        super().__init__()
        self.network, self.watched, self.kept = network, tuple(names), kept
        self.fewer = nn.ModuleList(nn.Identity() for _ in names)
        self.names = tuple(f"fewer.{number}" for number in range(len(names)))
        self.draws = seeding.generator(0, "fewer spikes")

    @property
    def timesteps(self) -> int:
        """Of the network."""
        steps = self.network.timesteps
        assert isinstance(steps, int)
        return steps

    def forward(self, inputs: Tensor) -> Tensor:
        """Run the network, and show fewer of its spikes."""
        with ExitStack() as stack:
            for number, name in enumerate(self.watched):
                handle = self.network.get_submodule(name).register_forward_hook(self._show(number))
                stack.callback(handle.remove)
            logits: Tensor = self.network(inputs)
        return logits

    def _show(self, number: int) -> Callable[[nn.Module, Any, Tensor], None]:
        first, last = self.kept[number].tolist()

        def show(_module: nn.Module, _inputs: Any, spikes: Tensor) -> None:
            shares = torch.ones(len(spikes), device=spikes.device)
            shares[0], shares[-1] = first, last
            drawn = torch.rand(spikes.shape, generator=self.draws).to(spikes.device)
            self.fewer[number](spikes * (drawn < shares.view(-1, *[1] * (spikes.dim() - 1))))

        return show


def change_at_one_rate(runs: LiRuns) -> tuple[Mapping[str, Array], Array]:
    """D of spikes at matched rates by estimator, (S, blocks), and their rates, (S, blocks, 2).

    Raises:
        NotApplicableError: After a block no neuron fires.
    """
    results = runs.measured(
        MatchedRatesMeasurement(epoch=runs.epoch("final"), size=runs.size("similarity"))
    )
    change = {
        kind: np.array(
            [
                [
                    1 - defined(result[kind].get(f"blocks.{number}"), f"blocks.{number}", seed)
                    for number in range(runs.blocks)
                ]
                for seed, result in zip(runs.seeds, results, strict=True)
            ]
        )
        for kind in ("debiased", "biased")
    }
    return change, np.array([result["rates"] for result in results])
