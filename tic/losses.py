"""Training losses, and the one read-out convention of the project: the mean logits over 1..t."""

from __future__ import annotations

from torch import Tensor, arange
from torch.nn import functional


def prefix_logits(logits: Tensor) -> Tensor:
    """Mean logits over the timesteps 1..t, for every t: (T, B, K) -> (T, B, K)."""
    steps = arange(1, len(logits) + 1, device=logits.device, dtype=logits.dtype)
    return logits.cumsum(0) / steps.view(-1, 1, 1)


def prefix_losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy L_t of the prefix read-out, mean over the batch (Definition 1).

    Args:
        logits: Read-outs, shape (T, B, K).
        labels: Class indices, shape (B,).

    Returns:
        L_t for every t, shape (T,).
    """
    prefixes = prefix_logits(logits)
    flat = functional.cross_entropy(
        prefixes.flatten(0, 1), labels.repeat(len(logits)), reduction="none"
    )
    return flat.view(len(logits), -1).mean(1)


def mean_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of the mean logits over all T timesteps, the paper's default loss."""
    return functional.cross_entropy(logits.mean(0), labels)


def prefix_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean over t of the cross-entropy L_t: every prefix read-out is fitted."""
    return prefix_losses(logits, labels).mean()


def alpha_loss(logits: Tensor, labels: Tensor, alpha: float) -> Tensor:
    """Hold the loss of every prefix read-out near α (Eq. 9-10).

    The absolute value is taken of the batch mean, as in flooding; Eq. 9 leaves that open.

    Args:
        logits: Read-outs, shape (T, B, K).
        labels: Class indices, shape (B,).
        alpha: Level that each L_t is held at, in nats.

    Returns:
        Mean over t of |L_t - α|, a scalar.
    """
    return (prefix_losses(logits, labels) - alpha).abs().mean()
