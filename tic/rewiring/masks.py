"""Sparse training: which weights are live at first, and a mask of them that is held."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import torch
from torch import Tensor, nn

from tic.errors import TicError
from tic.fitting import Fit, Rule
from tic.pruning import prunable
from tic.rewiring.layer import SparseLayer
from tic.text import quoted

Signs = Literal["free", "synapse", "presynaptic"]


def live(network: nn.Module) -> dict[str, Tensor]:
    """Which weights are not 0, by name: the live ones of a network that was trained sparsely.

    After a training with `Rewiring(lagging=True)` those that died in the last step are among them.
    """
    return {name: weight.detach() != 0 for name, weight in prunable(network).items()}


@dataclass(frozen=True)
class SparseTraining(Rule, ABC):
    """A training in which a share of the weights of every layer is 0, at first drawn at random.

    Of one seed, the weights that are live at a higher sparsity are live at a lower one too, and the
    rules of this module begin with the same.

    Attributes:
        sparsity: Share s of the weights of each layer that is 0, in [0, 1).
        layers: Names of the layers; all of `tic.pruning.prunable` without any.

    Raises:
        TicError: The sparsity is out of its range.
    """

    sparsity: float
    layers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.sparsity < 1:
            raise TicError(f"sparsity must be in [0, 1), got {self.sparsity:g}")

    @property
    def held_signs(self) -> Signs:
        """What the signs of weights belong to."""
        return "free"

    @abstractmethod
    def act(self, fit: Fit, layer: SparseLayer) -> None:
        """Act on a layer after a step of the optimiser; see `SparseLayer.hold`."""

    def start(self, fit: Fit) -> None:
        """Draw which weights are live, and signs, and set the others to 0.

        Raises:
            TicError: A layer is not there, has no live weights or is ruled already.
        """
        weights = self.weights(fit.network)
        if taken := [name for name in weights if _live(name) in fit.tensors]:
            raise TicError(f"one rule alone must hold the mask of {taken[0]}, got two; name layers")
        for name, weight in weights.items():
            count = live_count(weight.numel(), self.sparsity)
            if not count:
                raise TicError(
                    f"a sparsity of {self.sparsity:g} leaves none of {weight.numel()} weights of "
                    f"{name}; lower it, or name the layers that it is meant for"
                )
            chosen = torch.randperm(weight.numel(), generator=fit.generator)[:count]
            mask = torch.zeros(weight.numel(), dtype=torch.bool)
            mask[chosen] = True
            fit.tensors[_live(name)] = mask.view(weight.shape).to(weight.device)
        for name, weight in weights.items():
            self._settle(fit, name, weight)

    @torch.no_grad()
    def _settle(self, fit: Fit, name: str, weight: Tensor) -> None:
        """Draw signs of a layer, and set its weights."""
        if self.held_signs == "presynaptic":
            layer = fit.network.get_submodule(name.removesuffix(".weight"))
            _require_one_group(layer, name)
            shape = [1] * weight.dim()
            presynaptic = 0 if getattr(layer, "transposed", False) else 1
            shape[presynaptic] = weight.shape[presynaptic]
            signs = _drawn_signs(tuple(shape), fit).to(weight.device).expand(weight.shape).clone()
            fit.tensors[_signs(name)] = signs
            weight.copy_(weight.abs() * signs)
        elif self.held_signs == "synapse":
            drawn = _drawn_signs(weight.shape, fit).to(weight.device)
            signs = torch.where(weight == 0, drawn, weight.sign().to(torch.int8))
            fit.tensors[_signs(name)] = signs
        self._layer(fit, name, weight).hold()

    def after_step(self, fit: Fit) -> None:
        """Act on every layer."""
        with torch.no_grad():
            for name, weight in self.weights(fit.network).items():
                self.act(fit, self._layer(fit, name, weight))

    def weights(self, network: nn.Module) -> dict[str, Tensor]:
        """Weights of the layers that are sparse, by name.

        Raises:
            TicError: A layer is not there.
        """
        known = prunable(network)
        wanted = [f"{layer}.weight" for layer in self.layers] or [*known]
        if unknown := [layer for layer in self.layers if f"{layer}.weight" not in known]:
            has = ", ".join(name.removesuffix(".weight") for name in known)
            raise TicError(
                f"layers must be convolutions or linear layers of the network, got "
                f"{quoted(unknown[0])}; it has {has}, of those that share weights the first"
            )
        return {name: known[name] for name in wanted}

    def _layer(self, fit: Fit, name: str, weight: Tensor) -> SparseLayer:
        return SparseLayer(name, weight, fit.tensors[_live(name)], fit.tensors.get(_signs(name)))


def live_count(weights: int, sparsity: float) -> int:
    """int((1 - s) N), with s as it is written: 0.9 of 10 leaves 1, where floats would leave 0."""
    return int((1 - Fraction(repr(sparsity))) * weights)


def _live(name: str) -> str:
    return f"sparse.live.{name}"


def _signs(name: str) -> str:
    return f"sparse.signs.{name}"


def _drawn_signs(shape: tuple[int, ...], fit: Fit) -> Tensor:
    return 2 * torch.randint(2, shape, generator=fit.generator, dtype=torch.int8) - 1


def _require_one_group(layer: nn.Module, name: str) -> None:
    groups = getattr(layer, "groups", 1)
    if groups != 1:
        raise TicError(
            f"signs of presynaptic units need a layer in which every input has its own weights, "
            f"got {groups} groups in {name}; take signs 'synapse', or name other layers"
        )


@dataclass(frozen=True)
class FixedMask(SparseTraining):
    """A random mask that is held all along.

    Attributes:
        signs: Whether weights keep their sign: they are `free`, or one sign belongs to each
            `synapse` or to each `presynaptic` unit. A weight that would change its sign then waits
            at 1e-12. Signs are those of the first weights, or drawn for presynaptic units.
    """

    signs: Signs = "free"

    @property
    def held_signs(self) -> Signs:
        """See `SparseTraining.held_signs`."""
        return self.signs

    def act(self, fit: Fit, layer: SparseLayer) -> None:
        """Hold the mask, and signs."""
        if layer.signs is not None:
            layer.weight.masked_fill_(layer.weight * layer.signs < 0, 0)
        layer.hold()
