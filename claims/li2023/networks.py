"""The pre-activation residual family of the release, with spiking or ordinary neurons.

Three stages of n blocks, 6n + 2 layers: n = 3 is ResNet-20. A block is neuron, 3×3 convolution,
batch normalisation (BN), neuron, 3×3 convolution, BN, and a shortcut is added: the block's input,
or, where the shape changes, average pooling, 1×1 convolution and BN of the *activated* input. So
the identity shortcut carries currents, not spikes. BN takes its statistics over time and batch
together.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from claims.li2023.neurons import Kind, neurons
from tic.audit import Architecture, Facts, TicError
from tic.data import ImageFacts
from tic.models.convolution import Convolution
from tic.models.network import over_time

STAGES = 3
STEM, BRANCH, LAST, POOL = "stem", "branch", "last", "pool"


def layer_names(blocks: int) -> tuple[str, ...]:
    """Layers whose representations are compared, from the input on.

    Convolutions are left out: what follows differs from them by a map per channel.
    """
    inner = ("first", "norm", "second", BRANCH)
    inside = (
        name
        for number in range(blocks)
        for name in (*(f"blocks.{number}.{part}" for part in inner), f"blocks.{number}")
    )
    return (STEM, *inside, LAST, POOL)


def block_names(blocks: int) -> tuple[str, ...]:
    """Outputs of the blocks, after the sum."""
    return tuple(f"blocks.{number}" for number in range(blocks))


def spikes_after(blocks: int) -> tuple[str, ...]:
    """Layers of neurons that the outputs of the blocks are given to."""
    return (*(f"blocks.{number}.first" for number in range(1, blocks)), LAST)


class Block(nn.Module):
    """A pre-activation block; (T, B, C, H, W) in and out."""

    def __init__(self, inputs: int, outputs: int, stride: int, design: PreActivation) -> None:
        super().__init__()
        self.first = neurons(design.neuron, design.leak)
        self.conv1 = Convolution(inputs, outputs, 3, stride, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.second = neurons(design.neuron, design.leak)
        self.conv2 = Convolution(outputs, outputs, 3, 1, padding=1, bias=False)
        self.branch = nn.BatchNorm2d(outputs)
        self.shortcut: nn.Module | None = None
        self.shortcuts, self.rectified = design.shortcuts, design.rectified_shortcut
        if design.shortcuts and (stride != 1 or inputs != outputs):
            self.shortcut = nn.Sequential(
                nn.AvgPool2d(stride),
                nn.Conv2d(inputs, outputs, 1, bias=False),
                nn.BatchNorm2d(outputs),
            )

    def forward(self, currents: Tensor) -> Tensor:
        """Map currents of the previous block to those of this one."""
        active = self.first(currents)
        hidden = over_time(self.norm, over_time(self.conv1, active))
        output = over_time(self.branch, over_time(self.conv2, self.second(hidden)))
        if not self.shortcuts:
            return output
        if self.shortcut is not None:
            return output + over_time(self.shortcut, active)
        return output + (active if self.rectified else currents)


class PreActivationNetwork(nn.Module):
    """Maps images (B, C, H, W), or frames (B, T, C, H, W), to logits (T, B, K).

    An image is normalised and passed through the stem once, and its current is the same at every
    timestep (direct encoding). Frames are shown one per timestep.

    Attributes:
        timesteps: T, which may be set for images.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, design: PreActivation, facts: Facts, timesteps: int) -> None:
        super().__init__()
        self.timesteps, self.frames = timesteps, len(facts.shape) == 4
        channels, widths = facts.shape[-3], [design.width * 2**stage for stage in range(STAGES)]
        mean, std = (facts.mean, facts.std) if isinstance(facts, ImageFacts) else ((0.0,), (1.0,))
        self.register_buffer("mean", torch.tensor(mean).view(-1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(-1, 1, 1), persistent=False)
        self.stem = nn.Sequential(
            Convolution(channels, widths[0], 3, 1, padding=1, bias=False),
            nn.BatchNorm2d(widths[0]),
        )
        blocks, inputs = [], widths[0]
        for stage, outputs in enumerate(widths):
            for place in range(design.depth):
                stride = 2 if stage and not place else 1
                blocks.append(Block(inputs, outputs, stride, design))
                inputs = outputs
        self.blocks = nn.Sequential(*blocks)
        self.last = neurons(design.neuron, design.leak)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(inputs, facts.num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, inputs: Tensor) -> Tensor:
        """Classify images or frames; see the class."""
        if self.frames:
            if inputs.shape[1] != self.timesteps:
                raise TicError(
                    f"frames must be (B, T, C, H, W) with T={self.timesteps}, the network's "
                    f"timesteps, got shape {tuple(inputs.shape)}"
                )
            currents = over_time(self.stem, inputs.transpose(0, 1))
        else:
            encoded = self.stem((inputs - self.mean) / self.std)
            currents = encoded.expand(self.timesteps, *encoded.shape)
        pooled = over_time(self.pool, self.last(self.blocks(currents)))
        return over_time(self.classifier, pooled.flatten(2))


@dataclass(frozen=True)
class PreActivation(Architecture):
    """A pre-activation residual network.

    Attributes:
        depth: Blocks n of each of the three stages.
        width: Channels of the first stage; the others have twice and four times as many.
        neuron: Spiking neurons, or ordinary ones, which see every timestep by itself.
        leak: Of the spiking neurons.
        shortcuts: Whether blocks have them.
        rectified_shortcut: Whether the identity shortcut carries the activated input.

    Raises:
        TicError: A field is out of its range.
    """

    depth: int = 3
    width: int = 16
    neuron: Kind = "spiking"
    leak: float = 0.5
    shortcuts: bool = True
    rectified_shortcut: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("depth", "width"):
            if getattr(self, name) < 1:
                raise TicError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not 0 <= self.leak <= 1:
            raise TicError(f"leak must be in [0, 1], got {self.leak:g}")

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return STAGES * self.depth

    @property
    def label(self) -> str:
        """See `Kind.label`."""
        spiking = self.neuron == "spiking"
        leak = f"-leak{self.leak:g}" if spiking and self.leak != PreActivation.leak else ""
        plain = "" if self.shortcuts else "-plain"
        rectified = "-rectified" if self.rectified_shortcut else ""
        kind = "snn" if spiking else "ann"
        return f"{kind}{6 * self.depth + 2}-w{self.width}{leak}{plain}{rectified}"

    def build(self, facts: Facts, timesteps: int) -> PreActivationNetwork:
        """See `Architecture.build`.

        Raises:
            TicError: The data set is neither one of images nor one of frames.
        """
        if len(facts.shape) not in (3, 4):
            raise TicError(
                f"{self.name} needs images (C, H, W) or frames (T, C, H, W), got {facts.name}, "
                f"whose {facts.noun} have the shape {facts.shape}"
            )
        return PreActivationNetwork(self, facts, timesteps)
