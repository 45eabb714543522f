"""The read-out that attacks see, and the gradient of a loss on it at the image."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from tic.errors import TicError
from tic.models.logits import logits_of

Loss = Callable[[Tensor, Tensor], Tensor]


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
        self.model = model
        self.lowest, self.highest = (int(bound) for bound in labels.aminmax())

    def forward(self, images: Tensor) -> Tensor:
        """Map images (B, C, H, W) to mean logits (B, K).

        Raises:
            TicError: The model returns something else, or a label is none of its classes.
        """
        logits = logits_of(self.model, images)
        if self.lowest < 0 or self.highest >= logits.shape[2]:
            wrong = self.lowest if self.lowest < 0 else self.highest
            raise TicError(
                f"labels must be classes from 0 to {logits.shape[2] - 1}, got {wrong}; "
                "leave out the images without one"
            )
        # The second term adds 0 and keeps a graph.
        return logits.mean(0) + 0 * images.sum() if images.requires_grad else logits.mean(0)


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
    """
    leaf = images.detach().clone().requires_grad_()
    with torch.enable_grad():
        logits = MeanReadout(model, labels)(leaf)
        (gradient,) = torch.autograd.grad(loss(logits, labels).sum(), leaf)
    return logits.detach(), gradient
