"""Fisher information over time: against loops, whole per-sample gradients, and its floor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import tic
from benchmarks.cases import CASES, CLASSES, Case
from benchmarks.harness import (
    Call,
    Options,
    Row,
    Sample,
    Target,
    at_least,
    at_most,
    compare,
    paired,
)
from benchmarks.memory import probe
from benchmarks.peers import functorch, release
from benchmarks.peers.floors import truncated_backwards
from benchmarks.peers.jelly import SingleStep

PRESENTATIONS = {"tiny": 640, "resnet19": 20}
"""Images times timesteps of a call: with more timesteps there are fewer images."""
ALONE = {"tiny": 4, "resnet19": 1}
"""Images for the loop over single images: its cost is proportional to them."""

BY_PRODUCTS = (
    "Norms per sample take products of every layer's patches with its output gradients, sample by "
    "sample; the peer sums over the batch inside one product."
)


def rows() -> Iterator[Row]:
    """All rows of `fisher_information`, by network and T."""
    for case in CASES:
        yield from _rows(case)


def _rows(case: Case) -> Iterator[Row]:
    batch, alone = images_of(case), ALONE[case.name]
    row = partial(_row, case)
    yield row(
        "one-by-one",
        f"batch of one, a forward per timestep ({batch} images from {alone})",
        at_least(10),
        _operations(case.timesteps),
        _one_by_one,
    )
    yield row(
        "release",
        f"the release's loop (batches of {min(16, batch)}, computes less)",
        at_least(1.7),
        _operations(case.timesteps),
        _release,
    )
    yield row(
        "vmap",
        "torch.func: vmap and jacrev over all prefix losses",
        at_least(1.5),
        "Both go back T times through the same layers; ours gains where vmap's convolutions in "
        "groups, one per sample, are slow, and least where layers are wide.",
        _vmap,
    )
    yield row(
        "vmap-memory",
        "peak memory of torch.func: vmap and jacrev",
        at_least(4),
        "Both hold the graph of one forward over T and gradients at the outputs of its layers; "
        "what ours saves are the gradients of the weights, (B, T, parameters).",
        _vmap_memory,
    )
    yield row(
        "floor",
        "floor: one forward, T truncated backwards, nothing per sample",
        at_most(1.5),
        BY_PRODUCTS,
        _floor,
    )


def images_of(case: Case) -> int:
    """Number of images of a call."""
    return PRESENTATIONS[case.name] // case.timesteps


def _row(
    case: Case,
    name: str,
    against: str,
    target: Target,
    limit: str,
    take: Callable[[Case, Target, Options], Sample],
) -> Row:
    path = case.says("fisher_information", images_of(case))
    measure = partial(take, case, target)
    return Row(f"fisher/{case.key}/{name}", path, against, target, limit, measure)


def _operations(timesteps: int) -> str:
    """Say what is left of the loop's disadvantage when calls cost nothing."""
    backwards = timesteps * (timesteps + 1)  # of t steps for every t, at two forwards a step
    ratio = (timesteps**2 + backwards) / (timesteps + backwards)
    return (
        f"By operations the loop costs {ratio:.2f} times as much, T forwards instead of one; "
        "more must come from batches that use the processor better, or norms that cost less "
        "than weight gradients."
    )


def ours(case: Case) -> Call:
    """Measure the empirical Fisher information of one batch."""
    network, batch = case.build(), case.batch(images_of(case))
    return lambda: tic.fisher_information(network, [batch], "empirical")


def _single_step(case: Case) -> SingleStep:
    peer = SingleStep(case.layout, case.channels, CLASSES, case.timesteps)
    peer.load_state_dict(case.build().state_dict())
    return peer


def _one_by_one(case: Case, target: Target, options: Options) -> Sample:
    alone, peer = ALONE[case.name], _single_step(case)
    images, labels = case.batch(alone)
    share = alone / images_of(case)
    call = partial(release.one_by_one, peer, images, labels)
    return compare(target, ours(case), call, options, share=share, warm=_quick(case))


def _release(case: Case, target: Target, options: Options) -> Sample:
    images, labels = case.batch(images_of(case))
    call = partial(release.squared_batch_means, _single_step(case), images, labels)
    return compare(target, ours(case), call, options, warm=_quick(case))


def _vmap(case: Case, target: Target, options: Options) -> Sample:
    images, labels = case.batch(images_of(case))
    call = partial(functorch.jacobian_trace, functorch.twin(case.build()), images, labels)
    return compare(target, ours(case), call, options, warm=_quick(case))


def _vmap_memory(case: Case, target: Target, options: Options) -> Sample:
    batch = images_of(case)
    # A peak hardly varies, and each takes a fresh process.
    pairs = [(probe("fisher", case, batch), probe("vmap", case, batch))]
    return paired(target, pairs, "bytes")


def _floor(case: Case, target: Target, options: Options) -> Sample:
    images, labels = case.batch(images_of(case))
    call = partial(truncated_backwards, case.build(), images, labels)
    return compare(target, ours(case), call, options, warm=_quick(case))


def _quick(case: Case) -> bool:
    """Whether a call is short enough for one that warms up; the median shrugs off a cold one."""
    return case.name == "tiny"
