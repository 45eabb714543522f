"""Gradient attacks through torchattacks, with ε in pixel space.

The attacked network normalises inside itself, so images and ε are in [0, 1]. The network is
attacked in evaluation mode, with its surrogate gradients and without state between steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from torch import Tensor, nn

from tic import seeding
from tic.attacks.attack import Passes, check_attacked, check_count, check_share
from tic.attacks.crafting import library
from tic.attacks.readout import MeanReadout
from tic.models.modes import differentiable, usable


@dataclass(frozen=True, kw_only=True)
class FGSM:
    """Fast gradient sign method (Goodfellow et al. 2014).

    Attributes:
        epsilon: Largest change of a pixel, in [0, 1].
    """

    epsilon: float = 8 / 255

    def __post_init__(self) -> None:
        check_share("epsilon", self.epsilon)

    @property
    def passes(self) -> Passes:
        """See `Attack.passes`."""
        return Passes(forwards=0, gradients=1)

    def __call__(self, model: nn.Module, images: Tensor, labels: Tensor, batch: int) -> Tensor:
        """Attack images (B, C, H, W) in [0, 1]; the result stays there."""
        check_attacked(images, labels)
        with differentiable(model):
            labels = usable(labels)
            attack = library().FGSM(MeanReadout(model, labels), eps=self.epsilon)
            return cast(Tensor, attack(usable(images).contiguous(), labels))


@dataclass(frozen=True, kw_only=True)
class PGD:
    """Projected gradient descent on the cross-entropy (Madry et al. 2017).

    Attributes:
        epsilon: Largest change of a pixel, in [0, 1].
        step: Change of a pixel per step.
        steps: Number of steps.
        random_start: Begin at a random point of the ε-ball; Kim et al. 2023 do not say.
        seed: Of the random start.
    """

    epsilon: float = 8 / 255
    step: float = 4 / 255
    steps: int = 10
    random_start: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        check_share("epsilon", self.epsilon)
        check_share("step", self.step)
        check_count("steps", self.steps)

    @property
    def passes(self) -> Passes:
        """See `Attack.passes`."""
        return Passes(forwards=0, gradients=self.steps)

    def __call__(self, model: nn.Module, images: Tensor, labels: Tensor, batch: int) -> Tensor:
        """Attack images (B, C, H, W) in [0, 1]; `batch` numbers the batch for the random start."""
        check_attacked(images, labels)
        seed = seeding.derive(self.seed, f"pgd/{batch}")
        # torchattacks draws from the global generator.
        with differentiable(model), seeding.own_random_numbers(seed, images.device):
            labels = usable(labels)
            attack = library().PGD(
                MeanReadout(model, labels),
                eps=self.epsilon,
                alpha=self.step,
                steps=self.steps,
                random_start=self.random_start,
            )
            return cast(Tensor, attack(usable(images).contiguous(), labels))
