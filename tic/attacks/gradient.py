"""Gradient attacks through torchattacks, with ε in pixel space.

The attacked network normalises inside itself, so images and ε are in [0, 1]. The network is
attacked in evaluation mode, with its surrogate gradients and without state between steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
import torchattacks
from torch import Tensor, nn

from tic import seeding
from tic.errors import TicError
from tic.models.modes import evaluation_mode


class _MeanReadout(nn.Module):
    """Turns logits (T, B, K) into the (B, K) that attacks expect: the mean over time."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.model(images)
        return logits.mean(0)


@dataclass(frozen=True, kw_only=True)
class FGSM:
    """Fast gradient sign method (Goodfellow et al. 2014).

    Attributes:
        epsilon: Largest change of a pixel, in [0, 1].
    """

    epsilon: float = 8 / 255

    def __post_init__(self) -> None:
        _check_share("epsilon", self.epsilon)

    def __call__(self, model: nn.Module, images: Tensor, labels: Tensor, batch: int) -> Tensor:
        """Attack images (B, C, H, W) in [0, 1]; the result stays there."""
        with evaluation_mode(model):
            attack = torchattacks.FGSM(_MeanReadout(model), eps=self.epsilon)
            return cast(Tensor, attack(images, labels))


@dataclass(frozen=True, kw_only=True)
class PGD:
    """Projected gradient descent on the cross-entropy (Madry et al. 2017).

    Attributes:
        epsilon: Largest change of a pixel, in [0, 1].
        step: Change of a pixel per step.
        steps: Number of steps.
        random_start: Begin at a random point of the ε-ball; the paper does not say.
        seed: Of the random start.
    """

    epsilon: float = 8 / 255
    step: float = 4 / 255
    steps: int = 10
    random_start: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        _check_share("epsilon", self.epsilon)
        _check_share("step", self.step)
        if self.steps < 1:
            raise TicError(f"steps must be at least 1, got {self.steps}")

    def __call__(self, model: nn.Module, images: Tensor, labels: Tensor, batch: int) -> Tensor:
        """Attack images (B, C, H, W) in [0, 1]; `batch` numbers the batch for the random start."""
        # torchattacks draws from the global generator; the fork keeps everyone else's stream.
        devices = [images.device] if images.device.type == "cuda" else []
        with evaluation_mode(model), torch.random.fork_rng(devices=devices):
            attack = torchattacks.PGD(
                _MeanReadout(model),
                eps=self.epsilon,
                alpha=self.step,
                steps=self.steps,
                random_start=self.random_start,
            )
            torch.manual_seed(seeding.derive(self.seed, f"pgd/{batch}"))
            return cast(Tensor, attack(images, labels))


def _check_share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise TicError(f"{name} is in pixel values and must be in [0, 1], got {value}")
