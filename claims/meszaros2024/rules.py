"""Masks that rivals need: one that has paths, and one that another training ended with.

All are per layer of synapses, `inner` and `outer`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from tic.audit import Fit, Rule, TicError
from tic.models import DelayedLinear
from tic.rewiring import live_count

Delaying = Literal["own", "permuted"]


def layers(network: nn.Module) -> dict[str, DelayedLinear]:
    """The layers of synapses by name, from the input on."""
    return {n: m for n, m in network.named_modules() if isinstance(m, DelayedLinear)}


class _HeldMask(Rule):
    """Base of rules that hold a mask which they draw or take at the start."""

    def after_step(self, fit: Fit) -> None:
        """Hold what is not in the mask at 0."""
        for name, layer in layers(fit.network).items():
            layer.weight.data.mul_(fit.tensors[f"held.{name}"])

    def _hold(self, fit: Fit, masks: dict[str, Tensor]) -> None:
        for name, layer in layers(fit.network).items():
            fit.tensors[f"held.{name}"] = masks[name].to(layer.weight)
        self.after_step(fit)


@dataclass(frozen=True)
class LinkedMask(_HeldMask):
    """A random mask in which every hidden neuron that is used has an input and an output.

    As many neurons as can be are used. Each gets one random synapse of either layer, and what is
    left is drawn among the synapses of the used ones.

    Attributes:
        sparsity: Share of the synapses of each layer that are held at 0, in (0, 1).

    Raises:
        TicError: It is out of its range.
    """

    sparsity: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.sparsity < 1:
            raise TicError(f"sparsity must be in (0, 1), got {self.sparsity:g}")

    @property
    def label(self) -> str:
        """See `Kind.label`."""
        return f"linked{self.sparsity:g}"

    def start(self, fit: Fit) -> None:
        """Draw the masks.

        Raises:
            TicError: The network has more than two layers, or no synapse is left.
        """
        made = layers(fit.network)
        if len(made) != 2:
            raise TicError(f"a linked mask needs two layers of synapses, got {len(made)}")
        (first, inner), (second, outer) = made.items()
        counts = [live_count(m.weight.numel(), self.sparsity) for m in (inner, outer)]
        hidden = inner.weight.shape[0]
        used = torch.randperm(hidden, generator=fit.generator)[: min(hidden, *counts)]
        if not len(used):
            raise TicError(f"a sparsity of {self.sparsity:g} leaves no synapse; lower it")
        # Rows are hidden neurons in both.
        masks = {
            first: _linked(inner.weight.shape[1], hidden, used, counts[0], fit.generator),
            second: _linked(outer.weight.shape[0], hidden, used, counts[1], fit.generator).T,
        }
        self._hold(fit, masks)


def _linked(
    partners: int, hidden: int, used: Tensor, count: int, generator: torch.Generator
) -> Tensor:
    """A mask (hidden, partners) of so many synapses, at least one for each used neuron."""
    scores = torch.zeros(hidden, partners)
    scores[used] = 1 + torch.rand(len(used), partners, generator=generator)
    firsts = torch.randint(partners, (len(used),), generator=generator)
    scores[used, firsts] = 3.0
    mask = torch.zeros(hidden * partners)
    mask[scores.flatten().topk(count).indices] = 1
    return mask.view(hidden, partners)


@dataclass(frozen=True)
class KeptMask(_HeldMask):
    """Begin anew from another training's final mask, with its delays and none of its weights.

    Weights are drawn again and BN begins again; the mask, which is where the parent's weights are
    not 0, is held.

    Attributes:
        delays: Of the live synapses: the parent's `own`, or those `permuted` among each layer's.
    """

    needs_parent: ClassVar[bool] = True

    delays: Delaying = "own"

    @property
    def label(self) -> str:
        """See `Kind.label`."""
        return f"kept-mask-{self.delays}"

    @torch.no_grad()
    def start(self, fit: Fit) -> None:
        """Take the masks, and begin anew."""
        masks = {name: layer.weight != 0 for name, layer in layers(fit.network).items()}
        for name, layer in layers(fit.network).items():
            live = masks[name]
            if self.delays == "permuted":
                kept = layer.delay[live]
                order = torch.randperm(len(kept), generator=fit.generator)
                layer.delay[live] = kept[order.to(kept.device)]
            # Torch's own generator is seeded for the start of every training.
            nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
        for module in fit.network.modules():
            if isinstance(module, nn.BatchNorm1d):
                module.reset_parameters()
        self._hold(fit, masks)
