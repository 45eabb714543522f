"""A training step: against the libraries that others train the same network with, and its floor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import torch
from torch import nn

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
    more_than,
)
from benchmarks.peers.floors import Rectified
from benchmarks.peers.jelly import MultiStep, SingleStep
from benchmarks.peers.norse_net import Norse
from benchmarks.peers.snn_torch import SnnTorch
from tic.losses import mean_loss
from tic.models.resnet import ResNetLayout

BATCH = {"tiny": 64, "resnet19": 2}
STEPS = {"tiny": 3, "resnet19": 1}
"""Steps of one timed call."""

SAME_CONVOLUTIONS = (
    "Convolutions are the same operations in both. What can be gained are neurons, normalisation, "
    "the stem and the overhead of T calls; how little that is, the row of the floor tells."
)
RECURRENCE = (
    "A membrane is read and written at every timestep, forward and backward, where ReLU is one "
    "pass over memory."
)

Net = Callable[[ResNetLayout, int, int, int], nn.Module]


class Peer(NamedTuple):
    """A network to train beside ours."""

    name: str
    against: str
    target: Target
    limit: str
    net: Net


PEERS = (
    Peer(
        "single-step",
        "the release's way: SpikingJelly's single-step layers in a loop over time, float32",
        at_least(2.5),
        SAME_CONVOLUTIONS,
        SingleStep,
    ),
    Peer(
        "multi-step",
        "SpikingJelly 2, multi-step layers",
        more_than(1),
        SAME_CONVOLUTIONS,
        MultiStep,
    ),
    Peer(
        "snntorch",
        "snnTorch, Leaky in a loop over time",
        more_than(1),
        SAME_CONVOLUTIONS,
        SnnTorch,
    ),
    Peer(
        "norse",
        "Norse, LIFBoxCell lifted over time",
        more_than(1),
        SAME_CONVOLUTIONS,
        Norse,
    ),
    Peer(
        "floor",
        "floor: the same network with ReLU on T·B images",
        at_most(1.3),
        RECURRENCE,
        Rectified,
    ),
)
"""Each as its library's users write it: weights in torch's own memory format, all else alike."""


def rows() -> Iterator[Row]:
    """All rows of the training step, by network and T."""
    for case in CASES:
        for peer in PEERS:
            yield Row(
                f"training/{case.key}/{peer.name}",
                case.says("training step", BATCH[case.name]),
                peer.against,
                peer.target,
                peer.limit,
                partial(_measure, case, peer),
            )


def _measure(case: Case, peer: Peer, options: Options) -> Sample:
    batch, count = BATCH[case.name], STEPS[case.name]
    theirs = steps(net_of(peer.net, case), case, batch, count)
    ours = steps(case.build(), case, batch, count)
    return compare(peer.target, ours, theirs, options, warm=case.name == "tiny")


def net_of(net: Net, case: Case) -> nn.Module:
    """Build a peer's network for a case.

    Raises:
        NotMeasuredError: Its library is missing.
    """
    return net(case.layout, case.channels, CLASSES, case.timesteps)


def steps(
    network: nn.Module,
    case: Case,
    batch: int,
    count: int = 1,
    *,
    device: torch.device | str = "cpu",
    half: bool = False,
    compiled: bool = False,
) -> Call:
    """Make a call that takes training steps: forward, loss of the mean logits, backward, SGD.

    Args:
        network: Maps images (B, C, H, W) to logits (T, B, K).
        case: Gives the images.
        batch: Number of images B.
        count: Steps per call.
        device: Where; on a GPU the call waits for its end.
        half: bfloat16 by autocast, and channels innermost.
        compiled: Through `torch.compile`.
    """
    where = torch.device(device)
    images, labels = case.batch(batch, where)
    network.to(where).train()
    if half:
        network.to(memory_format=torch.channels_last)
        images = images.contiguous(memory_format=torch.channels_last)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    forward = torch.compile(network) if compiled else network

    def call() -> None:
        for _ in range(count):
            optimiser.zero_grad()
            with torch.autocast(where.type, torch.bfloat16, enabled=half):
                loss = mean_loss(forward(images), labels)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        if where.type == "cuda":
            torch.cuda.synchronize(where)

    return call
