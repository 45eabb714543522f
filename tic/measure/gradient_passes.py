"""Passes over batches of samples: one forward each, and weight gradients of every prefix 1..t."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from torch import nn

from tic.errors import TicError, require_known
from tic.losses import Readout
from tic.measure.batches import Batch, Loader, labelled_batches
from tic.measure.forward_pass import Pass
from tic.measure.vetting import Vetted
from tic.memory import free_bytes, is_lack_of_memory
from tic.models import SpikingNetwork
from tic.models.modes import differentiable

Taken = TypeVar("Taken")
_LOG = logging.getLogger(__name__)

ROWS = 256
"""Copies of images that a forward takes at least, since fewer cost nearly as much."""


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
    all the same, the parts are halved, and the log says so. A layer whose rule does not hold goes
    through autograd sample by sample, and the log says so too.

    Args:
        model: Maps inputs (B, …) to logits (T, B, K); left as it was found.
        loader: Batches of inputs and labels (B,).
        readout: `mean` or `sum` of the logits over 1..t.
        take: Called once per batch or part, after the rules of its layers were checked.
        whole: What is taken is of the batch as a whole: it may not be taken in parts, and no
            gradients per sample are asked for.

    Returns:
        What was taken, in the loader's order.

    Raises:
        TicError: The loader gives no samples or no batches (inputs, labels), the read-out is
            unknown, the logits are not (T, B, K), samples depend on each other, the network keeps
            state between calls, or memory runs out for a batch that must be whole or for a single
            sample.
    """
    return _GradientPasses(model, readout).over(loader, take, whole=whole)


def over_classes(
    model: nn.Module, loader: Loader, readout: Readout | str, take: Callable[[Pass], Taken]
) -> list[Taken]:
    """Take what is wanted of passes that give the gradients of all classes.

    There is one copy of each sample per class, so that one backward gives them all; a batch is
    taken in parts whose copies are as many as its samples, or `ROWS` if that is more. The copies
    of a network that draws random numbers would each draw their own: it has one, and a backward
    per class. Else as `over_batches`.
    """
    return _GradientPasses(model, readout).over(loader, take, of_classes=True)


class _GradientPasses:
    """Passes of one network over a loader, in parts that memory holds."""

    def __init__(self, model: nn.Module, readout: Readout | str) -> None:
        require_known("readout", readout, Readout)
        self.network = Vetted(model, Readout(readout))

    def over(
        self,
        loader: Loader,
        take: Callable[[Pass], Taken],
        *,
        of_classes: bool = False,
        whole: bool = False,
    ) -> list[Taken]:
        taken: list[Taken] = []
        network = self.network
        if whole:
            network.do_without_rules()
        with _as_measured(network.model):
            for batch in labelled_batches(loader, network.device):
                with _differentiating():
                    network.get_ready(batch.inputs)
                # Parts of a batch would draw other random numbers than the whole.
                undivided = network.is_random or network.is_fixed
                copies = network.classes if of_classes and not undivided else 1
                if whole or undivided:
                    taken.append(self._undivided(batch, copies, take))
                else:
                    taken += self._in_parts(batch, copies, take)
        return taken

    def _undivided(self, batch: Batch, copies: int, take: Callable[[Pass], Taken]) -> Taken:
        try:
            with _differentiating():
                return self.network.taken(batch, copies, take)
        except (RuntimeError, MemoryError) as error:
            if not is_lack_of_memory(error):
                raise
            raise self._too_large(batch) from error

    def _in_parts(self, batch: Batch, copies: int, take: Callable[[Pass], Taken]) -> list[Taken]:
        taken: list[Taken] = []
        start, size = 0, self._affordable(batch, copies)
        while start < len(batch):
            part = batch.part(start, size)
            try:
                with _differentiating():
                    taken.append(self.network.taken(part, copies, take))
            except (RuntimeError, MemoryError) as error:
                if not is_lack_of_memory(error):
                    raise
                if size == 1:
                    raise self._too_large(part) from error
                size = (size + 1) // 2
                _LOG.warning("memory ran out; going on with %d images at a time", size)
            else:
                start += size
        return taken

    def _too_large(self, batch: Batch) -> TicError:
        return TicError(
            f"{len(batch)} images need more memory than {self.network.device} has left, and cannot "
            f"be measured in smaller parts; run fewer processes, or measure a smaller network"
        )

    def _affordable(self, batch: Batch, copies: int) -> int:
        """Samples of a part: as many as keep rows of copies together and fit into memory.

        Half of what is free is for the graphs; there is one sample at least.
        """
        rows = max(len(batch), ROWS) // copies
        sample_bytes = max(1, copies * self.network.bytes_per_sample)
        return max(
            1, min(len(batch), rows, int(free_bytes(self.network.device) / 2 / sample_bytes))
        )


@contextmanager
def _differentiating() -> Iterator[None]:
    """Say what it was where autograd fails on a network; where stands in the error's cause."""
    try:
        yield
    except RuntimeError as error:
        if is_lack_of_memory(error):
            raise
        raise TicError(f"the model cannot be differentiated: {error}") from error


@contextmanager
def _as_measured(model: nn.Module) -> Iterator[None]:
    """Evaluation mode, gradients and, where the network offers it, a graph per timestep."""
    networks = {m: m.stepwise for m in model.modules() if isinstance(m, SpikingNetwork)}
    for network in networks:
        network.stepwise = True
    try:
        with differentiable(model):
            yield
    finally:
        for network, stepwise in networks.items():
            network.stepwise = stepwise
