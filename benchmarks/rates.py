"""Firing rates of a network: against SpikingJelly's monitor, and one forward pass."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import nn

from benchmarks.cases import Case, resnet19, tiny
from benchmarks.harness import (
    Call,
    Options,
    Row,
    Sample,
    Target,
    at_most,
    compare,
    more_than,
)
from benchmarks.peers import monitored
from tic.measure.firing import Firing, firing
from tic.neurons import LIF

CASES = (tiny(10), resnet19(5, side=16))
BATCH = {"tiny": 64, "resnet19": 4}
CHECKED = "Counts by channel and timestep are exact, which takes longer than one mean of a layer."


def rows() -> Iterator[Row]:
    """Both rows of each network."""
    peer, floor = more_than(1), at_most(1.2)
    for case in CASES:
        path = case.says("firing rates", BATCH[case.name])
        yield Row(
            f"firing/{case.key}/monitor", path,
            "SpikingJelly's OutputMonitor on the same network, means of its records", peer, CHECKED,
            partial(_monitor, case, peer),
        )  # fmt: skip
        yield Row(
            f"firing/{case.key}/floor", path, "floor: one forward pass", floor, CHECKED,
            partial(_floor, case, floor),
        )  # fmt: skip


def neuron_layers(network: nn.Module) -> list[str]:
    """Names of the layers of neurons."""
    return [name for name, module in network.named_modules() if isinstance(module, LIF)]


def ours(case: Case) -> Call:
    """Count the spikes of every layer of neurons on one batch."""
    network, batch = case.build().eval(), case.batch(BATCH[case.name])
    layers = neuron_layers(network)

    def call() -> Firing:
        return firing(network, [batch], layers)

    return call


def _monitor(case: Case, target: Target, options: Options) -> Sample:
    network, (images, _) = case.build(), case.batch(BATCH[case.name])
    return compare(target, ours(case), partial(monitored.rates, network, images), options)


def _floor(case: Case, target: Target, options: Options) -> Sample:
    network, (images, _) = case.build().eval(), case.batch(BATCH[case.name])

    def forward() -> None:
        with torch.no_grad():
            network(images)

    return compare(target, ours(case), forward, options)
