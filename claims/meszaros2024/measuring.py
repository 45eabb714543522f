"""What claims measure of masks and delays, and of accuracy read otherwise.

Structure is that of the `inner` synapses: bands have an order, hidden neurons have none. A synapse
is live where its weight is not 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from claims.meszaros2024.networks import DelayedNetwork
from claims.meszaros2024.reading import REACH
from claims.meszaros2024.rules import layers
from tic.audit import Dataset, Measurement, Recipe, Samples, Split, TicError
from tic.data.speech import Utterances
from tic.measure.robustness import accuracy
from tic.measure.structure import (
    NULLS,
    Synapses,
    delay_distance,
    grouping,
    pair_correlation,
)

BATCH = 250
PERMUTATIONS = 200
Falsified = Literal["none", "signs", "bands", "delays", "sorted"]


@torch.no_grad()
def inner(network: nn.Module, places: tuple[int, ...] = ()) -> Synapses:
    """The inner synapses with rounded delays, and bands at the places of their features."""
    assert isinstance(network, DelayedNetwork)
    layer = network.inner
    return Synapses.of(layer.weight.cpu(), layer.delay.round().cpu(), places or None)


def falsify(synapses: Synapses, how: Falsified) -> Synapses:
    """Synapses whose signs, bands or delays say nothing any more, or whose signs are sorted."""
    draws = np.random.default_rng(0)
    if how == "signs":
        return replace(synapses, signs=_permuted(synapses.signs, synapses.live, draws))
    if how == "delays":
        return replace(synapses, delays=_permuted(synapses.delays, synapses.live, draws))
    if how == "bands":
        # Pairs of delay and sign change bands together.
        order = np.broadcast_to(np.arange(synapses.live.shape[1]), synapses.live.shape)
        order = _permuted(order, synapses.live, draws)
        delays, signs = (
            np.take_along_axis(values, order, 1) for values in (synapses.delays, synapses.signs)
        )
        return replace(synapses, delays=delays, signs=signs)
    if how == "sorted":
        assert synapses.places is not None
        lower = synapses.places < len(synapses.places) / 2
        signs = np.broadcast_to(np.where(lower, 1.0, -1.0), synapses.live.shape)
        return replace(synapses, signs=signs)
    return synapses


def _permuted(values: NDArray[Any], live: NDArray[Any], draws: np.random.Generator) -> NDArray[Any]:
    """Values (H, I) permuted among the live synapses of every neuron."""
    permuted = np.array(values)
    for row, there in zip(permuted, live, strict=True):
        row[there] = draws.permutation(row[there])
    return permuted


@dataclass(frozen=True, kw_only=True)
class Structural(Measurement):
    """A measurement of synapses, for which no sample is looked at."""

    split: Split = "test"


@dataclass(frozen=True, kw_only=True)
class ChangeMeasurement(Structural):
    """What a training made of the masks and of the delays that it began with.

    Attributes:
        unmasked: Count as if masks had not been applied.
    """

    name: ClassVar[str] = "meszaros2024-change"
    unmasked: bool = False

    def partners(self, recipe: Recipe) -> tuple[Recipe, ...]:
        """See `Measurement.partners`: the network itself, as it began."""
        return (recipe,)

    def partner_epoch(self, partner: Recipe) -> int:
        """See `Measurement.partner_epoch`."""
        return 0

    @torch.no_grad()
    def take(
        self, network: nn.Module, samples: Samples, partners: Sequence[nn.Module]
    ) -> dict[str, Any]:
        """See `Measurement.take`.

        Gives by layer `live` and `synapses`, numbers of them; `born`, the share of live synapses
        that were not live at the beginning; `moved`, by how many timesteps delays differ on average
        from those at the beginning.
        """
        (start,) = partners
        before = layers(start)
        results: dict[str, list[float]] = {"live": [], "synapses": [], "born": [], "moved": []}
        for name, layer in layers(network).items():
            live = torch.ones_like(layer.weight, dtype=torch.bool)
            live = live if self.unmasked else layer.weight != 0
            born = live & (before[name].weight == 0)
            results["live"].append(int(live.sum()))
            results["synapses"].append(live.numel())
            results["born"].append(float(born.sum()) / max(1, int(live.sum())))
            results["moved"].append(float((layer.delay - before[name].delay).abs().mean()))
        return results


@dataclass(frozen=True, kw_only=True)
class GroupingMeasurement(Structural):
    """Autocorrelation of signs over bands and delays, beyond what is left when they are permuted.

    Attributes:
        reach: Standard deviation of the Gaussian that weighs neighbours.
        places: Place of every band; as the network sees them without it.
        falsified: Whether signs, bands or delays are permuted before, within hidden neurons, or
            signs sorted: the lower half of the bands excites and the upper inhibits.
    """

    name: ClassVar[str] = "meszaros2024-grouping"
    reach: float = REACH
    places: tuple[int, ...] = ()
    falsified: Falsified = "none"

    def take(
        self, network: nn.Module, samples: Samples, partners: Sequence[nn.Module]
    ) -> dict[str, Any]:
        """See `Measurement.take`.

        Gives Moran's I minus its mean over permutations of `signs`, `bands` and `delays` within
        hidden neurons; nothing where no neuron has live synapses of both signs near each other.
        """
        synapses = falsify(inner(network, self.places), self.falsified)
        try:
            return {
                null: grouping(
                    synapses, null=null, radius=self.reach, permutations=PERMUTATIONS
                ).excess
                for null in NULLS
            }
        except TicError:
            return {}


@dataclass(frozen=True, kw_only=True)
class DensityMeasurement(Structural):
    """How near live synapses lie to each other, whatever their signs.

    Attributes:
        reach: Standard deviation of the Gaussian that weighs neighbours.
        places: Place of every band; as the network sees them without it.
    """

    name: ClassVar[str] = "meszaros2024-density"
    reach: float = REACH
    places: tuple[int, ...] = ()

    def take(
        self, network: nn.Module, samples: Samples, partners: Sequence[nn.Module]
    ) -> dict[str, Any]:
        """See `Measurement.take`.

        Gives `excess`, the weight of neighbours within hidden neurons over that of as many synapses
        with other bands and uniform delays, minus 1; nothing where no neuron has two synapses.
        """
        assert isinstance(network, DelayedNetwork)
        synapses, largest = inner(network, self.places), network.inner.largest_delay
        try:
            return {"excess": pair_correlation(synapses, largest, radius=self.reach) - 1}
        except TicError:
            return {}


@dataclass(frozen=True, kw_only=True)
class SelectionMeasurement(Structural):
    """How far delays of live synapses are from those of all pairs, beyond what chance makes."""

    name: ClassVar[str] = "meszaros2024-selection"

    def take(
        self, network: nn.Module, samples: Samples, partners: Sequence[nn.Module]
    ) -> dict[str, Any]:
        """See `Measurement.take`.

        Gives `distance`, that of Kolmogorov and Smirnov between the two distributions minus its
        mean over random masks of as many synapses.
        """
        synapses = inner(network)
        draws = np.random.default_rng(0)
        by_chance = [
            delay_distance(synapses.delays, draws.permuted(synapses.live))
            for _ in range(PERMUTATIONS)
        ]
        own = delay_distance(synapses.delays, synapses.live)
        return {"distance": own - float(np.mean(by_chance))}


@dataclass(frozen=True, kw_only=True)
class MapMeasurement(Structural):
    """Where excitation and inhibition lie, for pictures."""

    name: ClassVar[str] = "meszaros2024-map"

    def take(
        self, network: nn.Module, samples: Samples, partners: Sequence[nn.Module]
    ) -> dict[str, Any]:
        """See `Measurement.take`; gives `signs`, means over neurons by band and delay."""
        assert isinstance(network, DelayedNetwork)
        synapses = inner(network)
        hidden, bands = synapses.live.shape
        neuron, band = np.nonzero(synapses.live)
        delays = synapses.delays[neuron, band].astype(int)
        sums = np.zeros((bands, network.inner.largest_delay + 1))
        np.add.at(sums, (band, delays), synapses.signs[neuron, band])
        return {"signs": (sums / hidden).tolist()}


@dataclass(frozen=True, kw_only=True)
class BlurredMeasurement(Measurement):
    """Accuracy with the kernels of the last step, where delays are not rounded."""

    name: ClassVar[str] = "meszaros2024-blurred"
    split: Split = "test"

    @torch.no_grad()
    def take(
        self, network: nn.Module, samples: Samples, partners: Sequence[nn.Module]
    ) -> dict[str, Any]:
        """See `Measurement.take`; gives `accuracy` in percent."""
        for layer in layers(network).values():
            layer.train()  # `accuracy` would put them into evaluation mode again
        right = [
            int((network(inputs).mean(0).argmax(1) == labels).sum())
            for inputs, labels in samples.batches(BATCH)
        ]
        return {"accuracy": 100 * sum(right) / len(samples)}


@dataclass(frozen=True, kw_only=True)
class HalfMeasurement(Measurement):
    """Accuracy on either half of the voices: one to choose by, one to judge."""

    name: ClassVar[str] = "meszaros2024-halves"
    split: Split = "test"

    def take(
        self, network: nn.Module, samples: Samples, partners: Sequence[nn.Module]
    ) -> dict[str, Any]:
        """See `Measurement.take`.

        Gives `chosen_by` and `judged_by`, percent; every second voice is in either.
        """
        assert isinstance(samples, Utterances)
        _, voices = np.unique(samples.speakers.cpu().numpy(), return_inverse=True)
        halves = (torch.from_numpy(np.flatnonzero(voices % 2 == half)) for half in (0, 1))
        chosen, judged = (
            accuracy(
                network,
                [
                    (samples.presented(samples.inputs[part]), samples.labels[part])
                    for part in torch.split(half.to(samples.device), BATCH)
                ],
            )
            for half in halves
        )
        return {"chosen_by": chosen, "judged_by": judged}


@dataclass(frozen=True, kw_only=True)
class HeldOutMeasurement(Measurement):
    """Accuracy on speakers who are held out of the training and are not those of the test."""

    name: ClassVar[str] = "meszaros2024-held-out"
    split: Split = "test"

    def dataset(self, recipe: Recipe) -> Dataset:
        """See `Measurement.dataset`: its validation."""
        return recipe.dataset.but(evaluated="validation")

    def take(
        self, network: nn.Module, samples: Samples, partners: Sequence[nn.Module]
    ) -> dict[str, Any]:
        """See `Measurement.take`; gives `accuracy` in percent."""
        return {"accuracy": accuracy(network, samples.batches(BATCH))}
