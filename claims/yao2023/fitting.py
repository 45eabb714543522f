"""The release's optimiser and loss, as kinds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss, one_hot

from tic.audit import Fit, Fitting, Loss, TicError


@dataclass(frozen=True)
class CosineAdam(Fitting):
    """Adam whose rate falls as a cosine, to a floor at the end of the training.

    Attributes:
        rate: At the start.
        floor: At the end.
        weight_decay: L2 coefficient, which is added to gradients.

    Raises:
        TicError: One is out of its range.
    """

    rate: float = 1e-4
    floor: float = 1e-6
    weight_decay: float = 1e-4

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.floor <= self.rate:
            raise TicError(
                f"floor must be above 0 and at most the rate, got {self.floor:g} and {self.rate:g}"
            )
        if not self.weight_decay >= 0:
            raise TicError(f"weight_decay must be at least 0, got {self.weight_decay:g}")

    @property
    def label(self) -> str:
        """See `Kind.label`."""
        return f"adam{self.rate:g}"

    def optimiser(self, network: nn.Module) -> torch.optim.Adam:
        """See `Fitting.optimiser`."""
        return torch.optim.Adam(network.parameters(), lr=self.rate, weight_decay=self.weight_decay)

    def before_epoch(self, fit: Fit) -> None:
        """Set the rate."""
        cosine = (1 + math.cos(math.pi * fit.epoch / fit.epochs)) / 2
        for group in fit.optimiser.param_groups:
            group["lr"] = self.floor + (self.rate - self.floor) * cosine

    def priced_as(self) -> CosineAdam:
        """See `Kind.priced_as`: rates cost nothing."""
        return CosineAdam()


@dataclass(frozen=True)
class RateError(Loss):
    """Mean squared error of the mean read-outs over time against one-hot labels."""

    @property
    def label(self) -> str:
        """See `Kind.label`."""
        return ""

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        """See `Loss.__call__`."""
        rates = logits.mean(0)
        return mse_loss(rates, one_hot(labels, rates.shape[1]).to(rates.dtype))
