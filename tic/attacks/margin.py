"""Projected gradient descent with restarts, on the cross-entropy or on a margin.

Confident networks saturate the cross-entropy, whose gradient then vanishes; a margin of logits
does not saturate (Carlini & Wagner 2017), and DLR does not even change when the logits are scaled
(Croce & Hein 2020, Eq. 6).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from tic import seeding
from tic.attacks.attack import (
    Passes,
    check_attacked,
    check_count,
    check_share,
    per_image,
    within_ball,
)
from tic.attacks.readout import Loss, MeanReadout, input_gradient
from tic.errors import TicError
from tic.models.modes import evaluation_mode

LossName = Literal["ce", "cw", "dlr"]
DLR_CLASSES = 3
"""Classes that `logit_ratio` needs at least."""


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of logits (B, K) at labels (B,), shape (B,)."""
    return functional.cross_entropy(logits, labels, reduction="none")


def margin(logits: Tensor, labels: Tensor) -> Tensor:
    """Largest logit of a wrong class minus the label's: max z_j - z_y over j ≠ y, shape (B,).

    Above 0 the image is misclassified.
    """
    true_class = functional.one_hot(labels, logits.shape[1]).bool()
    wrong = logits.masked_fill(true_class, -torch.inf).amax(1)
    return wrong - logits.gather(1, labels[:, None]).squeeze(1)


def logit_ratio(logits: Tensor, labels: Tensor) -> Tensor:
    """Difference of logits ratio, DLR: `margin` over the largest minus the third logit, (B,).

    Raises:
        TicError: Fewer than three classes.
    """
    classes = logits.shape[1]
    if classes < DLR_CLASSES:
        raise TicError(
            f'loss "dlr" needs at least {DLR_CLASSES} classes, got {classes}; use loss "cw"'
        )
    ordered = logits.sort(1, descending=True).values
    return margin(logits, labels) / (ordered[:, 0] - ordered[:, 2] + 1e-12)


LOSSES: dict[LossName, Loss] = {"ce": cross_entropy, "cw": margin, "dlr": logit_ratio}


@dataclass(frozen=True, kw_only=True)
class RestartedPGD:
    """Projected gradient ascent from several random starts; the best image on the way counts.

    The best is that with the largest `margin`, so a misclassified one wherever one was met.

    Attributes:
        epsilon: Largest change of a pixel, in [0, 1].
        step: Change of a pixel per step.
        steps: Number of steps per start.
        restarts: Number of random starts.
        loss: What is raised: "ce" cross-entropy, "cw" margin, "dlr" difference of logits ratio.
        seed: Of the random starts; the first ones do not depend on how many follow.
    """

    epsilon: float = 8 / 255
    step: float = 2 / 255
    steps: int = 20
    restarts: int = 5
    loss: LossName = "ce"
    seed: int = 0

    def __post_init__(self) -> None:
        check_share("epsilon", self.epsilon)
        check_share("step", self.step)
        check_count("steps", self.steps)
        check_count("restarts", self.restarts)
        if self.loss not in get_args(LossName):
            raise TicError(f"loss must be one of {get_args(LossName)}, got {self.loss!r}")

    @property
    def passes(self) -> Passes:
        """See `Attack.passes`."""
        return Passes(forwards=self.restarts, gradients=self.restarts * self.steps)

    def __call__(self, model: nn.Module, images: Tensor, labels: Tensor, batch: int) -> Tensor:
        """Attack images (B, C, H, W) in [0, 1]; `batch` numbers the batch for the random starts."""
        check_attacked(images, labels)
        draws = seeding.generator(self.seed, f"restarted-pgd/{batch}")
        best = _Best(images, labels)
        with evaluation_mode(model):
            for _ in range(self.restarts):
                noise = 2 * torch.rand(images.shape, generator=draws).to(images) - 1
                moved = within_ball(images, images + self.epsilon * noise, self.epsilon)
                for _ in range(self.steps):
                    logits, slope = input_gradient(model, moved, labels, LOSSES[self.loss])
                    best.meet(moved, logits)
                    moved = within_ball(images, moved + self.step * slope.sign(), self.epsilon)
                with torch.no_grad():
                    best.meet(moved, MeanReadout(model, labels)(moved))
        return best.images


class _Best:
    """The images of the largest margin so far."""

    def __init__(self, images: Tensor, labels: Tensor) -> None:
        self.images = images.detach().clone()
        self._labels = labels
        self._margins = images.new_full((len(images),), -torch.inf)

    def meet(self, moved: Tensor, logits: Tensor) -> None:
        """Keep those of the moved images (B, ...) whose margin is larger."""
        margins = margin(logits, self._labels)
        better = margins > self._margins
        self.images = torch.where(per_image(better, moved), moved, self.images)
        self._margins = torch.where(better, margins, self._margins)
