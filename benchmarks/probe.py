"""Peak memory of one path in a process of its own: python -m benchmarks.probe PATH NAME T B."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

import tic
from benchmarks.cases import Case, resnet19, tiny
from benchmarks.harness import Call
from benchmarks.peers import functorch
from benchmarks.training import steps

MAKERS = {"tiny": tiny, "resnet19": resnet19}


def peak_resident(status: Path = Path("/proc/self/status")) -> int:
    """Largest resident set of this process so far, in bytes.

    Linux hands `ru_maxrss` of the parent on to a process that it starts, so its own mark counts
    where there is one.
    """
    if status.exists():
        marks = (line.split() for line in status.read_text().splitlines())
        return next(1024 * int(mark[1]) for mark in marks if mark[0] == "VmHWM:")
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _step(case: Case, batch: int) -> Call:
    return steps(case.build(), case, batch)


def _fisher(case: Case, batch: int) -> Call:
    network, images = case.build(), case.batch(batch)
    return lambda: tic.fisher_information(network, [images], "empirical")


def _vmap(case: Case, batch: int) -> Call:
    network, (images, labels) = functorch.twin(case.build()), case.batch(batch)
    return lambda: functorch.jacobian_trace(network, images, labels)


PATHS: dict[str, Callable[[Case, int], Call]] = {"step": _step, "fisher": _fisher, "vmap": _vmap}


def peak_of(path: str, case: Case, batch: int) -> int:
    """Bytes by which a path raises the peak over what stands before it: network and images."""
    return raised_by(PATHS[path](case, batch))


def raised_by(call: Call) -> int:
    """Bytes by which a call raises the peak over what stands before it."""
    before = peak_resident()
    call()
    return peak_resident() - before


def main(arguments: list[str]) -> None:
    """Print the bytes."""
    path, name, timesteps, side, batch = arguments
    torch.set_num_threads(1)
    case = replace(MAKERS[name](int(timesteps)), side=int(side))
    print(peak_of(path, case, int(batch)))


if __name__ == "__main__":
    main(sys.argv[1:])
