"""Passes over batches of images: one forward each, and weight gradients of every prefix 1..t."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from tic.errors import TicError
from tic.losses import Readout, prefix_logits
from tic.measure.capture import capture
from tic.measure.gradients import Gradients, Layers, check_against_autograd
from tic.memory import counting_saved_bytes, free_bytes, is_lack_of_memory
from tic.models import SpikingNetwork
from tic.models.modes import evaluation_mode

Loader = Iterable[tuple[Tensor, Tensor]]
Option = TypeVar("Option", bound=StrEnum)
Taken = TypeVar("Taken")
_LOG = logging.getLogger(__name__)

ROWS = 256
"""Copies of images that a forward takes at least, since fewer cost nearly as much."""
Axes = dict[str, list[bool]]
"""For every call of every layer, whether time is taken to be its input's first axis."""


class Pass:
    """One forward over V copies of a batch, and the weight gradients of its prefixes.

    Attributes:
        labels: Shape (B,).
        prefixes: Logits (V·B, K) of every prefix 1..t, with their graphs, copy after copy.
        gradients: Of any weighting of those logits.
    """

    def __init__(
        self,
        layers: Layers,
        images: Tensor,
        labels: Tensor,
        readout: Readout,
        copies: int = 1,
        allowed_bytes: float = 0,
    ) -> None:
        self.labels = labels
        with capture(layers.rules, allowed_bytes) as captures:
            self.prefixes = _prefixes(layers.model, images.repeat(copies, 1, 1, 1), readout)
        self.gradients = Gradients(layers, captures, len(labels), copies)

    def first_copy(self, prefix: Tensor) -> Tensor:
        """Logits (B, K) without their graph; those of the other copies are the same."""
        return prefix.detach()[: len(self.labels)]

    def kernels(self) -> Iterator[dict[str, Tensor]]:
        """Tangent kernels J Jᵀ of every prefix, per layer, shape (B, K, K).

        There must be one copy per class, since each copy's gradient is that of one logit.
        """
        for prefix in self.prefixes:
            units = torch.eye(prefix.shape[1], dtype=prefix.dtype, device=prefix.device)
            yield self.gradients.inner(prefix, units.repeat_interleave(len(self.labels), 0))

    @property
    def axes(self) -> Axes:
        """How the axes of the layers' inputs are read."""
        size, captures = len(self.prefixes[0]), self.gradients.captures
        return {name: each.time_outermost(size) for name, each in captures.items()}

    def check(self) -> None:
        """Compare the rules of the layers with autograd at the last prefix.

        Raises:
            TicError: They disagree.
        """
        logits = self.prefixes[-1]
        labels = self.labels.repeat(len(logits) // len(self.labels))
        check_against_autograd(self.gradients, logits, output_error(logits, labels))


def over_batches(
    model: nn.Module,
    loader: Loader,
    readout: Readout | str,
    take: Callable[[Pass], Taken],
    *,
    whole: bool = False,
) -> list[Taken]:
    """Take what is wanted of every batch while the model is as it is measured.

    A batch that does not fit into half of the free memory is taken in parts. When memory runs out
    all the same, the parts are halved, and the log says so.

    Args:
        model: Maps images (B, C, H, W) to logits (T, B, K); left as it was found.
        loader: Batches of images and labels (B,).
        readout: `mean` or `sum` of the logits over 1..t.
        take: Called once per batch or part, after the rules of its layers were checked.
        whole: Batches may not be taken in parts, since what is taken depends on their size.

    Returns:
        What was taken, in the loader's order.

    Raises:
        TicError: The loader is empty, the read-out unknown, the logits not (T, B, K), a layer mixes
            samples, a layer's gradients disagree with autograd, or memory runs out for a batch that
            must be whole or for a single image.
    """
    return _Passes(model, readout).over(loader, take, whole=whole)


def over_classes(
    model: nn.Module, loader: Loader, readout: Readout | str, take: Callable[[Pass], Taken]
) -> list[Taken]:
    """Take what is wanted of passes with one copy of each image per class, as `over_batches` does.

    A batch is taken in parts whose copies are as many as its images, or `ROWS` if that is more.
    """
    return _Passes(model, readout).over(loader, take, of_classes=True)


def output_error(logits: Tensor, labels: Tensor) -> Tensor:
    """Gradient p - e_y of -log p(y) at the logits: (B, K), (B,) -> (B, K)."""
    return logits.detach().softmax(1) - one_hot(labels, logits.shape[1])


def known(options: type[Option], name: str) -> Option:
    """Find an option by its name.

    Raises:
        TicError: There is none of that name.
    """
    try:
        return options(name)
    except ValueError:
        every = ", ".join(options)
        raise TicError(f"unknown {options.__name__.lower()} {name!r}; known: {every}") from None


class _Passes:
    """Passes of one model, whose layers are checked at every new size of a batch."""

    def __init__(self, model: nn.Module, readout: Readout | str) -> None:
        self.readout = known(Readout, readout)
        self.model, self.layers = model, Layers(model)
        self.device = next(model.parameters()).device
        self.bytes_per_image = 0.0
        self.read: dict[int, Axes] = {}
        self.checked: set[tuple[int, int]] = set()

    def over(
        self,
        loader: Loader,
        take: Callable[[Pass], Taken],
        *,
        of_classes: bool = False,
        whole: bool = False,
    ) -> list[Taken]:
        taken: list[Taken] = []
        with _as_measured(self.model):
            for images, labels in loader:
                shown, named = images.to(self.device), labels.to(self.device)
                if len(named) not in self.read:
                    self.read[len(named)] = self._vouched(shown, named)
                copies = self._classes(shown) if of_classes else 1
                size = min(len(named), max(1, max(len(named), ROWS) // copies))
                if not whole:
                    size = min(size, self._affordable(copies))
                taken += self._in_parts(shown, named, take, size, copies, whole=whole)
        if not taken:
            raise TicError("the loader must give at least one batch, got none")
        return taken

    def _in_parts(
        self,
        images: Tensor,
        labels: Tensor,
        take: Callable[[Pass], Taken],
        size: int,
        copies: int,
        *,
        whole: bool,
    ) -> list[Taken]:
        taken: list[Taken] = []
        start = 0
        while start < len(labels):
            part = slice(start, start + size)
            try:
                taken.append(self._taken(images[part], labels[part], take, copies, len(labels)))
            except (RuntimeError, MemoryError) as error:
                if not is_lack_of_memory(error):
                    raise
                if whole or size == 1:
                    raise TicError(
                        f"{min(size, len(labels))} images need more memory than {self.device} has "
                        f"left, and cannot be measured in smaller parts; run fewer processes, or "
                        f"measure a smaller network"
                    ) from error
                size = (size + 1) // 2
                _LOG.warning("memory ran out; going on with %d images at a time", size)
            else:
                start += size
        return taken

    def _taken(
        self,
        images: Tensor,
        labels: Tensor,
        take: Callable[[Pass], Taken],
        copies: int,
        batch: int,
    ) -> Taken:
        """Take what is wanted of one pass, whose graph is gone before the next is made."""
        made = self._pass(images, labels, copies)
        self._compare(made, self.read[batch])
        return take(made)

    def _pass(self, images: Tensor, labels: Tensor, copies: int) -> Pass:
        # Patches take many times their images: no more of them are kept than the graph takes.
        graph = self.bytes_per_image * len(labels) * copies
        return Pass(self.layers, images, labels, self.readout, copies, graph)

    def _affordable(self, copies: int) -> int:
        """Images whose copies' graphs fit into half of the free memory, at least one."""
        return max(1, int(free_bytes(self.device) / 2 / max(1, copies * self.bytes_per_image)))

    def _classes(self, images: Tensor) -> int:
        with torch.no_grad():
            return _prefixes(self.model, images[:1], self.readout)[0].shape[1]

    def _vouched(self, images: Tensor, labels: Tensor) -> Axes:
        """Check the rules of the layers, on two images and timesteps where that is enough.

        Two may be as long as another axis, or too few for the model; then all are asked. The
        timesteps of other models are not ours to choose.

        Returns:
            How the axes were read where the rules hold, by their first calls.
        """
        with suppress(TicError, RuntimeError), _with_timesteps(self.model, 2) as share:
            axes = self._sound(images[:2], labels[:2])
            self.bytes_per_image /= share
            return axes
        return self._sound(images, labels)

    def _sound(self, images: Tensor, labels: Tensor) -> Axes:
        with counting_saved_bytes(self.model.parameters()) as saved:
            made = Pass(self.layers, images, labels, self.readout)
        made.check()
        self.bytes_per_image = saved.bytes / len(labels)
        return made.axes

    def _compare(self, made: Pass, axes: Axes) -> None:
        """Check a pass by itself when its size, and nothing else, makes its axes read otherwise."""
        size = (len(made.labels), len(made.prefixes[0]))
        read = {name: calls[: len(axes[name])] for name, calls in made.axes.items()}
        if size not in self.checked and read != axes:
            made.check()
        self.checked.add(size)


@contextmanager
def _as_measured(model: nn.Module) -> Iterator[None]:
    """Evaluation mode and, where the network offers it, a graph per timestep; restored after."""
    networks = {m: m.stepwise for m in model.modules() if isinstance(m, SpikingNetwork)}
    for network in networks:
        network.stepwise = True
    try:
        with evaluation_mode(model), torch.enable_grad():
            yield
    finally:
        for network, stepwise in networks.items():
            network.stepwise = stepwise


@contextmanager
def _with_timesteps(model: nn.Module, timesteps: int) -> Iterator[float]:
    """Run a network of ours for so many timesteps at most; yields their share of its own."""
    if not isinstance(model, SpikingNetwork):
        yield 1.0
        return
    own = model.timesteps
    model.timesteps = min(timesteps, own)
    try:
        yield model.timesteps / own
    finally:
        model.timesteps = own


def _prefixes(model: nn.Module, images: Tensor, readout: Readout) -> list[Tensor]:
    """Read-outs (B, K) over 1..t for every t, without later timesteps in their graphs."""
    if isinstance(model, SpikingNetwork):
        readouts = model.readouts(images)
    else:
        logits = model(images)
        if logits.dim() != 3 or logits.shape[1] != len(images):
            raise TicError(
                f"the model must return logits (T, B, K) with B={len(images)}, "
                f"got shape {tuple(logits.shape)}"
            )
        readouts = list(torch.split(logits, 1))
    times = range(1, len(readouts) + 1)
    return [prefix_logits(torch.cat(readouts[:t]), readout)[-1] for t in times]
