"""The read-out that attacks see, and the gradient of a loss on it at the image."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from tic.errors import TicError
from tic.models.logits import logits_of, require_classes, require_time_outermost
from tic.models.modes import differentiable, usable

Loss = Callable[[Tensor, Tensor], Tensor]


class _Shown(torch.autograd.Function):
    """A copy of images, which a network may change, and through which only numbers go back.

    Attacks step by the sign of the gradient, and that of NaN is 0: they would stay where they are.
    """

    @staticmethod
    def forward(_context: Any, images: Tensor) -> Tensor:
        return images.clone()

    @staticmethod
    def backward(_context: Any, gradient: Tensor) -> Tensor:
        if not gradient.isfinite().all():
            raise TicError(
                "gradients at the images must be finite, got NaN or infinity; look for such "
                "numbers in the logits and the weights, and for roots and quotients of 0"
            )
        return gradient


class MeanReadout(nn.Module):
    """Turns logits (T, B, K) into the (B, K) that attacks expect: the mean over time.

    Where a network has cut the graph, so that its logits do not depend on the images as far as
    automatic differentiation sees, the gradient at the images is zero.

    Args:
        model: Maps images (B, C, H, W) to logits (T, B, K).
        labels: Classes that it must have, any number of them.
    """

    def __init__(self, model: nn.Module, labels: Tensor) -> None:
        super().__init__()
        self.model, self.labels = model, labels
        self.is_known = False

    def forward(self, images: Tensor) -> Tensor:
        """Map images (B, C, H, W) to mean logits (B, K).

        Raises:
            TicError: The model returns something else, or a label is none of its classes; where
                the gradient is taken, it is not finite.
        """
        shown: Tensor = _Shown.apply(images)
        logits = logits_of(self.model, shown)
        if not self.is_known:
            require_time_outermost(self.model, images.detach(), logits)
            require_classes(self.labels, logits.shape[2])
            self.is_known = True
        # The second term adds 0 and keeps a graph.
        return logits.mean(0) + 0 * shown.sum() if images.requires_grad else logits.mean(0)


def input_gradient(
    model: nn.Module, images: Tensor, labels: Tensor, loss: Loss
) -> tuple[Tensor, Tensor]:
    """Differentiate a loss on the mean logits at every image.

    Args:
        model: Maps images (B, C, H, W) to logits (T, B, K).
        images: Where to differentiate, shape (B, C, H, W).
        labels: Classes, shape (B,).
        loss: Maps logits (B, K) and labels to losses (B,).

    Returns:
        Mean logits (B, K) and the gradient (B, C, H, W), each image's of its own loss.

    Raises:
        TicError: As `MeanReadout.forward`.
    """
    with differentiable(model):
        leaf, classes = images.detach().clone().requires_grad_(), usable(labels)
        logits = MeanReadout(model, classes)(leaf)
        (gradient,) = torch.autograd.grad(loss(logits, classes).sum(), leaf)
    return logits.detach(), gradient
