"""The gradient attacks of AutoAttack (Croce & Hein 2020) through torchattacks, ℓ∞ in pixel space.

They leave alone what the network gets wrong already, and give back the clean image where they find
no error. Defaults are the published ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from tic import seeding
from tic.attacks.attack import Passes, check_attacked, check_count, check_share, within_ball
from tic.attacks.crafting import SinglePrecision, craft
from tic.attacks.readout import MeanReadout
from tic.errors import TicError
from tic.models.logits import logits_of
from tic.models.modes import evaluation_mode

TARGETED_DLR_CLASSES = 4
"""Classes that the targeted DLR loss needs at least (Croce & Hein 2020, Eq. 7)."""


@dataclass(frozen=True, kw_only=True)
class _Restarted:
    epsilon: float = 8 / 255
    steps: int = 100
    restarts: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        check_share("epsilon", self.epsilon)
        check_count("steps", self.steps)
        check_count("restarts", self.restarts)

    def _settings(self) -> dict[str, Any]:
        return {"eps": self.epsilon, "steps": self.steps, "n_restarts": self.restarts}


@dataclass(frozen=True, kw_only=True)
class APGD(_Restarted):
    """PGD on the cross-entropy that halves its steps when the loss stalls.

    Attributes:
        epsilon: Largest change of a pixel, in [0, 1].
        steps: Number of steps per start.
        restarts: Number of random starts.
        seed: Of the random starts.
    """

    @property
    def passes(self) -> Passes:
        """See `Attack.passes`."""
        return Passes(forwards=1, gradients=self.restarts * (self.steps + 1))

    def __call__(self, model: nn.Module, images: Tensor, labels: Tensor, batch: int) -> Tensor:
        """Attack images (B, C, H, W) in [0, 1]; `batch` numbers the batch for the random starts."""
        check_attacked(images, labels)
        seed = seeding.derive(self.seed, f"apgd/{batch}")
        readout = MeanReadout(model, labels)
        return craft("APGD", readout, images, labels, seed, self._settings())


@dataclass(frozen=True, kw_only=True)
class _Targeted(_Restarted):
    targets: int = 9

    def __post_init__(self) -> None:
        super().__post_init__()
        check_count("targets", self.targets)

    def _towards(self, classes: int) -> dict[str, Any]:
        # torchattacks goes for one target fewer than it is told classes
        return {**self._settings(), "n_classes": min(self.targets + 1, classes)}


@dataclass(frozen=True, kw_only=True)
class APGDT(_Targeted):
    """APGD on the targeted DLR loss, towards the most likely wrong classes.

    Attributes:
        epsilon: Largest change of a pixel, in [0, 1].
        steps: Number of steps per start.
        restarts: Number of random starts per target.
        seed: Of the random starts.
        targets: Wrong classes to go for, at most; 9 in AutoAttack.
    """

    @property
    def passes(self) -> Passes:
        """See `Attack.passes`."""
        runs = self.targets * self.restarts
        return Passes(forwards=2 + runs, gradients=runs * (self.steps + 1))

    def __call__(self, model: nn.Module, images: Tensor, labels: Tensor, batch: int) -> Tensor:
        """Attack images (B, C, H, W) in [0, 1]; `batch` numbers the batch for the random starts.

        Raises:
            TicError: The network has fewer than four classes.
        """
        check_attacked(images, labels)
        classes = _classes(model, images)
        if classes < TARGETED_DLR_CLASSES:
            raise TicError(
                f"the targeted DLR loss of APGDT needs at least {TARGETED_DLR_CLASSES} classes, "
                f"got {classes}; use APGD or FAB"
            )
        seed = seeding.derive(self.seed, f"apgdt/{batch}")
        readout = MeanReadout(model, labels)
        settings = self._towards(classes)
        return craft("APGDT", readout, images, labels, seed, settings)


@dataclass(frozen=True, kw_only=True)
class FAB(_Targeted):
    """Fast adaptive boundary attack (Croce & Hein 2020b), towards the most likely wrong classes.

    It looks for the nearest error and counts it when it lies within ε. torchattacks moves the
    images in float32; the network sees them in its own precision.

    Attributes:
        epsilon: Largest change of a pixel, in [0, 1].
        steps: Number of steps per start.
        restarts: Number of starts per target, the first at the image.
        seed: Of the random starts.
        targets: Wrong classes to go for, at most; 9 in AutoAttack.
    """

    @property
    def passes(self) -> Passes:
        """See `Attack.passes`."""
        runs = self.targets * self.restarts
        return Passes(forwards=2 + runs * (self.steps + 3), gradients=runs * self.steps)

    def __call__(self, model: nn.Module, images: Tensor, labels: Tensor, batch: int) -> Tensor:
        """Attack images (B, C, H, W) in [0, 1]; `batch` numbers the batch for the random starts."""
        check_attacked(images, labels)
        settings = {**self._towards(_classes(model, images)), "multi_targeted": True}
        seed = seeding.derive(self.seed, f"fab/{batch}")
        readout = SinglePrecision(MeanReadout(model, labels), images.dtype)
        with _frozen(model):
            single = images.detach().float()
            moved = craft("FAB", readout, single, labels, seed, settings)
        return within_ball(images.detach(), moved.to(images.dtype), self.epsilon)


def _classes(model: nn.Module, images: Tensor) -> int:
    with evaluation_mode(model), torch.no_grad():
        return logits_of(model, images[:1]).shape[2]


@contextmanager
def _frozen(model: nn.Module) -> Iterator[None]:
    """Keep the backward passes of FAB, which are not to the images alone, from the weights."""
    wanted = {parameter: parameter.requires_grad for parameter in model.parameters()}
    for parameter in wanted:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter, flag in wanted.items():
            parameter.requires_grad_(flag)
