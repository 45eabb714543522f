"""The paper's network on a GPU: bfloat16 by autocast, channels innermost, compiled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import torch

import tic
from benchmarks.cases import Case, resnet19
from benchmarks.harness import (
    Asked,
    NotMeasuredError,
    Row,
    Sample,
    Target,
    at_least,
    at_most,
    compare,
    more_than,
)
from benchmarks.peers.floors import Rectified, truncated_backwards
from benchmarks.peers.jelly import MultiStep, SingleStep
from benchmarks.training import RECURRENCE, SAME_CONVOLUTIONS, Net, net_of, steps

BATCHES = (128, 512)
FISHER_BATCH = 128
STEPS = 3
OURS = "bf16 autocast, channels-last, compiled"


def rows() -> Iterator[Row]:
    """Training steps by T and batch, and Fisher information by T."""
    for case in (resnet19(5), resnet19(10)):
        for batch in BATCHES:
            yield from _training(case, batch)
        target = at_most(1.5)
        yield Row(
            f"gpu/{case.key}/fisher-floor",
            case.says("fisher_information on a GPU, float32", FISHER_BATCH),
            "floor: one forward, T truncated backwards, nothing per sample",
            target,
            "Norms per sample take more and smaller products than sums over the batch.",
            partial(on_gpu, partial(compare_fisher, case, FISHER_BATCH, target)),
        )


def _training(case: Case, batch: int) -> Iterator[Row]:
    path = case.says(f"training step on a GPU, {OURS}", batch)
    for name, against, target, limit, net, alike in (
        ("single-step", "the release's way: SpikingJelly single-step, float32", at_least(2.5),
         SAME_CONVOLUTIONS, SingleStep, False),
        ("multi-step", f"SpikingJelly 2, multi-step; {OURS}", more_than(1),
         SAME_CONVOLUTIONS, MultiStep, True),
        ("floor", f"floor: ReLU on T·B images; {OURS}", at_most(1.3), RECURRENCE, Rectified, True),
    ):  # fmt: skip
        measure = partial(on_gpu, partial(compare_steps, case, batch, target, net, alike))
        yield Row(f"gpu/{case.key}-b{batch}/{name}", path, against, target, limit, measure)


def on_gpu(measure: Callable[[Asked], Sample], asked: Asked) -> Sample:
    """Take a measurement where there is a GPU that holds it.

    Raises:
        NotMeasuredError: There is none, or its memory is too small.
    """
    if not torch.cuda.is_available():
        raise NotMeasuredError("no GPU")
    try:
        return measure(asked)
    except torch.cuda.OutOfMemoryError as error:
        raise NotMeasuredError("the GPU's memory does not hold it") from error


def compare_steps(
    case: Case, batch: int, target: Target, net: Net, alike: bool, asked: Asked, *,
    device: torch.device | str = "cuda", compiled: bool = True,
) -> Sample:  # fmt: skip
    """Compare training steps in half precision with a peer's.

    Args:
        case: Network and images.
        batch: Number of images.
        target: Tells which way the ratio is taken.
        net: The peer.
        alike: Whether the peer is given the same precision, layout and compilation.
        asked: May ask for another number of pairs.
        device: Where.
        compiled: Whether ours goes through `torch.compile`.
    """
    ours = steps(case.build(), case, batch, STEPS, device=device, half=True, compiled=compiled)
    theirs = steps(
        net_of(net, case),
        case,
        batch,
        STEPS,
        device=device,
        half=alike,
        compiled=alike and compiled,
    )
    return compare(target, ours, theirs, asked)


def compare_fisher(
    case: Case, batch: int, target: Target, asked: Asked, device: torch.device | str = "cuda"
) -> Sample:
    """Compare `fisher_information` of one batch with its floor on a device."""
    images, labels = case.batch(batch, device)
    network, bare = case.build().to(device), case.build().to(device)

    def ours() -> None:
        tic.fisher_information(network, [(images, labels)], "empirical")

    def floor() -> None:
        truncated_backwards(bare, images, labels)
        if images.device.type == "cuda":
            torch.cuda.synchronize(images.device)

    return compare(target, ours, floor, asked)
