"""Weights of a sparse layer: which are live, and how some die and as many are born."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from tic.errors import TicError

NEWBORN = 1e-12
"""Size of a weight whose synapse was just born."""


@dataclass
class SparseLayer:
    """Weights of a layer, as a rule acts on them.

    Attributes:
        name: Of the weights.
        weight: Shape (O, I, …).
        live: Mask of the live ones, the same shape.
        signs: -1 or 1 of every weight, the same shape; None where they are free.
    """

    name: str
    weight: Tensor
    live: Tensor
    signs: Tensor | None

    @property
    def gradient(self) -> Tensor:
        """Of the loss at all weights in the last step, dead ones too.

        Raises:
            TicError: The layer has none.
        """
        if self.weight.grad is None:
            raise TicError(
                f"regrowth by gradient needs one at {self.name}, got none; let the layer be "
                "trained, or take another regrowth"
            )
        return self.weight.grad

    @torch.no_grad()
    def hold(self, beside: Tensor | None = None) -> None:
        """Set dead weights to 0, except some, and live ones that are 0 to what newborns have."""
        newborn = NEWBORN * (1 if self.signs is None else self.signs.to(self.weight.dtype))
        kept = self.live if beside is None else self.live | beside
        held = torch.where(self.weight == 0, newborn, self.weight)
        self.weight.copy_(torch.where(kept, held, 0))

    @torch.no_grad()
    def replace(self, dying: Tensor, scores: Tensor, generator: torch.Generator) -> None:
        """Let synapses die, and as many of all dead ones live, those that just died too.

        Args:
            dying: Mask of live ones.
            scores: Of all synapses; the highest are born, and where they tie it is drawn which.
            generator: Of the draws.
        """
        self.live &= ~dying
        born = highest(scores, ~self.live, int(dying.sum()), generator)
        self.live |= born
        self.weight.masked_fill_(born, 0)


def highest(scores: Tensor, among: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Mask so many of some places, those of the highest scores; ties are broken by lot."""
    order = torch.randperm(scores.numel(), generator=generator).to(scores.device)
    drawn = order[among.flatten()[order]]
    best = scores.flatten()[drawn].argsort(descending=True, stable=True)[:count]
    chosen = torch.zeros_like(among.flatten())
    chosen[drawn[best]] = True
    return chosen.view_as(among)
