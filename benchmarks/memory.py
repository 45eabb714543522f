"""Memory per image and timestep, against what one copy of every layer's output takes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor, nn

from benchmarks.cases import Case, resnet19, tiny
from benchmarks.commands import run
from benchmarks.harness import NotMeasuredError, Options, Row, Sample, Target, at_most, paired
from tic.neurons import LIF

CASES = (tiny(10), resnet19(5, side=16))
BATCHES = {"tiny": (16, 80), "resnet19": (2, 8)}
PATHS = {
    "step": (
        "training step",
        at_most(1.5),
        "Beside what layers keep for the backward stand the gradients at the largest; in a small "
        "network that is one of the first, and much of the whole.",
    ),
    "fisher": (
        "fisher_information",
        at_most(2),
        "Beside the graph stand the gradients at all layers' outputs, and a chunk of patches.",
    ),
}


def rows() -> Iterator[Row]:
    """Growth of the peak from a small batch to a larger one, by path and network."""
    for case in CASES:
        small, large = BATCHES[case.name]
        for name, (path, target, limit) in PATHS.items():
            yield Row(
                f"memory/{case.key}/{name}",
                f"bytes per image·timestep of {path}, {case.name}, T={case.timesteps}, "
                f"from B={small} to {large}",
                "one float32 copy of the outputs of convolutions, normalisations and neurons",
                target,
                limit,
                partial(_measure, case, name, target),
            )


def _measure(case: Case, path: str, target: Target, options: Options) -> Sample:
    small, large = BATCHES[case.name]
    grown = probe(path, case, large) - probe(path, case, small)
    if grown <= 0:
        raise NotMeasuredError(f"the peak did not grow from B={small} to {large}")
    per_presentation = grown / ((large - small) * case.timesteps)
    return paired(target, [(per_presentation, one_copy(case))], "bytes")


def probe(path: str, case: Case, batch: int) -> float:
    """Peak bytes of a path in a fresh process.

    Raises:
        NotMeasuredError: The process failed.
    """
    arguments = (path, case.name, str(case.timesteps), str(case.side), str(batch))
    _, printed = run(("-m", "benchmarks.probe", *arguments))
    return float(printed)


def one_copy(case: Case) -> float:
    """Bytes of all layers' outputs per image and timestep; the stem's count once per image."""
    network, total = case.build(), 0

    def count(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        total += output.nbytes

    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.BatchNorm2d | LIF):
            module.register_forward_hook(count)
    with torch.no_grad():
        network(case.batch(1)[0])
    return total / case.timesteps
