"""How much a network fires: spikes by layer, channel and timestep, and rates of them.

A firing rate is spikes over chances to spike: neurons × timesteps × samples. That of a network
counts every neuron once, so that a layer weighs as much as it has neurons.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from spikingjelly.activation_based import surrogate
from torch import Tensor, nn

from tic.arrays import real_number
from tic.errors import TicError
from tic.measure.activations import Watch, device_of
from tic.measure.batches import Loader, labelled_batches
from tic.neurons import LIF
from tic.text import quoted

_WHOLE_IN_FLOAT32 = 2**24
"""Up to here float32 has every whole number."""


@dataclass(frozen=True, eq=False)
class LayerFiring:
    """Spikes of a layer of neurons, summed over samples and places.

    Attributes:
        spikes: Shape (T, C), by timestep and channel; of a dense layer a channel is a neuron.
        places: Neurons of a channel.
        samples: Number of samples N.
    """

    spikes: Tensor
    places: int
    samples: int

    @property
    def neurons(self) -> int:
        """Number of neurons."""
        return self.spikes.shape[1] * self.places

    @property
    def chances(self) -> int:
        """Neurons × timesteps × samples."""
        return self.spikes.numel() * self.places * self.samples

    @property
    def rate(self) -> float:
        """Spikes per neuron and timestep."""
        return float(self.spikes.sum()) / self.chances

    @property
    def features(self) -> Tensor:
        """The rate of every channel at every timestep, shape (T, C)."""
        return self.spikes / (self.places * self.samples)

    @property
    def by_timestep(self) -> Tensor:
        """The rate at every timestep, shape (T,)."""
        return self.features.mean(1)

    @property
    def by_channel(self) -> Tensor:
        """The rate of every channel, shape (C,)."""
        return self.features.mean(0)


@dataclass(frozen=True, eq=False)
class Firing:
    """Spikes of a network.

    Attributes:
        layers: By name, from the input on.
    """

    layers: Mapping[str, LayerFiring]

    @property
    def rate(self) -> float:
        """Network average spiking firing rate: all spikes over all chances to spike."""
        chances = sum(layer.chances for layer in self.layers.values())
        return sum(float(layer.spikes.sum()) for layer in self.layers.values()) / chances

    @property
    def layer_mean(self) -> float:
        """Mean of the layers' rates, in which small layers weigh as much as large ones."""
        return sum(layer.rate for layer in self.layers.values()) / len(self.layers)

    @property
    def spikes_per_sample(self) -> float:
        """Spikes of all neurons over all timesteps that one sample brings about."""
        return sum(float(layer.spikes.sum()) / layer.samples for layer in self.layers.values())


def firing(network: nn.Module, loader: Loader, layers: Sequence[str]) -> Firing:
    """Count the spikes of layers of neurons.

    Args:
        network: Any whose neurons emit 0 and 1; measured in evaluation mode, and left as it was
            found.
        loader: Batches of inputs (B, …) and labels (B,).
        layers: Names of the layers of neurons, as `named_modules` has them.

    Raises:
        TicError: The loader gives no samples or something else than batches (inputs, labels), a
            layer is none, or gives out something else than 0 and 1.
    """
    sums: dict[str, Tensor] = {}
    places: dict[str, int] = {}
    samples = 0
    watch = Watch(network, layers)
    steps_alone = {name for name in layers if _gives_steps_alone(network.get_submodule(name))}

    for batch in labelled_batches(loader, device_of(network)):
        by_step: dict[str, list[Tensor]] = {}

        def count(
            name: str, _first: int, spikes: Tensor, kept: dict[str, list[Tensor]] = by_step
        ) -> None:
            if name not in steps_alone:
                require_spikes(name, spikes)
            flat = spikes.flatten(3) if spikes.dim() > 3 else spikes.unsqueeze(-1)
            if spikes.dim() == 2:  # one neuron
                flat = spikes[..., None, None]
            places[name] = flat.shape[3]
            kept.setdefault(name, []).append(_spikes(flat))

        watch.over(batch.inputs, count)
        samples += len(batch)
        for name, steps in by_step.items():
            joined = torch.cat(steps).cpu()
            sums[name] = sums[name] + joined if name in sums else joined
    return Firing(
        {name: LayerFiring(spikes, places[name], samples) for name, spikes in sums.items()}
    )


def _gives_steps_alone(layer: nn.Module) -> bool:
    """Whether a layer can give out nothing but 0 and 1: to look takes longer than to count."""
    # A hook may return something else than the layer does.
    is_plain = type(layer) is LIF and type(layer.spike) is surrogate.ATan
    return is_plain and not layer._forward_hooks


def _spikes(emitted: Tensor) -> Tensor:
    """Count the ones in (T, B, C, places) by timestep and channel, (T, C), float64."""
    # Sums of so few are whole numbers that float32 holds, and is added several times as fast.
    whole = emitted.shape[1] * emitted.shape[3] < _WHOLE_IN_FLOAT32
    return emitted.sum((1, 3), dtype=torch.float32 if whole else torch.float64).double()


def require_spikes(name: str, values: Tensor) -> None:
    """Refuse what a layer gives out if it is not all 0 and 1.

    Raises:
        TicError: It is not.
    """
    # In fewer passes over memory than to compare with 0 and with 1.
    if not torch.equal(values.bool().to(values.dtype), values):
        wrong = (values != 0) & (values != 1)
        got = real_number(float(values[wrong][0]), name="an output")
        raise TicError(
            f"layer {quoted(name)} must give out spikes, 0 or 1, got {got:g}; name layers of "
            "neurons"
        )
