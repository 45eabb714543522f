"""Fitting as a kind: the optimiser, its schedule, and rules that act while a network is trained."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor, nn

from tic.errors import TicError
from tic.kinds import Kind


@dataclass
class Fit:
    """A training under way, as its rules see it.

    Attributes:
        network: In training mode. What is changed in its parameters and buffers stays. All else
            that is, such as which parameters are frozen, is to be set before every epoch.
        optimiser: Of its parameters.
        epochs: That the training has.
        seed: Of the training.
        generator: For what a rule draws; goes on where it was when a training is resumed.
        epoch: Finished epochs.
        step: Finished steps.
        tensors: What a rule remembers, by name; kept with every epoch and resumed. A rule puts the
            name of its own before those of its tensors, and copies of what the network has.
    """

    network: nn.Module
    optimiser: torch.optim.Optimizer
    epochs: int
    seed: int
    generator: torch.Generator
    epoch: int = 0
    step: int = 0
    tensors: dict[str, Tensor] = field(default_factory=dict)


class Rule(Kind):
    """What acts on a training; a subclass is a frozen dataclass.

    It keeps nothing itself: what it remembers lies in the network or in `Fit.tensors`, so that a
    training which was killed goes on with the same bits.

    Attributes:
        needs_parent: Whether it starts from the trained weights of another training.
    """

    needs_parent: ClassVar[bool] = False

    def start(self, fit: Fit) -> None:
        """Act before the first step, with the weights that the training starts from."""

    def before_epoch(self, fit: Fit) -> None:
        """Act before every epoch; after a resumption as well."""

    def before_step(self, fit: Fit) -> None:
        """Act before every step of the optimiser, on the gradients: clip them, say."""

    def after_step(self, fit: Fit) -> None:
        """Act after every step of the optimiser."""

    @property
    def acts(self) -> bool:
        """Whether it defines any of `HOOKS`, and so is ever called."""
        return any(getattr(type(self), hook) is not getattr(Rule, hook) for hook in HOOKS)


HOOKS = ("start", "before_epoch", "before_step", "after_step")
"""What a training calls of its rules."""


class Fitting(Rule, ABC):
    """What fits a network: an optimiser with its schedule, itself the first of the rules."""

    @abstractmethod
    def optimiser(self, network: nn.Module) -> torch.optim.Optimizer:
        """Make the optimiser of a network's parameters, as the training begins with it."""


@dataclass(frozen=True)
class CosineSGD(Fitting):
    """Stochastic gradient descent whose rate falls as a cosine, to 0 at the end of the training.

    Attributes:
        learning_rate: At the start.
        momentum: In [0, 1).
        dampening: The momentum takes up (1 - dampening) of every gradient after the first; needs a
            momentum.
        weight_decay: L2 coefficient, on all parameters.

    Raises:
        TicError: One is out of its range.
    """

    learning_rate: float = 0.3
    momentum: float = 0.9
    dampening: float = 0.0
    weight_decay: float = 5e-4

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.learning_rate > 0:
            raise TicError(f"learning_rate must be above 0, got {self.learning_rate:g}")
        for name in ("momentum", "dampening"):
            if not 0 <= getattr(self, name) < 1:
                raise TicError(f"{name} must be in [0, 1), got {getattr(self, name):g}")
        if not self.weight_decay >= 0:
            raise TicError(f"weight_decay must be at least 0, got {self.weight_decay:g}")
        if self.dampening and not self.momentum:
            raise TicError(f"dampening {self.dampening:g} needs a momentum above 0, got 0")

    @property
    def label(self) -> str:
        """See `Kind.label`."""
        short = {"learning_rate": "lr", "dampening": "damp", "weight_decay": "wd"}
        default = CosineSGD()
        return "-".join(
            f"{name}{getattr(self, field):.3g}"
            for field, name in short.items()
            if getattr(self, field) != getattr(default, field)
        )

    def optimiser(self, network: nn.Module) -> torch.optim.SGD:
        """See `Fitting.optimiser`."""
        return torch.optim.SGD(
            network.parameters(),
            lr=self.learning_rate,
            momentum=self.momentum,
            dampening=self.dampening,
            weight_decay=self.weight_decay,
        )

    def rate(self, epoch: int, epochs: int) -> float:
        """The rate during the epoch that follows `epoch` finished ones."""
        return self.learning_rate * (1 + math.cos(math.pi * epoch / epochs)) / 2

    def before_epoch(self, fit: Fit) -> None:
        """Set the rate."""
        for group in fit.optimiser.param_groups:
            group["lr"] = self.rate(fit.epoch, fit.epochs)

    def priced_as(self) -> CosineSGD:
        """See `Kind.priced_as`."""
        return CosineSGD()
