"""The convolutional networks of the release, which see frames of events.

A layer is a 3×3 convolution, batch normalisation (BN), the module that scales currents, and
neurons, with average pooling after BN or max pooling after the neurons where it has some. Dense
layers of neurons follow, the last of which are read out. BN takes its statistics over time and
batch together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from claims.yao2023.attention import Attention
from claims.yao2023.neurons import Neuron, neurons
from tic.audit import Architecture, Facts, TicError
from tic.models.convolution import Convolution
from tic.models.network import over_time

Untied = Literal["time", "space"]


class _Charge(torch.autograd.Function):
    """Read-outs as they are; their loss then has c times the firing rate beside it."""

    @staticmethod
    def forward(ctx: Any, readouts: Tensor, rate: Tensor, charge: float) -> Tensor:
        ctx.charge = charge
        return readouts.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        return gradient, gradient.new_tensor(ctx.charge), None


class StepNorm(nn.Module):
    """BN of every timestep by itself, with weights and statistics of its own."""

    def __init__(self, timesteps: int, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(timesteps * channels)

    def forward(self, currents: Tensor) -> Tensor:
        """Normalise currents (T, B, C, H, W)."""
        steps, batch, channels, *place = currents.shape
        joined = currents.transpose(0, 1).reshape(batch, steps * channels, *place)
        normal: Tensor = self.norm(joined)
        return normal.view(batch, steps, channels, *place).transpose(0, 1)


class JointNorm(nn.BatchNorm2d):
    """BN of all timesteps together."""

    def forward(self, input: Tensor) -> Tensor:
        """Normalise currents (T, B, C, H, W)."""
        return over_time(super().forward, input)  # type: ignore[arg-type]  # any callable will do


class EventNetwork(nn.Module):
    """Maps frames (B, T, 2, H, W) to read-outs (T, B, K), the spikes of the last layer.

    Layers have the names `conv.0`, `norm.0`, `scale.0`, `neuron.0` and so on; dense ones go on with
    `dense.0` and the next `neuron`.

    Args:
        design: Its architecture.
        facts: Shape of the frames and number of classes.
        timesteps: Number of frames T.
    """

    def __init__(self, design: Frames, facts: Facts, timesteps: int) -> None:
        super().__init__()
        self.timesteps, self.charge, self.votes = timesteps, design.charge, design.votes
        _, inputs, *place = facts.shape
        self.conv, self.norm, self.pool, self.scale = (nn.ModuleList() for _ in range(4))
        self.neuron, self.spike_pool, self.drop = (nn.ModuleList() for _ in range(3))
        self.bias = nn.ParameterList()
        for number, outputs in enumerate(design.channels):
            self.conv.append(Convolution(inputs, outputs, 3, padding=1, bias=design.biased))
            self.norm.append(
                StepNorm(timesteps, outputs) if design.untied == "time" else JointNorm(outputs)
            )
            if design.untied == "space":
                self.bias.append(nn.Parameter(torch.zeros(outputs, *place)))
            pooled = number in design.pooled
            currents = pooled and design.pooling == "average"
            spikes = pooled and design.pooling == "max"
            self.pool.append(nn.AvgPool2d(2) if currents else nn.Identity())
            self.spike_pool.append(nn.MaxPool2d(2) if spikes else nn.Identity())
            place = [side // 2 for side in place] if pooled else place
            self.scale.append(
                design.attention.build(timesteps, outputs) if design.attention else nn.Identity()
            )
            self.neuron.append(neurons(design.neuron, design.threshold))
            self.drop.append(nn.Dropout(design.dropout if number in design.dropped else 0))
            inputs = outputs
        features = inputs * place[0] * place[1]
        self.dense = nn.ModuleList()
        for width in (*design.hidden, facts.num_classes * design.votes):
            self.dense.append(nn.Linear(features, width))
            self.neuron.append(neurons(design.neuron, design.threshold))
            features = width
        self.dense_drop = nn.Dropout(design.dropout)
        for norm in self.norm:
            inner = norm.norm if isinstance(norm, StepNorm) else norm
            assert isinstance(inner, nn.BatchNorm2d)
            nn.init.constant_(inner.weight, design.gain)

    def forward(self, frames: Tensor) -> Tensor:
        """Classify frames of events; see the class."""
        if frames.dim() != 5 or frames.shape[1] != self.timesteps:
            raise TicError(
                f"frames must be (B, T, 2, H, W) with T={self.timesteps}, the network's timesteps, "
                f"got shape {tuple(frames.shape)}"
            )
        spikes, fired, neurons = frames.transpose(0, 1), [], 0
        for number, conv in enumerate(self.conv):
            currents = self.norm[number](over_time(conv, spikes))
            if len(self.bias):
                currents = currents + self.bias[number]
            currents = self.scale[number](over_time(self.pool[number], currents))
            spikes = self.neuron[number](currents)
            fired.append(spikes)
            spikes = self.drop[number](over_time(self.spike_pool[number], spikes))
        spikes = spikes.flatten(2)
        for number, dense in enumerate(self.dense):
            spikes = self.neuron[len(self.conv) + number](dense(self.dense_drop(spikes)))
            fired.append(spikes)
        readouts = spikes.reshape(*spikes.shape[:2], -1, self.votes).mean(3)
        if self.training and self.charge:
            neurons = sum(part.numel() for part in fired)
            rate = sum((part.sum() for part in fired), start=readouts.new_zeros(())) / neurons
            charged: Tensor = _Charge.apply(readouts, rate, self.charge)
            return charged
        return readouts

    def neuron_layers(self) -> tuple[str, ...]:
        """Names of the layers of neurons, from the input on."""
        return tuple(f"neuron.{number}" for number in range(len(self.neuron)))

    def given_spikes(self) -> tuple[str, ...]:
        """Names of the layers with weights that spikes reach: the first is given frames."""
        convolutions = (f"conv.{number}" for number in range(1, len(self.conv)))
        return (*convolutions, *(f"dense.{number}" for number in range(len(self.dense))))

    def convolutional(self) -> tuple[str, ...]:
        """Names of those behind a convolution."""
        return self.neuron_layers()[: len(self.conv)]


@dataclass(frozen=True)
class Frames(Architecture):
    """A convolutional network on frames of events; as it is by default, the three-layer one.

    Attributes:
        channels: Of the convolutions.
        pooled: Numbers of the convolutions with 2×2 pooling.
        pooling: The `average` of currents after BN, or the `max` of spikes after the neurons.
        hidden: Neurons of the dense layers before the last.
        biased: Whether convolutions have a bias.
        neuron: Which neurons.
        threshold: Their θ.
        dropout: Of spikes.
        dropped: Numbers of the convolutions whose spikes are dropped before the next convolution;
            what goes into dense layers always is.
        votes: Neurons per class in the last layer, whose mean is read out.
        attention: What scales currents between BN and neurons; nothing without it.
        gain: γ of BN, at the beginning.
        untied: What is not shared: BN over `time`, or a bias over `space`.
        charge: c, by which the loss grows with the firing rate of all neurons.

    Raises:
        TicError: A field is out of its range.
    """

    channels: tuple[int, ...] = (64, 128, 128)
    pooled: tuple[int, ...] = (1, 2)
    pooling: Literal["average", "max"] = "average"
    hidden: tuple[int, ...] = (256,)
    biased: bool = True
    neuron: Neuron = "lif"
    threshold: float = 0.3
    dropout: float = 0.1
    dropped: tuple[int, ...] = (1,)
    votes: int = 1
    attention: Attention | None = None
    gain: float = 1.0
    untied: Untied | None = None
    charge: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("channels", "hidden"):
            if not all(width > 0 for width in getattr(self, name)) or not self.channels:
                raise TicError(f"{name} must be at least 1 each, got {getattr(self, name)}")
        if not 0 <= self.dropout < 1:
            raise TicError(f"dropout must be in [0, 1), got {self.dropout:g}")
        for name in ("threshold", "gain", "votes"):
            if not getattr(self, name) > 0:
                raise TicError(f"{name} must be above 0, got {getattr(self, name):g}")
        if not self.charge >= 0:
            raise TicError(f"charge must be at least 0, got {self.charge:g}")

    @property
    def label(self) -> str:
        """See `Kind.label`."""
        parts = [f"{self.neuron}{len(self.channels)}-w{self.channels[0]}"]
        parts += [self.attention.label] if self.attention else []
        parts += [f"theta{self.threshold:g}"] if self.threshold not in (0.3, 1.0) else []
        parts += [f"gain{self.gain:g}"] if self.gain != 1 else []
        parts += [f"untied-{self.untied}"] if self.untied else []
        parts += [f"charge{self.charge:g}"] if self.charge else []
        return "-".join(parts)

    def build(self, facts: Facts, timesteps: int) -> EventNetwork:
        """See `Architecture.build`.

        Raises:
            TicError: The data set is none of frames of events, or they are too small to be pooled.
        """
        if len(facts.shape) != 4 or facts.shape[0] != timesteps:
            raise TicError(
                f"{self.name} needs frames (T, 2, H, W) with T={timesteps}, got {facts.name}, "
                f"whose {facts.noun} have the shape {facts.shape}"
            )
        if min(facts.shape[2:]) >> len(self.pooled) < 1:
            raise TicError(
                f"{facts.shape[2]} × {facts.shape[3]} cells cannot be halved {len(self.pooled)} "
                "times; pool less"
            )
        return EventNetwork(self, facts, timesteps)

    def operations(self, facts: Facts, timesteps: int) -> int:
        """Count convolutions and matrix products, a multiplication and an addition as two."""
        _, inputs, *place = facts.shape
        forward, first = 0, 0
        for number, outputs in enumerate(self.channels):
            forward += place[0] * place[1] * 9 * inputs * outputs
            first = first or forward
            place = [side // 2 for side in place] if number in self.pooled else place
            inputs = outputs
        features = inputs * place[0] * place[1]
        for width in (*self.hidden, facts.num_classes * self.votes):
            forward += features * width
            features = width
        # Backward goes to weights and inputs, but not to the frames.
        return 2 * timesteps * (3 * forward - first)
