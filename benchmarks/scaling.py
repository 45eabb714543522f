"""How cost grows over timesteps, batch, width and depth: measured, with fitted exponents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

import tic
from benchmarks.cases import CLASSES
from benchmarks.harness import Call, seconds
from tic.losses import mean_loss
from tic.models.resnet import ResNetLayout, SpikingResNet

SIDE = 28
CALLS = 3


class Size(NamedTuple):
    """A residual network of three stages, as `tiny`, and its batch."""

    timesteps: int = 4
    batch: int = 16
    width: int = 16
    depth: int = 1

    def network(self) -> SpikingResNet:
        """Build it with weights that are the same every time."""
        torch.manual_seed(0)
        width, depth = self.width, self.depth
        layout = ResNetLayout(width, (width, 2 * width, 2 * width), (depth,) * 3, (2, 2, 2))
        return SpikingResNet(
            layout, in_channels=1, num_classes=CLASSES, timesteps=self.timesteps, tau=2.0,
            mean=(0.0,), std=(1.0,),
        )  # fmt: skip

    def images(self) -> tuple[Tensor, Tensor]:
        """Draw images (B, 1, 28, 28) and labels (B,)."""
        torch.manual_seed(1)
        return torch.rand(self.batch, 1, SIDE, SIDE), torch.randint(CLASSES, (self.batch,))


class Axis(NamedTuple):
    """One direction to grow in, all else as in `Size()`."""

    name: str
    sizes: dict[int, Size]


AXES = (
    Axis("timesteps", {n: Size(timesteps=n) for n in (2, 4, 8, 16)}),
    Axis("batch", {n: Size(batch=n) for n in (8, 16, 32, 64)}),
    Axis("width", {n: Size(width=n) for n in (8, 16, 32, 64)}),
    Axis("basic blocks", {3 * n: Size(depth=n) for n in (1, 2, 4, 8)}),
)


def training_step(size: Size) -> Call:
    """Forward and backward of one batch."""
    network, (images, labels) = size.network(), size.images()

    def call() -> None:
        mean_loss(network(images), labels).backward()  # type: ignore[no-untyped-call]

    return call


def fisher_information(size: Size) -> Call:
    """Empirical Fisher information of one batch."""
    network, batch = size.network(), size.images()
    return lambda: tic.fisher_information(network, [batch], "empirical")


PATHS: dict[str, Callable[[Size], Call]] = {
    "training step": training_step,
    "fisher_information": fisher_information,
}


@dataclass(frozen=True)
class Growth:
    """Cost of a path along an axis.

    Attributes:
        path: What is timed.
        axis: What grows.
        x: Values along the axis.
        y: Seconds of one call, the median of a few.
        exponent: Slope of log y over log x by least squares.
    """

    path: str
    axis: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    exponent: float

    def as_json(self) -> dict[str, Any]:
        """Return the fields for a JSON file."""
        return asdict(self)


def exponent(x: Sequence[float], y: Sequence[float]) -> float:
    """Fit y = c·x^e by least squares of the logarithms and return e."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def growths(axes: Sequence[Axis] = AXES, calls: int = CALLS) -> list[Growth]:
    """Time all paths along all axes, each size a few times after one call that warms up."""
    return [_growth(axis, path, calls) for axis in axes for path in PATHS]


def _growth(axis: Axis, path: str, calls: int) -> Growth:
    taken = [_typical(PATHS[path](size), calls) for size in axis.sizes.values()]
    along = tuple(map(float, axis.sizes))
    return Growth(path, axis.name, along, tuple(taken), exponent(along, taken))


def _typical(call: Call, calls: int) -> float:
    call()
    return median(seconds(call) for _ in range(calls))


def markdown(growths: Sequence[Growth]) -> str:
    """Return the table of exponents."""
    lines = ["| path | over | from | to | seconds | exponent |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {growth.path} | {growth.axis} | {growth.x[0]:g} | {growth.x[-1]:g} "
        f"| {growth.y[0]:.3g} to {growth.y[-1]:.3g} | {growth.exponent:.2f} |"
        for growth in growths
    ]
    return "\n".join(lines)
