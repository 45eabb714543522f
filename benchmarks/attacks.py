"""PGD over a test set: both by torchattacks, ours on our network, the peer's on the release's."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
import torchattacks

from benchmarks.cases import CASES, CLASSES, Case
from benchmarks.harness import Options, Row, Sample, Target, at_least, compare
from benchmarks.peers.jelly import SingleStep
from benchmarks.training import SAME_CONVOLUTIONS
from tic.attacks import PGD
from tic.attacks.readout import MeanReadout

BATCH = {"tiny": 64, "resnet19": 1}
BATCHES = {"tiny": 2, "resnet19": 1}
ATTACK = PGD(epsilon=8 / 255, step=4 / 255, steps=10)
TARGET = at_least(2.5)


def rows() -> Iterator[Row]:
    """Ten steps of PGD, by network and T."""
    for case in CASES:
        batches = BATCHES[case.name]
        size = f" in {batches} batches" if batches > 1 else ""
        yield Row(
            f"attacks/{case.key}/pgd",
            case.says("PGD-10", batches * BATCH[case.name]) + size,
            "torchattacks.PGD on the release's network (single-step, float32)",
            TARGET,
            SAME_CONVOLUTIONS,
            partial(_measure, case, TARGET),
        )


def _measure(case: Case, target: Target, options: Options) -> Sample:
    images, labels = case.batch(BATCHES[case.name] * BATCH[case.name])
    size = BATCH[case.name]
    batches = list(zip(torch.split(images, size), torch.split(labels, size), strict=True))
    network = case.build().eval()
    peer = SingleStep(case.layout, case.channels, CLASSES, case.timesteps)
    peer.load_state_dict(network.state_dict())
    theirs = torchattacks.PGD(
        MeanReadout(peer.eval(), labels), eps=ATTACK.epsilon, alpha=ATTACK.step, steps=ATTACK.steps
    )

    def attack_ours() -> torch.Tensor:
        return torch.cat([ATTACK(network, *batch, n) for n, batch in enumerate(batches)])

    def attack_theirs() -> torch.Tensor:
        return torch.cat([theirs(*batch) for batch in batches])

    return compare(target, attack_ours, attack_theirs, options, warm=case.name == "tiny")
