"""Training losses, and the one read-out convention of the project: the mean logits over 1..t."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from torch import Tensor, arange
from torch.nn import functional


class Readout(StrEnum):
    """How the logits of the timesteps 1..t become those of the prefix."""

    MEAN = "mean"
    SUM = "sum"


def prefix_logits(logits: Tensor, readout: Readout = Readout.MEAN) -> Tensor:
    """Logits of every prefix 1..t, their mean unless told otherwise: (T, B, K) -> (T, B, K)."""
    sums = logits.cumsum(0)
    if readout is Readout.SUM:
        return sums
    steps = arange(1, len(logits) + 1, device=logits.device, dtype=logits.dtype)
    return sums / steps.view(-1, 1, 1)


def sample_losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of every prefix read-out for every sample: (T, B, K), (B,) -> (T, B)."""
    flat = functional.cross_entropy(
        prefix_logits(logits).flatten(0, 1), labels.repeat(len(logits)), reduction="none"
    )
    return flat.view(len(logits), -1)


def prefix_losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy L_t of the prefix read-out, mean over the batch (Definition 1).

    Args:
        logits: Read-outs, shape (T, B, K).
        labels: Class indices, shape (B,).

    Returns:
        L_t for every t, shape (T,).
    """
    return sample_losses(logits, labels).mean(1)


def mean_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of the mean logits over all T timesteps, the paper's default loss."""
    return functional.cross_entropy(logits.mean(0), labels)


def prefix_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean over t of the cross-entropy L_t: every prefix read-out is fitted."""
    return prefix_losses(logits, labels).mean()


def alpha_loss(
    logits: Tensor, labels: Tensor, alpha: float, per: Literal["batch", "sample"] = "batch"
) -> Tensor:
    """Hold the loss of every prefix read-out near α (Eq. 9-10).

    Args:
        logits: Read-outs, shape (T, B, K).
        labels: Class indices, shape (B,).
        alpha: Level that each L_t is held at, in nats.
        per: Whether the absolute value is taken of the batch mean, as in flooding, or of each
            sample's loss; Eq. 9 leaves that open.

    Returns:
        Mean over t of |L_t - α|, a scalar.
    """
    losses = sample_losses(logits, labels) if per == "sample" else prefix_losses(logits, labels)
    return (losses - alpha).abs().mean()
