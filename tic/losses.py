"""Training losses, and the one read-out convention of the project: the mean logits over 1..t.

A loss is a kind: `MeanLoss()`, `PrefixLoss()`, `AlphaLoss(0.01)`, or one of a paper's own. The
functions are what these compute.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from tic.arrays import real_number
from tic.data.augment import require_shares
from tic.errors import TicError, as_tic_error, require_known
from tic.kinds import Kind

Per = Literal["batch", "sample"]

_NO_LABEL = torch.iinfo(torch.int64).min
"""What torch skips; its -100 would count as a sample here and as none there."""


class Loss(Kind, ABC):
    """What a training makes small; a subclass is a frozen dataclass."""

    @abstractmethod
    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of a batch, a scalar.

        Args:
            logits: Read-outs, shape (T, B, K).
            labels: Class indices, shape (B,); of an augmentation that mixes samples the shares of
                the classes, (B, K).
        """

    def curves(self, logits: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """What else a Run's history keeps of every epoch, each the mean over a batch, by name.

        Scalars or vectors, always of the same shape.
        """
        return {}


class Readout(StrEnum):
    """How the logits of the timesteps 1..t become those of the prefix."""

    MEAN = "mean"
    SUM = "sum"


def prefix_logits(logits: Tensor, readout: Readout | str = Readout.MEAN) -> Tensor:
    """Logits of every prefix 1..t, by default their mean: (T, B, K) -> (T, B, K).

    Raises:
        TicError: The logits are not (T, B, K), or there is no such read-out.
    """
    _require_logits(logits)
    require_known("readout", readout, Readout)
    sums = logits.cumsum(0)
    if readout == Readout.SUM:
        return sums
    steps = torch.arange(1, len(logits) + 1, device=logits.device, dtype=logits.dtype)
    return sums / steps.view(-1, 1, 1)


def sample_losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of every prefix read-out for every sample: (T, B, K), (B,) -> (T, B).

    Raises:
        TicError: As `prefix_losses`.
    """
    _require_labels(logits, labels)
    repeated = labels.repeat(len(logits), *[1] * (labels.dim() - 1))
    flat = _cross_entropy(prefix_logits(logits).flatten(0, 1), repeated, "none")
    return flat.view(len(logits), -1)


def prefix_losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy L_t of the prefix read-out, mean over the batch (Definition 1).

    Args:
        logits: Read-outs, shape (T, B, K).
        labels: Class indices from 0 to K - 1, shape (B,), int64, none of which is ignored; or the
            shares of the classes, (B, K), floating-point.

    Returns:
        L_t for every t, shape (T,).

    Raises:
        TicError: The logits or labels are something else. On a GPU, torch itself stops at a label
            that is no class.
    """
    return sample_losses(logits, labels).mean(1)


def mean_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of the mean logits over all T timesteps, the default of Kim et al. 2023.

    Raises:
        TicError: As `prefix_losses`.
    """
    _require_labels(logits, labels)
    return _cross_entropy(logits.mean(0), labels, "mean")


def prefix_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean over t of the cross-entropy L_t: every prefix read-out is fitted.

    Raises:
        TicError: As `prefix_losses`.
    """
    return prefix_losses(logits, labels).mean()


def alpha_loss(logits: Tensor, labels: Tensor, alpha: float, per: Per = "batch") -> Tensor:
    """Hold the loss of every prefix read-out near α (Kim et al. 2023, Eq. 9-10).

    Args:
        logits: Read-outs, shape (T, B, K).
        labels: Class indices, shape (B,).
        alpha: Level that each L_t is held at, in nats.
        per: Whether the absolute value is taken of the batch mean, as in flooding, or of each
            sample's loss; Eq. 9 leaves that open.

    Returns:
        Mean over t of |L_t - α|, a scalar.

    Raises:
        TicError: As `prefix_losses`, α is no finite number, or `per` is neither.
    """
    require_known("value of per", per, ("batch", "sample"))
    with as_tic_error():
        level = real_number(alpha, name="alpha")
    if not math.isfinite(level):
        raise TicError(f"alpha must be finite, got {level}; it is a loss in nats")
    losses = sample_losses(logits, labels) if per == "sample" else prefix_losses(logits, labels)
    return (losses - level).abs().mean()


class _OverPrefixes(Loss):
    """A loss of this project; each keeps L_t of every prefix."""

    def curves(self, logits: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """See `Loss.curves`: `prefix_losses`, L_t for every t, shape (T,)."""
        return {"prefix_losses": prefix_losses(logits, labels)}

    def priced_as(self) -> Loss:
        """See `Kind.priced_as`: beside a network they all cost nothing."""
        return MeanLoss()


@dataclass(frozen=True)
class MeanLoss(_OverPrefixes):
    """Cross-entropy of the mean logits over all T timesteps, the default of Kim et al. 2023."""

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        """See `mean_loss`."""
        return mean_loss(logits, labels)


@dataclass(frozen=True)
class PrefixLoss(_OverPrefixes):
    """Mean over t of the cross-entropy L_t: every prefix read-out is fitted."""

    @property
    def name(self) -> str:
        """For labels."""
        return "prefix"

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        """See `prefix_loss`."""
        return prefix_loss(logits, labels)


@dataclass(frozen=True)
class AlphaLoss(_OverPrefixes):
    """The loss of every prefix read-out is held near α (Kim et al. 2023, Eq. 9-10).

    Attributes:
        alpha: Level that each L_t is held at, in nats.
        per: Whether the absolute value of Eq. 9 is taken per batch, as in flooding, or per sample.

    Raises:
        TicError: α is negative or not finite.
    """

    alpha: float
    per: Per = "batch"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.alpha < 0:
            raise TicError(f"alpha must be at least 0, as losses are, got {self.alpha:g}")

    @property
    def label(self) -> str:
        """See `Kind.label`."""
        return f"alpha{self.alpha}" + ("-per-sample" if self.per == "sample" else "")

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        """See `alpha_loss`."""
        return alpha_loss(logits, labels, self.alpha, self.per)


def _cross_entropy(logits: Tensor, labels: Tensor, reduction: str) -> Tensor:
    """Cross-entropy of logits (B, K), as torch has it but with a sentence for a wrong label."""
    try:
        return functional.cross_entropy(logits, labels, ignore_index=_NO_LABEL, reduction=reduction)
    except IndexError:
        classes = logits.shape[1]
        wrong = labels[(labels < 0) | (labels >= classes)]
        raise TicError(
            f"labels must be classes from 0 to {classes - 1}, got {wrong[0].item()}; "
            "leave out the samples without one"
        ) from None


def _require_logits(logits: Tensor) -> None:
    if not isinstance(logits, Tensor) or not logits.is_floating_point():
        what = logits.dtype if isinstance(logits, Tensor) else type(logits).__name__
        raise TicError(f"logits must be a floating-point tensor (T, B, K), got {what}; pass one")
    if logits.dim() != 3 or 0 in logits.shape:
        raise TicError(
            f"logits must have shape (T, B, K), none of them 0, got {tuple(logits.shape)}; "
            "stack one read-out (B, K) per timestep"
        )


def _require_labels(logits: Tensor, labels: Tensor) -> None:
    _require_logits(logits)
    if isinstance(labels, Tensor) and labels.is_floating_point() and labels.dim() == 2:
        require_shares(labels, logits.shape[1:], "labels that are mixed")
        return
    if not isinstance(labels, Tensor) or labels.dtype is not torch.int64:
        what = labels.dtype if isinstance(labels, Tensor) else type(labels).__name__
        raise TicError(f"labels must be a tensor of int64, got {what}; convert by .long()")
    if labels.shape != logits.shape[1:2]:
        raise TicError(
            f"labels must have shape (B,) with B={logits.shape[1]}, as the logits have it, got "
            f"{tuple(labels.shape)}; give one class per sample"
        )
