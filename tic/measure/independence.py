"""Whether a network's answer to a sample depends on that sample alone, and on nothing before it.

Information per sample has no meaning where samples of a batch depend on each other, and no value
that can be relied on where the network remembers what it was shown before. Blank every other
sample, and the answers to those that are left must stay the same, bit by bit, since neither their
numbers nor the shapes of the computation have changed. Logits alone do not tell: a membrane that
never fires shows in gradients only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from tic.errors import TicError
from tic.models.logits import RESET
from tic.seeding import own_random_numbers

SAMPLES = 8
"""Samples that a network is tried on, at most."""

_OTHER_SHAPES = 0.05
"""Share by which an answer is off that follows from the size of a batch; in bfloat16, which layers
may compute in, less is rounding that other shapes have otherwise."""

_TOLERANCES = {torch.float64: 1e-9, torch.float32: 1e-4}


@dataclass(frozen=True)
class Answer:
    """What a network makes of samples.

    Attributes:
        logits: Shape (T, B, K).
        norms: Squared gradient of some weighting of the logits by layer, shape (L, B).
    """

    logits: Tensor
    norms: Tensor

    def differs(self, other: Answer, samples: Tensor) -> bool:
        """Whether it is not the same for some of the samples, after the same computation."""
        return _differ(self.logits[:, samples], other.logits[:, samples]) or any(
            _differ(ours[samples], its[samples])
            for ours, its in zip(self.norms, other.norms, strict=True)
        )

    def is_another(self, other: Answer) -> bool:
        """Whether it is not the same by more than computations of other shapes round.

        A layer whose gradients nearly cancel, to a millionth of the whole network's squared or
        less, is rounding as a whole.
        """
        floor = 1e-6 * float(torch.maximum(self.norms.sum(0), other.norms.sum(0)).max())
        return _differ(self.logits, other.logits, _OTHER_SHAPES) or any(
            _differ(ours, its, _OTHER_SHAPES, floor)
            for ours, its in zip(self.norms, other.norms, strict=True)
        )


@dataclass(frozen=True)
class Conduct:
    """How a network behaved.

    Attributes:
        is_random: Whether its answer follows from torch's random numbers too.
        reacts: Whether it changed where a sample was blanked. Where it did not, nothing that
            depends on samples could show.
    """

    is_random: bool
    reacts: bool


def telling(inputs: Tensor) -> Tensor:
    """Choose the samples that vary most within themselves: (B, …) -> (`SAMPLES` or fewer, …)."""
    if len(inputs) <= SAMPLES:
        return inputs
    spread = inputs.detach().double().reshape(len(inputs), -1).var(1, correction=0)
    return inputs[spread.topk(SAMPLES).indices.sort().values]


def conduct(ask: Callable[[Tensor], Answer], inputs: Tensor) -> Conduct:
    """Try a network on samples, with the same random numbers for every call.

    Args:
        ask: The network in evaluation mode.
        inputs: Samples (B, …); one alone is shown twice.

    Raises:
        TicError: It keeps state between calls, its samples depend on each other, or its logits
            are (B, T, K).
    """
    shown = torch.cat([inputs, inputs]) if len(inputs) == 1 else inputs
    even = torch.arange(len(shown), device=shown.device) % 2 == 0
    answer = _seeded(ask, shown)
    reacts = False
    for kept in (even, ~even):
        blanked = _seeded(ask, _blanked(shown, ~kept))
        if answer.differs(blanked, kept):
            raise TicError(_reason(ask, shown, kept, answer, blanked))
        reacts |= answer.differs(blanked, ~kept)
    again = _seeded(ask, shown, seed=1)
    return Conduct(answer.differs(again, torch.ones_like(even)), reacts)


def answers_alone(ask: Callable[[Tensor], Answer], inputs: Tensor) -> bool:
    """Whether a network answers to samples alone, which must then be as in a batch.

    Single samples may differ by a spike, where rounding carries a membrane over the threshold: it
    follows the shapes of a computation.

    Args:
        ask: The network in evaluation mode, which draws no random numbers.
        inputs: Samples (B, …).

    Raises:
        TicError: Most answers depend on how many samples there are.
    """
    together = ask(inputs)
    differing = 0
    for n in range(len(inputs)):
        try:
            alone = ask(inputs[n : n + 1])
        except TicError:
            return False
        in_batch = Answer(together.logits[:, n : n + 1], together.norms[:, n : n + 1])
        differing += in_batch.is_another(alone)
    if 2 * differing > len(inputs):
        raise TicError(
            "the answer to a sample depends on how many are in its batch, so it has no information "
            "of its own; take means over the axes of a sample, never over the batch"
        )
    return True


def _seeded(ask: Callable[[Tensor], Answer], inputs: Tensor, seed: int = 0) -> Answer:
    with own_random_numbers(seed, inputs.device):
        return ask(inputs)


def _blanked(inputs: Tensor, rows: Tensor) -> Tensor:
    blanked = inputs.clone()
    blanked[rows] = 0
    return blanked


def _differ(first: Tensor, second: Tensor, share: float | None = None, floor: float = 0) -> bool:
    if first.shape != second.shape:
        return True
    if not first.numel():
        return False
    size = max(float(first.abs().max()), float(second.abs().max()), floor)
    tolerance = _TOLERANCES[first.dtype] if share is None else share
    return bool((first - second).abs().max() > tolerance * size)


def _reason(
    ask: Callable[[Tensor], Answer], shown: Tensor, kept: Tensor, answer: Answer, blanked: Answer
) -> str:
    """Say why the answers to the samples that were kept are others now."""
    if answer.differs(_seeded(ask, shown), torch.ones_like(kept)):
        return (
            "two calls on the same samples give different logits or gradients, so the network "
            f"keeps state between calls, or draws random numbers that are not torch's; {RESET}"
        )
    before, after = answer.logits, blanked.logits
    if len(before) == before.shape[1] and not _differ(before[kept], after[kept]):
        return (
            f"logits must have shape (T, B, K), got {tuple(before.shape)} with the batch first: "
            "blanking a sample changes the logits along the first axis; return "
            "logits.transpose(0, 1)"
        )
    return (
        "samples of a batch depend on each other: blanking some changes the logits or gradients "
        "of others, so no sample has information of its own; normalise each sample by itself, or "
        "by running statistics"
    )
