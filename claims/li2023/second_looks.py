"""What rivals measure of pairs and of timesteps: the same similarity without what may make it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

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
Matched = Literal["rates", "neurons"]
"""What all blocks are made to have as much of."""


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
class MatchedMeasurement(Measurement):
    """Similarity of first and last timestep of the spikes that follow each block, as many of each.

    What few spikes, or few neurons, do by being few they do everywhere then.

    Attributes:
        matched: With `rates` spikes are left out at random until every block fires, at both
            timesteps, as seldom as the sparsest of them does. What is left out of a neuron at one
            timestep is left out at the other, too: else leaving out alone would make timesteps
            unlike, and the more so where more is left out. With `neurons` as many of every block
            are drawn as the smallest has, and none of their spikes is left out.
    """

    name: ClassVar[str] = "li2023-matched"

    split: Split = "test"
    matched: Matched

    def take(
        self, network: nn.Module, samples: Samples, partners: Sequence[nn.Module]
    ) -> dict[str, Any]:
        """See `Measurement.take`.

        Gives `debiased` and `biased` by block, without those that are undefined, and `rates`:
        spikes per neuron and timestep at the first and the last timestep, by block, before any is
        left out, of the neurons that are looked at.
        """
        names = spikes_after(blocks_of(network))
        by_neuron = _rates_by_neuron(network, names, samples)
        counts = [both.shape[1] for both in by_neuron]
        everything = [torch.arange(count) for count in counts]
        drawn = _as_many_of_each(counts) if self.matched == "neurons" else everything
        rates = torch.stack(
            [both[:, of].mean(1) for both, of in zip(by_neuron, drawn, strict=True)]
        )
        kept = torch.ones_like(rates)
        if self.matched == "rates":
            kept = float(rates.min()) / rates.clamp(min=torch.finfo(rates.dtype).tiny)
        thinned = Thinned(network, names, kept, drawn)
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


def _rates_by_neuron(network: nn.Module, names: Sequence[str], samples: Samples) -> list[Tensor]:
    """Spikes per image at the first and the last timestep, by layer, each (2, neurons)."""
    sums: dict[str, Tensor] = {}

    def see(name: str, _first: int, spikes: Tensor) -> None:
        ends = spikes[[0, -1]].flatten(2).double().sum(1).cpu()
        sums[name] = sums[name] + ends if name in sums else ends

    watch = Watch(network, names)
    for inputs, _ in samples.batches(TILE):
        watch.over(inputs, see)
    return [sums[name] / len(samples) for name in names]


def _as_many_of_each(neurons: Sequence[int]) -> list[Tensor]:
    """Draw as many neurons of each layer as the smallest has."""
    draws = seeding.generator(0, "neurons")
    return [torch.randperm(count, generator=draws)[: min(neurons)] for count in neurons]


class Thinned(nn.Module):
    """A network beside whose spikes stand fewer of them, in layers of their own.

    Args:
        network: Spiking, with an attribute `timesteps`.
        names: Of layers of neurons.
        kept: Share of the spikes that is kept at the first and the last timestep, (layers, 2).
        neurons: Which are kept of each layer, by their places in it, flat.

    Attributes:
        names: Of the layers that have fewer, in the order of the arguments.
    """

    def __init__(
        self,
        network: nn.Module,
        names: Sequence[str],
        kept: Tensor,
        neurons: Sequence[Tensor],
    ) -> None:
        super().__init__()
        self.network, self.watched = network, tuple(names)
        self.kept, self.neurons = kept, neurons
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
            seen = spikes.flatten(2)[..., self.neurons[number].to(spikes.device)]
            shares = torch.ones(len(seen), device=seen.device)
            shares[0], shares[-1] = first, last
            drawn = torch.rand(seen.shape[1:], generator=self.draws).to(seen.device)
            self.fewer[number](seen * (drawn < shares.view(-1, 1, 1)))

        return show


def change_of_as_many(runs: LiRuns, matched: Matched) -> tuple[Mapping[str, Array], Array]:
    """D of spikes by estimator, (S, blocks), and rates, (S, blocks, 2); see `MatchedMeasurement`.

    Raises:
        NotApplicableError: After a block no neuron fires.
    """
    results = runs.measured(
        MatchedMeasurement(epoch=runs.epoch("final"), size=runs.size("similarity"), matched=matched)
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
