"""What is measured of these networks, beside what the library does.

All measurements can be falsified alike, for negative controls; see `Falsified`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from claims.yao2023.networks import EventNetwork
from claims.yao2023.neurons import LIF, PLIF, WINDOW
from tic import seeding
from tic.audit import Measurement, Samples, Split
from tic.data.events import EventSamples
from tic.measure.energy import MULTIPLY_ACCUMULATE, operations
from tic.measure.firing import Firing, LayerFiring, firing
from tic.measure.robustness import accuracy

BATCH = 90
EDGES = tuple(round(-1.5 + 0.1 * k, 1) for k in range(31))
"""Of the histogram of potentials; what lies outside is counted in the outermost bins."""
See = Callable[[int, LIF | PLIF, Tensor, Tensor, slice], None]
"""Is given a convolution's number, its neurons, their currents and spikes (T, B, …), and which
recordings these are."""


@dataclass(frozen=True, kw_only=True)
class Falsified(Measurement):
    """A measurement that can be falsified, for negative controls.

    Attributes:
        threshold: Of all neurons; their own without it.
        without_maps: Maps are 1, so that no current is scaled.
        shown: Share of the events that the network is shown.
    """

    split: Split = "test"
    threshold: float | None = None
    without_maps: bool = False
    shown: float = 1.0

    def seen(self, samples: Samples) -> Samples:
        """The recordings as the network is shown them."""
        if self.shown == 1:
            return samples
        draws = seeding.generator(0, "events that are shown")
        left = torch.rand(samples.inputs.shape, generator=draws) < self.shown
        return replace(samples, inputs=samples.inputs * left.to(samples.inputs))

    @contextmanager
    def falsified(self, network: nn.Module) -> Iterator[EventNetwork]:
        """Let a network be the falsified one for as long as the context is open."""
        assert isinstance(network, EventNetwork)

        def unscaled(_module: nn.Module, inputs: tuple[Tensor], _output: Tensor) -> Tensor:
            return inputs[0]

        with ExitStack() as stack:
            for neuron in network.neuron:
                if self.threshold is not None:
                    stack.callback(setattr, neuron, "threshold", neuron.threshold)
                    neuron.threshold = self.threshold  # type: ignore[assignment]
            for scale in network.scale:
                if self.without_maps:
                    stack.callback(scale.register_forward_hook(unscaled).remove)
            yield network


def batch_size(samples: int, timesteps: int) -> int:
    """So many that no batch has as many samples as there are timesteps, whose axes are alike."""
    size = min(BATCH, samples)
    while size > 1 and timesteps in (size, samples % size):
        size -= 1
    return size


@dataclass(frozen=True, kw_only=True)
class FiringMeasurement(Falsified):
    """Firing rates by layer, synaptic operations of spikes, and energy."""

    name: ClassVar[str] = "yao2023-firing"
    version: ClassVar[int] = 3

    def take(
        self, network: nn.Module, samples: Samples, partners: Sequence[nn.Module]
    ) -> dict[str, Any]:
        """See `Measurement.take`.

        Gives `neurons`, `layers` and `convolutions`, the rate as it is read; `operations` per
        recording, which neurons' spikes bring about, and `energy` (pJ), with those of the frames
        and the products of currents and maps; `rates` and `by_timestep` by layer; `events`, as many
        as a recording had on average.
        """
        seen = self.seen(samples)
        batches = seen.batches(batch_size(len(samples), samples.facts.shape[0]))
        with self.falsified(network) as measured:
            fired = firing(measured, batches, measured.neuron_layers())
            counted = operations(measured, batches)
            products = _products(measured, seen)
        convolutions = rate_of(fired.layers, measured.convolutional())
        return {
            "neurons": fired.rate,
            "layers": fired.layer_mean,
            "convolutions": convolutions,
            # What frames bring about is the same with the module and without it, fired or not.
            "operations": sum(counted.accumulates[name] for name in measured.given_spikes()),
            "energy": counted.energy + MULTIPLY_ACCUMULATE * products,
            "rates": {name: layer.rate for name, layer in fired.layers.items()},
            "by_timestep": {n: layer.by_timestep.tolist() for n, layer in fired.layers.items()},
            "events": float(seen.inputs.sum()) / len(seen),
        }


def rate_of(layers: Mapping[str, LayerFiring], names: Sequence[str]) -> float:
    """Rate of the neurons of some layers."""
    return Firing({name: layers[name] for name in names}).rate


@torch.no_grad()
def _products(network: EventNetwork, samples: Samples) -> int:
    """Products of a current with a map that one recording takes."""
    total = 0

    def count(module: Any, inputs: tuple[Tensor], _output: Tensor) -> None:
        nonlocal total
        total += module.products(inputs[0])

    with ExitStack() as stack:
        for scale in network.scale:
            if hasattr(scale, "products"):
                stack.callback(scale.register_forward_hook(count).remove)
        network(samples.presented(samples.inputs[:1]))
    return total


@torch.no_grad()
def look(network: EventNetwork, samples: Samples, see: See) -> None:
    """Run a network on recordings, and show what goes into and out of neurons of convolutions."""
    start, shown = 0, slice(0, 0)

    def hook(number: int) -> Callable[[LIF | PLIF, tuple[Tensor], Tensor], None]:
        def show(neuron: LIF | PLIF, inputs: tuple[Tensor], spikes: Tensor) -> None:
            see(number, neuron, inputs[0], spikes, shown)

        return show

    with ExitStack() as stack:
        for number in range(len(network.conv)):
            handle = network.neuron[number].register_forward_hook(hook(number))
            stack.callback(handle.remove)
        for inputs, _ in samples.batches(BATCH):
            shown = slice(start, start + len(inputs))
            network(inputs)
            start += len(inputs)


@dataclass(frozen=True, kw_only=True)
class FeatureMeasurement(Falsified):
    """Firing of features, where the object is and where it is not.

    A feature is a channel at a timestep. A neuron is in the background where no event of the object
    lies in its receptive field at that timestep, and in the foreground otherwise.

    Attributes:
        displaced: Objects are elsewhere, by chance, in every recording and at every timestep.
        counted: Share of the spikes that are counted, chosen at random. The network sees all of
            them, so that no feature loses more than another.
    """

    name: ClassVar[str] = "yao2023-features"
    displaced: bool = False
    counted: float = 1.0

    def take(
        self, network: nn.Module, samples: Samples, partners: Sequence[nn.Module]
    ) -> dict[str, Any]:
        """See `Measurement.take`.

        Gives by layer the rates `mean` (T rows of C) of features, and if it is known where the
        object is `back` and `fore` spikes likewise, beside `back_neurons` and `fore_neurons` (T).
        """
        results: dict[str, dict[str, Any]] = {}
        objects = samples.objects if isinstance(samples, EventSamples) else None
        if objects is not None and self.displaced:
            objects = displaced(objects)
        draws = seeding.generator(0, "spikes that are counted")

        def see(number: int, _n: object, _c: Tensor, spikes: Tensor, shown: slice) -> None:
            layer = results.setdefault(f"neuron.{number}", {})
            if self.counted < 1:
                kept = torch.rand(spikes.shape, generator=draws) < self.counted
                spikes = spikes * kept.to(spikes.device)
            _add(layer, "mean", spikes.double().mean((3, 4)).sum(1) / len(samples))
            if objects is None:
                return
            inside = receptive(measured, objects[shown].to(spikes.device), number)
            inside = inside.transpose(0, 1).unsqueeze(2).to(spikes)
            for name, where in (("fore", inside), ("back", 1 - inside)):
                _add(layer, name, (spikes * where).double().sum((1, 3, 4)))
                _add(layer, f"{name}_neurons", where.double().sum((1, 2, 3, 4)))

        with self.falsified(network) as measured:
            look(measured, self.seen(samples), see)
        return {
            "layers": {
                name: {key: value.tolist() for key, value in layer.items()}
                for name, layer in results.items()
            }
        }


def displaced(objects: Tensor) -> Tensor:
    """Move objects to places by chance, around the edges of the field.

    Objects of other recordings would not do: all of them cross the middle of the field.

    Args:
        objects: Where the object made events, shape (B, T, H, W), bool.

    Returns:
        As many places in every recording and at every timestep, of the same shape.
    """
    draws = seeding.generator(0, "places of objects")
    recordings, timesteps, height, width = objects.shape
    moved = (
        torch.randint(side, (recordings, timesteps), generator=draws) for side in (height, width)
    )
    rows, columns = (
        (torch.arange(side) + shift[..., None]) % side
        for side, shift in zip((height, width), moved, strict=True)
    )
    return objects[
        torch.arange(recordings)[:, None, None, None],
        torch.arange(timesteps)[:, None, None],
        rows[..., None],
        columns[..., None, :],
    ]


def _add(sums: dict[str, Any], name: str, values: Tensor) -> None:
    sums[name] = sums[name] + values if name in sums else values


def receptive(network: EventNetwork, objects: Tensor, number: int) -> Tensor:
    """Which neurons of a convolution have the object in their receptive field.

    Args:
        network: Its poolings count.
        objects: Where the object made events, shape (B, T, H, W), bool.
        number: Of the convolution.

    Returns:
        Shape (B, T, H', W'), bool.
    """
    inside = objects.to(torch.float32)
    for layer in range(number + 1):
        inside = max_pool2d(inside, 3, 1, padding=1)
        if isinstance(network.pool[layer], nn.AvgPool2d):
            inside = max_pool2d(inside, 2)
        if layer < number and isinstance(network.spike_pool[layer], nn.MaxPool2d):
            inside = max_pool2d(inside, 2)
    return inside > 0


@dataclass(frozen=True, kw_only=True)
class PotentialMeasurement(Falsified):
    """How potentials of neurons behind convolutions are distributed."""

    name: ClassVar[str] = "yao2023-potential"

    def take(
        self, network: nn.Module, samples: Samples, partners: Sequence[nn.Module]
    ) -> dict[str, Any]:
        """See `Measurement.take`.

        Gives for `input` and `membrane` the standard deviation `sd`, the share `above` the
        threshold and `counts` between `EDGES`; and `window`, the share of membranes that are within
        the surrogate's window about the threshold.
        """
        sums = {name: torch.zeros(4, dtype=torch.float64) for name in ("input", "membrane")}
        counts = {name: torch.zeros(len(EDGES) - 1, dtype=torch.float64) for name in sums}
        near = 0.0

        def see(_k: int, neuron: LIF | PLIF, currents: Tensor, _s: Tensor, _w: slice) -> None:
            nonlocal near
            membranes = neuron.potentials(currents)
            near += float(((membranes - neuron.threshold).abs() < WINDOW).sum())
            for name, values in (("input", currents), ("membrane", membranes)):
                values = values.double().cpu()
                above = (values >= neuron.threshold).sum()
                moments = (torch.tensor(values.numel()), values.sum(), values.square().sum(), above)
                sums[name] += torch.stack([moment.double() for moment in moments])
                inside = values.flatten().clamp(EDGES[0], EDGES[-1])
                counts[name] += torch.histc(inside, len(EDGES) - 1, EDGES[0], EDGES[-1])

        with self.falsified(network) as measured:
            look(measured, self.seen(samples), see)
        return {
            **{name: _moments(sums[name]) | {"counts": _whole(counts[name])} for name in sums},
            "window": near / float(sums["membrane"][0]),
        }


def _moments(sums: Tensor) -> dict[str, Any]:
    count, first, second, above = sums.tolist()
    variance = max(0.0, second / count - (first / count) ** 2)
    return {"sd": variance**0.5, "above": above / count}


def _whole(counts: Tensor) -> list[int]:
    return [int(count) for count in counts.tolist()]


@dataclass(frozen=True, kw_only=True)
class LikenessMeasurement(Falsified):
    """How alike the mean maps of a channel are at neighbouring timesteps.

    Attributes:
        rotated: Channels change their places at every timestep.
    """

    name: ClassVar[str] = "yao2023-likeness"
    rotated: bool = False

    def take(
        self, network: nn.Module, samples: Samples, partners: Sequence[nn.Module]
    ) -> dict[str, Any]:
        """See `Measurement.take`.

        Gives `same`, the correlation over places of a channel with itself one timestep later, and
        `other`, that with other channels at the same timestep: means over timesteps, channels and
        layers. Maps that are the same everywhere have none and are left out; a mean of nothing is
        left out of the result.
        """
        maps: dict[str, dict[str, Any]] = {}

        def see(number: int, _n: object, _c: Tensor, spikes: Tensor, _w: slice) -> None:
            _add(maps.setdefault(f"{number}", {}), "sum", spikes.double().sum(1))

        with self.falsified(network) as measured:
            look(measured, self.seen(samples), see)
        same, other = [], []
        for layer in maps.values():
            one, two = alike(layer["sum"].flatten(2), rotated=self.rotated)
            same += one
            other += two
        means = {"same": same, "other": other}
        return {name: sum(values) / len(values) for name, values in means.items() if values}


def alike(maps: Tensor, *, rotated: bool = False) -> tuple[list[float], list[float]]:
    """Correlations of maps (T, C, P) with themselves at t + 1, and with others at t."""
    if rotated:
        maps = torch.stack([step.roll(t, 0) for t, step in enumerate(maps)])
    centred = maps - maps.mean(-1, keepdim=True)
    norms = centred.norm(dim=-1)
    varies = norms > 1e-9 * (1 + maps.abs().amax(-1))
    unit = centred / norms.clamp_min(1e-30)[..., None]
    following = (unit[:-1] * unit[1:]).sum(-1)[varies[:-1] & varies[1:]]
    beside = unit @ unit.transpose(-1, -2)
    pairs = varies[:, :, None] & varies[:, None, :]
    pairs &= ~torch.eye(maps.shape[1], dtype=torch.bool, device=maps.device)
    return following.tolist(), beside[pairs].tolist()


@dataclass(frozen=True, kw_only=True)
class MapMeasurement(Falsified):
    """Mean maps of features over recordings, for pictures.

    Attributes:
        layer: Number of the convolution.
        timestep: Which.
    """

    name: ClassVar[str] = "yao2023-maps"
    layer: int
    timestep: int

    def take(
        self, network: nn.Module, samples: Samples, partners: Sequence[nn.Module]
    ) -> dict[str, Any]:
        """See `Measurement.take`; gives `maps`, C of H rows of W."""
        sums: dict[str, Any] = {}

        def see(number: int, _n: object, _c: Tensor, spikes: Tensor, _w: slice) -> None:
            if number == self.layer:
                _add(sums, "maps", spikes[self.timestep].double().sum(0))

        with self.falsified(network) as measured:
            look(measured, self.seen(samples), see)
        return {"maps": (sums["maps"] / len(samples)).tolist()}


@dataclass(frozen=True, kw_only=True)
class HalfMeasurement(Measurement):
    """Accuracy on either half of the recordings: one to choose by, one to judge."""

    name: ClassVar[str] = "yao2023-halves"
    split: Split = "test"

    def take(
        self, network: nn.Module, samples: Samples, partners: Sequence[nn.Module]
    ) -> dict[str, Any]:
        """See `Measurement.take`.

        Gives `chosen_by` and `judged_by`, percent; every second recording is of either.
        """
        inputs, labels = samples.presented(samples.inputs), samples.labels
        chosen, judged = (
            accuracy(
                network,
                list(zip(*(torch.split(v[k::2], BATCH) for v in (inputs, labels)), strict=True)),
            )
            for k in (0, 1)
        )
        return {"chosen_by": chosen, "judged_by": judged}
