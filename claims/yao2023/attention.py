"""What scales currents between normalisation and neuron: the paper's module, and simpler ones.

The paper's, as the release computes it, on currents X of the shape (T, B, C, H, W):

    M = (½ + α) mean_HW X + (½ + β) max_HW X                    (T, B, C)
    M ← W₂ relu(W₁ M), over T                                   (T, B, C)
    a feature (t, c) is in the one group if it is among the λC largest of its timestep or among the
    λT largest of its channel, but not in both, and in the other group otherwise
    of each group the sum over its features, divided by λTC or (1 - λ)TC, and the maximum, where a
    feature of the other group counts as 0                      (B, 2, H, W)
    each to a map by a 3×3 convolution and a sigmoid            (B, 1, H, W)
    X times the map of its group.

α, β, W₁ and W₂ act through the ranks alone, so that no gradient reaches them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from tic.audit import TicError
from tic.kinds import Kind

Ranking = Literal["sample", "batch", "straight-through", "random"]
Together = Literal["one", "both"]


class Attention(Kind, ABC):
    """What scales the currents of a layer; a subclass is a frozen dataclass."""

    @abstractmethod
    def build(self, timesteps: int, channels: int) -> nn.Module:
        """Make the module of a layer: it maps currents (T, B, C, H, W) to such."""


def _mapping(size: int, reduction: int) -> nn.Module:
    if reduction == 1:
        return nn.Linear(size, size, bias=False)
    inner = max(1, size // reduction)
    return nn.Sequential(
        nn.Linear(size, inner, bias=False), nn.ReLU(), nn.Linear(inner, size, bias=False)
    )


def largest(scores: Tensor, count: int, dim: int) -> Tensor:
    """Whether a score is among so many largest along an axis; the same shape."""
    places = scores.topk(count, dim).indices
    return torch.zeros_like(scores, dtype=torch.bool).scatter_(dim, places, True)


class SplitModule(nn.Module):
    """The paper's module on one layer; see this file's docstring.

    `products` says how many products of a current with a map one sample takes.
    """

    def __init__(self, attention: SplitAttention, timesteps: int, channels: int) -> None:
        super().__init__()
        self.share, self.ranking = attention.share, attention.ranking
        self.together = attention.together
        self.alpha, self.beta = (nn.Parameter(torch.tensor(0.5)) for _ in range(2))
        self.mapping = _mapping(timesteps, attention.reduction)
        self.conv1, self.conv2 = (nn.Conv2d(2, 1, 3, padding=1, bias=False) for _ in range(2))
        if self.ranking == "random":
            features = timesteps * channels
            drawn = torch.rand(features).argsort() < round(self.share * features)
            self.register_buffer("drawn", drawn.view(timesteps, 1, channels))

    def scores(self, currents: Tensor) -> Tensor:
        """M of currents (T, B, C, H, W), shape (T, B, C)."""
        mean, most = currents.mean((-2, -1)), currents.amax((-2, -1))
        pooled = (0.5 + self.alpha) * mean + (0.5 + self.beta) * most
        scores: Tensor = self.mapping(pooled.movedim(0, -1)).movedim(-1, 0)
        return scores

    def important(self, currents: Tensor) -> Tensor:
        """1 for each feature of the one group and 0 for the others, shape (T, B, C)."""
        if self.ranking == "random":
            drawn: Tensor = self.get_buffer("drawn")
            return drawn.to(currents.dtype).expand(currents.shape[:3])
        with torch.set_grad_enabled(self.ranking == "straight-through" and self.training):
            scores = self.scores(currents)
        steps, _, channels = scores.shape
        by_timestep = largest(scores, int(self.share * channels), 2)
        by_channel = largest(scores, int(self.share * steps), 0)
        if self.ranking == "batch":
            by_timestep = by_timestep.any(1, keepdim=True).expand(scores.shape)
            by_channel = by_channel.any(1, keepdim=True).expand(scores.shape)
        joined = by_timestep & by_channel if self.together == "both" else by_timestep ^ by_channel
        chosen = joined.to(currents.dtype)
        if not scores.requires_grad:
            return chosen
        soft = scores.sigmoid()
        return chosen + soft - soft.detach()

    def forward(self, currents: Tensor) -> Tensor:
        """Scale currents (T, B, C, H, W)."""
        chosen = self.important(currents)
        features = chosen[:, 0].numel()
        one = currents * chosen[..., None, None]
        other = currents - one
        first = _as_map(self.conv1, one, self.share * features)
        second = _as_map(self.conv2, other, (1 - self.share) * features)
        return one * first + other * second

    def products(self, currents: Tensor) -> int:
        """Products of a current with a map that one sample takes."""
        return currents[:, 0].numel()


class _Largest(torch.autograd.Function):
    """The maximum over timesteps and channels, (T, B, C, H, W) to (B, H, W).

    Values and gradients, which equal ones share, are those of `amax`. On a CPU that reads across
    both axes at once and counts what is equal in integers, which takes several times as long.
    """

    @staticmethod
    def forward(ctx: Any, currents: Tensor) -> Tensor:
        most = currents.amax(0).amax(1)
        ctx.save_for_backward(currents, most)
        return most

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Any:
        currents, most = ctx.saved_tensors
        equal = torch.eq(currents, most[None, :, None], out=torch.empty_like(currents))
        return equal.mul_((gradient / _summed(equal))[None, :, None])


def _summed(currents: Tensor) -> Tensor:
    """Sum over timesteps and channels, one after the other, which is faster; (B, H, W)."""
    return currents.sum(0).sum(1)


def _as_map(conv: nn.Module, currents: Tensor, features: float) -> Tensor:
    """Make of currents (T, B, C, H, W) a scale for all timesteps and channels, (B, 1, H, W).

    Args:
        conv: Maps the mean and the maximum to it.
        currents: Whose sum, divided by `features`, is the mean.
        features: How many they are, each (t, c) counted once.
    """
    most: Tensor = _Largest.apply(currents)
    scale: Tensor = conv(torch.stack([_summed(currents) / features, most], 1)).sigmoid()
    return scale


@dataclass(frozen=True)
class SplitAttention(Attention):
    """The paper's module: two maps, one of each group of features.

    Attributes:
        share: λ, of features that are ranked high.
        reduction: r, by which the mapping over T is narrower inside.
        ranking: Of every `sample` by itself; over the whole `batch`, as the release writes the
            choices of all samples into each; with `straight-through` gradients; or a `random`
            split, fixed when the network is made, that holds the share λ of the features.
        together: Whether the one group holds features that are high in `one` sense, not in both, as
            in the release, or in `both`.

    Raises:
        TicError: A number is out of its range.
    """

    share: float = 0.5
    reduction: int = 4
    ranking: Ranking = "sample"
    together: Together = "one"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.share < 1:
            raise TicError(f"share must be in (0, 1), got {self.share:g}")
        if self.reduction < 1:
            raise TicError(f"reduction must be at least 1, got {self.reduction}")

    @property
    def label(self) -> str:
        """See `Kind.label`."""
        parts = ["asa"]
        parts += [f"share{self.share:g}"] if self.share != SplitAttention.share else []
        parts += [self.ranking] if self.ranking != "sample" else []
        parts += [self.together] if self.together != "one" else []
        return "-".join(parts)

    def build(self, timesteps: int, channels: int) -> SplitModule:
        """See `Attention.build`.

        Raises:
            TicError: λ leaves no timestep or no channel.
        """
        if min(int(self.share * timesteps), int(self.share * channels)) < 1:
            raise TicError(
                f"a share of {self.share:g} leaves none of {timesteps} timesteps or {channels} "
                "channels; raise it"
            )
        return SplitModule(self, timesteps, channels)


class MapModule(nn.Module):
    """One map for all features: X · σ(conv(mean_TC X, max_TC X))."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 3, padding=1, bias=False)

    def forward(self, currents: Tensor) -> Tensor:
        """Scale currents (T, B, C, H, W)."""
        return currents * _as_map(self.conv, currents, currents[:, 0, :, 0, 0].numel())

    def products(self, currents: Tensor) -> int:
        """See `SplitModule.products`."""
        return currents[:, 0].numel()


@dataclass(frozen=True)
class SingleMap(Attention):
    """One map instead of two, and nothing is ranked."""

    @property
    def label(self) -> str:
        """See `Kind.label`."""
        return "map"

    def build(self, timesteps: int, channels: int) -> MapModule:
        """See `Attention.build`."""
        return MapModule()


class ScaleModule(nn.Module):
    """X times one number, σ(w); a learned one begins with ½, where σ(0) is."""

    def __init__(self, scale: float | None) -> None:
        super().__init__()
        self.scale = scale or 0.5
        self.weight = nn.Parameter(torch.zeros(())) if scale is None else None

    def forward(self, currents: Tensor) -> Tensor:
        """Scale currents (T, B, C, H, W)."""
        if self.weight is None:
            return currents * self.scale
        return currents * self.weight.sigmoid()


@dataclass(frozen=True)
class ConstantScale(Attention):
    """The same number for every current.

    I → s·I is a threshold of θ/s with a surrogate window of w/s.

    Attributes:
        scale: s, above 0.

    Raises:
        TicError: It is not.
    """

    scale: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.scale > 0:
            raise TicError(f"scale must be above 0, got {self.scale:g}")

    @property
    def label(self) -> str:
        """See `Kind.label`."""
        return f"scale{self.scale:g}"

    def build(self, timesteps: int, channels: int) -> ScaleModule:
        """See `Attention.build`."""
        return ScaleModule(self.scale)


@dataclass(frozen=True)
class LearnedScale(Attention):
    """One trained number per layer, a sigmoid that begins with ½."""

    @property
    def label(self) -> str:
        """See `Kind.label`."""
        return "learned"

    def build(self, timesteps: int, channels: int) -> ScaleModule:
        """See `Attention.build`."""
        return ScaleModule(None)


class ExcitationModule(nn.Module):
    """X · σ(W₂ relu(W₁ m)), with m the mean of X over all axes but one, channels or timesteps."""

    def __init__(self, over: Literal["channels", "timesteps"], size: int, reduction: int) -> None:
        super().__init__()
        self.axis = 2 if over == "channels" else 0
        self.mapping = _mapping(size, reduction)

    def forward(self, currents: Tensor) -> Tensor:
        """Scale currents (T, B, C, H, W)."""
        others = [axis for axis in (0, 2, 3, 4) if axis != self.axis]
        means = currents.mean(others)  # (B, C), or (T, B)
        if self.axis == 2:
            scale: Tensor = self.mapping(means).sigmoid()[None, :, :, None, None]
        else:
            scale = self.mapping(means.T).sigmoid().T[:, :, None, None, None]
        return currents * scale

    def products(self, currents: Tensor) -> int:
        """See `SplitModule.products`."""
        return currents[:, 0].numel()


@dataclass(frozen=True)
class Excitation(Attention):
    """Squeeze and excitation, over channels or over timesteps.

    Attributes:
        over: Which.
        reduction: By which the mapping is narrower inside.

    Raises:
        TicError: It is below 1.
    """

    over: Literal["channels", "timesteps"] = "channels"
    reduction: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.reduction < 1:
            raise TicError(f"reduction must be at least 1, got {self.reduction}")

    @property
    def label(self) -> str:
        """See `Kind.label`."""
        return f"se-{self.over}"

    def build(self, timesteps: int, channels: int) -> ExcitationModule:
        """See `Attention.build`."""
        size = channels if self.over == "channels" else timesteps
        return ExcitationModule(self.over, size, self.reduction)
