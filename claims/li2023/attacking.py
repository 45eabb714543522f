"""What attacks do to representations, and what attacks of other kinds find."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from claims.li2023.measuring import BATCH, TILE, as_tables, blocks_of
from claims.li2023.networks import block_names
from tic import representation_similarity, seeding
from tic.attacks import PGD, Level, attack_suite
from tic.attacks.attack import within_ball
from tic.audit import Facts, Measurement, Samples, Split
from tic.data import ImageFacts
from tic.measure.batches import Loader
from tic.measure.robustness import accuracy
from tic.models.logits import logits_of

Crafting = Literal["evaluation", "training"]
"""The mode in which the network is while it is attacked."""
STEPS = 20
"""Of projected gradient descent; each goes a tenth of the way."""
OTHER_FAMILIES = ("margin", "auto", "gradient-free", "numerics")
"""Of the suite: attacks with another loss, step or precision, or no gradient. Those that change
the backward pass know the library's neurons alone."""


def pixels(facts: Facts, epsilon: float) -> float:
    """Turn standard deviations of the data set's pixels into pixel values."""
    assert isinstance(facts, ImageFacts)
    return epsilon * sum(facts.std) / len(facts.std)


def attacked_as_claimed(
    network: nn.Module, images: Tensor, labels: Tensor, size: float, batch: int
) -> Tensor:
    """Attack images (B, C, H, W) as the claim does, with a network in evaluation mode."""
    attack = PGD(epsilon=size, step=size / 10, steps=STEPS, random_start=False)
    return attack(network, images, labels, batch)


def attacked_in_training(network: nn.Module, images: Tensor, labels: Tensor, size: float) -> Tensor:
    """The same in training mode, as the release does: it moves the running statistics too."""
    network.train()
    moved = images
    for _ in range(STEPS):
        moved = moved.detach().requires_grad_()
        loss = cross_entropy(logits_of(network, moved).mean(0), labels)
        (gradient,) = torch.autograd.grad(loss, moved)
        moved = within_ball(images, moved.detach() + size / 10 * gradient.sign(), size)
    network.eval()
    return moved


def with_random_signs(images: Tensor, size: float, batch: int) -> Tensor:
    """Change every pixel by so much, at random up or down."""
    draws = seeding.generator(batch, "signs")
    signs = torch.randint(0, 2, images.shape, generator=draws).to(images)
    return (images + size * (2 * signs - 1)).clamp(0, 1)


def moved_representations(
    network: nn.Module, other: nn.Module, clean: Loader, moved: Loader
) -> dict[str, float]:
    """Debiased CKA of clean images in one network with moved ones in the other, by block."""
    similar = representation_similarity(
        network,
        other,
        clean,
        layers=block_names(blocks_of(network)),
        other_loader=moved,
        tile=TILE,
    )
    return {name: row[name] for name, row in as_tables(similar).items() if name in row}


@dataclass(frozen=True, kw_only=True)
class AttackedMeasurement(Measurement):
    """Similarity of the outputs of blocks on clean images with those on attacked ones.

    Attributes:
        epsilon: Largest change of a pixel, in standard deviations of the data set's pixels.
        signs: Every pixel is changed by that much at random instead.
        crafting: In training mode attacked images are seen by the network whose running statistics
            the attack has moved, and clean ones by the one before it.
        drifted: Clean images are seen in the place of the attacked ones.
    """

    name: ClassVar[str] = "li2023-attacked"

    split: Split = "test"
    epsilon: float
    signs: bool = False
    crafting: Crafting = "evaluation"
    drifted: bool = False

    def take(
        self, network: nn.Module, samples: Samples, partners: Sequence[nn.Module]
    ) -> dict[str, Any]:
        """See `Measurement.take`.

        Gives `debiased` by block and `accuracy` on the attacked images, in percent.
        """
        size = pixels(samples.facts, self.epsilon)
        seeing = copy.deepcopy(network) if self.crafting == "training" else network
        moved = []
        for number, (images, labels) in enumerate(samples.batches(BATCH)):
            changed = self._changed(seeing, images, labels, size, number)
            moved.append((images if self.drifted else changed, labels))
        return {
            "debiased": moved_representations(network, seeing, samples.batches(BATCH), moved),
            "accuracy": accuracy(seeing, moved),
            "images": len(samples),
        }

    def _changed(
        self, network: nn.Module, images: Tensor, labels: Tensor, size: float, batch: int
    ) -> Tensor:
        if not size:
            return images
        if self.signs:
            return with_random_signs(images, size, batch)
        if self.crafting == "training":
            return attacked_in_training(network, images, labels, size)
        return attacked_as_claimed(network, images, labels, size, batch)


@dataclass(frozen=True, kw_only=True)
class SuiteMeasurement(Measurement):
    """What other attacks make of the images that the claim's attack breaks.

    Both leave the same accuracy: an image that the claim's attack breaks, and another one too, is
    the first that another one found; every other image is as the claim's attack left it.

    Attributes:
        epsilon: As of `AttackedMeasurement`.
        level: Of the attack suite.
    """

    name: ClassVar[str] = "li2023-suite"

    split: Split = "test"
    epsilon: float
    level: Level = "quick"

    def take(
        self, network: nn.Module, samples: Samples, partners: Sequence[nn.Module]
    ) -> dict[str, Any]:
        """See `Measurement.take`.

        Gives `debiased` by block, of those images; the percentages of images that are classified
        correctly under the claim's attack (`attacked`) and under all of them (`worst`), and of
        those that are another attack's (`exchanged`).
        """
        size = pixels(samples.facts, self.epsilon)
        moved, broken, otherwise = [], [], []
        for number, (images, labels) in enumerate(samples.batches(BATCH)):
            claimed = attacked_as_claimed(network, images, labels, size, number)
            others, wrong_there = self._others(network, images, labels, size, number)
            wrong = ~_correct(network, claimed, labels)
            exchanged = (wrong & wrong_there).view(-1, *[1] * (images.dim() - 1))
            moved.append((torch.where(exchanged, others, claimed), labels))
            broken.append(wrong)
            otherwise.append(wrong_there)
        wrong, wrong_there = torch.cat(broken), torch.cat(otherwise)
        return {
            "debiased": moved_representations(network, network, samples.batches(BATCH), moved),
            "attacked": _percent(~wrong),
            "worst": _percent(~(wrong | wrong_there)),
            "exchanged": _percent(wrong & wrong_there),
            "images": len(samples),
        }

    def _others(
        self, network: nn.Module, images: Tensor, labels: Tensor, size: float, batch: int
    ) -> tuple[Tensor, Tensor]:
        """What the first other attack that breaks an image makes of it, and which are broken."""
        moved = images.clone()
        broken = torch.zeros(len(images), dtype=torch.bool, device=images.device)
        for member in attack_suite(self.level, size, size / 10):
            left = (~broken).nonzero()[:, 0]
            if member.family not in OTHER_FAMILIES or not len(left):
                continue
            tried = member.attack(network, images[left], labels[left], batch)
            hit = ~_correct(network, tried, labels[left])
            moved[left[hit]], broken[left[hit]] = tried[hit], True
        return moved, broken


@torch.no_grad()
def _correct(network: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    return logits_of(network, images.detach()).mean(0).argmax(1) == labels


def _percent(share: Tensor) -> float:
    return 100 * float(share.double().mean())
