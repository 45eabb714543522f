"""The Hilbert-Schmidt independence criterion (HSIC) with linear kernels, of many layers at once.

For features X (n, p) of n images, K = X Xᵀ is their Gram matrix. With H = 1 - 11ᵀ/n and K̃ the
matrix K with a diagonal of zeros,

    biased     tr(HKHL) / (n - 1)²                                        (Gretton et al. 2005)
    debiased   [tr(K̃L̃) + 1ᵀK̃1 1ᵀL̃1 / ((n-1)(n-2)) - 2/(n-2) 1ᵀK̃L̃1] / (n(n-3))
                                                                          (Song et al. 2012, Eq. 5)

and linear centred kernel alignment (CKA) is HSIC(K, L) / √(HSIC(K, K) HSIC(L, L)) (Kornblith et al.
2019). All that is needed of the Gram matrices are products of their entries and sums of their rows,
so they are taken block by block: memory grows linearly with the number of images, and not at all
with that of features.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_UNITS_OF_ROUNDING = 8
_NOTHING = 1e-12
"""Of the biased criterion, up to which the debiased one, a difference of such sums, is none.

That is what float32 leaves."""


@dataclass(frozen=True)
class Criteria:
    """HSIC of every pair of L layers, shape (L, L), float64; of batches they can be added.

    Attributes:
        debiased: Its expectation for independent layers is 0; it may be negative.
        biased: Not negative.
        by_chance: Mean of the biased one over all permutations of the images of one layer, which is
            what independent layers of this kind have.
    """

    debiased: Tensor
    biased: Tensor
    by_chance: Tensor

    def own(self, rounding: Tensor) -> Tensor:
        """Debiased HSIC of every layer with itself, shape (L,); 0 where it is only rounding.

        That is so where all images are the same but those that each differ in a direction of their
        own, as one-hot vectors do: no two of them have anything in common.

        Args:
            rounding: Relative size of a unit in the last place, shape (L,).
        """
        own = self.debiased.diagonal()
        return own.where(own > rounding.square().clamp(min=_NOTHING) * self.biased.diagonal(), 0.0)

    def __add__(self, other: Criteria) -> Criteria:
        return Criteria(
            self.debiased + other.debiased,
            self.biased + other.biased,
            self.by_chance + other.by_chance,
        )


class GramSums:
    """Gathers what HSIC needs of the Gram matrices of L layers, block by block.

    Args:
        layers: Number of layers L.
        images: Number of images n, at least 4.
        device: Where the sums lie.
    """

    def __init__(self, layers: int, images: int, device: torch.device) -> None:
        def zeros(*shape: int) -> Tensor:
            return torch.zeros(*shape, dtype=torch.float64, device=device)

        self.images = images
        self.products, self.on_diagonal = zeros(layers, layers), zeros(layers, layers)
        self.rows, self.diagonal = zeros(layers, images), zeros(layers, images)

    def add(self, blocks: Tensor, first: int, second: int) -> None:
        """Add one block of every Gram matrix.

        Blocks of the lower triangle are those of the upper one, and are not added.

        Args:
            blocks: Inner products (L, b, b'), float64; changed.
            first: Place of the first row.
            second: Place of the first column: the same, or at or after the end of the rows.
        """
        _, height, width = blocks.shape
        if first == second:
            diagonals = blocks.diagonal(dim1=1, dim2=2)
            self.on_diagonal += diagonals @ diagonals.mT
            self.diagonal[:, first : first + height] += diagonals
            diagonals.zero_()
        flat = blocks.flatten(1)
        self.products += (1 if first == second else 2) * (flat @ flat.mT)
        self.rows[:, first : first + height] += blocks.sum(2)
        if first != second:
            self.rows[:, second : second + width] += blocks.sum(1)

    def criteria(self) -> Criteria:
        """HSIC of every pair of layers, of what was added."""
        n, rows = self.images, self.rows
        total = rows.sum(1)
        debiased = self.products + torch.outer(total, total) / ((n - 1) * (n - 2))
        debiased = (debiased - 2 / (n - 2) * (rows @ rows.mT)) / (n * (n - 3))
        whole = rows + self.diagonal
        total = whole.sum(1)
        biased = self.products + self.on_diagonal - 2 / n * (whole @ whole.mT)
        biased = (biased + torch.outer(total, total) / n**2) / (n - 1) ** 2
        traces = self.traces()
        return Criteria(debiased, biased, torch.outer(traces, traces) / (n - 1) ** 3)

    def traces(self) -> Tensor:
        """Trace of every centred Gram matrix, shape (L,): n times the variance of all features."""
        whole = self.rows + self.diagonal
        return self.diagonal.sum(1) - whole.sum(1) / self.images


def alignment(criterion: Tensor, own: Tensor) -> Tensor:
    """CKA of every pair of layers, shape (L, L).

    Args:
        criterion: HSIC of the pairs, shape (L, L).
        own: HSIC of every layer with itself, shape (L,), above 0.
    """
    return criterion / torch.outer(own, own).sqrt()


def is_rounding(traces: Tensor, squares: Tensor, rounding: Tensor) -> Tensor:
    """Whether layers vary by no more than their last digits, which is not to vary; shape (L,).

    Args:
        traces: Sums of squares about the mean, shape (L,).
        squares: Sums of squares, shape (L,).
        rounding: Relative size of a unit in the last place, shape (L,).
    """
    return traces <= (_UNITS_OF_ROUNDING * rounding) ** 2 * squares
