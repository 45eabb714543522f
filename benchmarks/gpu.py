"""The paper's network on a GPU: bfloat16 by autocast, channels innermost, compiled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import torch

import tic
from benchmarks.audits import COLD, audit_anew
from benchmarks.cases import Case, resnet19
from benchmarks.harness import (
    NotMeasuredError,
    Options,
    Row,
    Sample,
    Target,
    at_least,
    at_most,
    compare,
    more_than,
    paired,
)
from benchmarks.peers.floors import Rectified, truncated_backwards
from benchmarks.peers.jelly import MultiStep, SingleStep
from benchmarks.training import RECURRENCE, SAME_CONVOLUTIONS, Net, net_of, steps

BATCHES = (128, 512)
STEPS = 3
SHARED = ("--device", "cuda", *COLD)
OURS = "bf16 autocast, channels-last, compiled"


def rows() -> Iterator[Row]:
    """Training steps and Fisher information by T and batch, and small Runs that share a GPU."""
    for case in (resnet19(5), resnet19(10)):
        for batch in BATCHES:
            yield from _training(case, batch)
            yield _fisher(case, batch)
    together = more_than(1)
    yield Row(
        "gpu/shared",
        f"pytest claims -n 4 {' '.join(SHARED)}, empty Store",
        "the same in one process: tiny networks leave most of a GPU idle",
        together,
        "Each process has a context of its own, and they take turns on the GPU.",
        partial(on_gpu, partial(_shared, together)),
    )


def _shared(target: Target, options: Options) -> Sample:
    pairs = [
        (audit_anew((*SHARED, "-n", "4")), audit_anew(SHARED)) for _ in range(options.pairs or 1)
    ]
    return paired(target, pairs)


def _fisher(case: Case, batch: int) -> Row:
    target = at_most(1.5)
    return Row(
        f"gpu/{case.key}-b{batch}/fisher-floor",
        case.says("fisher_information on a GPU, float32", batch),
        "floor: one forward, T truncated backwards, nothing per sample",
        target,
        "Norms per sample take more and smaller products than sums over the batch.",
        partial(on_gpu, partial(compare_fisher, case, batch, target)),
    )


def _training(case: Case, batch: int) -> Iterator[Row]:
    path = case.says(f"training step on a GPU, {OURS}", batch)
    for name, against, target, limit, net, alike in (
        ("single-step", "the release's way: SpikingJelly single-step, float32", at_least(4),
         SAME_CONVOLUTIONS, SingleStep, False),
        ("multi-step", f"SpikingJelly 2, multi-step; {OURS}", more_than(1),
         SAME_CONVOLUTIONS, MultiStep, True),
        ("floor", f"floor: ReLU on T·B images; {OURS}", at_most(1.3), RECURRENCE, Rectified, True),
    ):  # fmt: skip
        measure = partial(on_gpu, partial(compare_steps, case, batch, target, net, alike))
        yield Row(f"gpu/{case.key}-b{batch}/{name}", path, against, target, limit, measure)


def on_gpu(measure: Callable[[Options], Sample], options: Options) -> Sample:
    """Take a measurement where there is a GPU that holds it.

    Raises:
        NotMeasuredError: There is none, or its memory is too small.
    """
    if not torch.cuda.is_available():
        raise NotMeasuredError("no GPU")
    try:
        return measure(options)
    except torch.cuda.OutOfMemoryError as error:
        raise NotMeasuredError("the GPU's memory does not hold it") from error


def compare_steps(
    case: Case, batch: int, target: Target, net: Net, alike: bool, options: Options, *,
    device: torch.device | str = "cuda", compiled: bool = True,
) -> Sample:  # fmt: skip
    """Compare training steps in half precision with a peer's.

    Args:
        case: Network and images.
        batch: Number of images.
        target: Tells which way the ratio is taken.
        net: The peer.
        alike: Whether the peer is given the same precision, layout and compilation.
        options: May ask for another number of pairs.
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
    return compare(target, ours, theirs, options)


def compare_fisher(
    case: Case, batch: int, target: Target, options: Options, device: torch.device | str = "cuda"
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

    return compare(target, ours, floor, options)
