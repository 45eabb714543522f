"""Getting to know a network before anything is measured on it, and vouching for every layer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

import torch
from torch import Tensor, nn

from tic.errors import TicError
from tic.losses import Readout
from tic.measure.batches import Batch
from tic.measure.forward_pass import Axes, Pass
from tic.measure.gradients import Layers
from tic.measure.independence import Answer, conduct, telling
from tic.measure.vouching import any_weighting, compare_with_autograd
from tic.memory import counting_saved_bytes
from tic.models import SpikingNetwork

Taken = TypeVar("Taken")
_LOG = logging.getLogger(__name__)


class Vetted:
    """A network whose layers' rules are compared with autograd before they are relied on.

    Attributes:
        layers: Under the rules that hold.
        bytes_per_sample: Of a forward's graph; 0 before it was weighed.
        is_random: Whether the logits follow from torch's random numbers too.
        reacts: Whether they were seen to follow from the samples.
        is_brief: Whether two samples and timesteps are enough to try it on.
        unvouched: Layers whose rule was not yet compared with autograd where there is a gradient.
        axes: How axes are read where the rules were found to hold.
        read: Sizes of batches whose axes were compared with that.

    Raises:
        TicError: The network cannot be measured; see `Layers`.
    """

    def __init__(self, model: nn.Module, readout: Readout) -> None:
        self.readout, self.model, self.layers = readout, model, Layers(model)
        self.device = next(model.parameters()).device
        self.bytes_per_sample = 0.0
        self.is_random = self.reacts = self.is_brief = False
        self.unvouched = set(self.layers.rules)
        self.axes: Axes = {}
        self.read: set[tuple[int, int]] = set()

    def do_without_rules(self) -> None:
        """Leave all layers to autograd, since no gradients per sample are asked for."""
        self.layers.leave_to_autograd([*self.layers.rules])
        self.unvouched = set()

    def get_ready(self, inputs: Tensor) -> None:
        """Find out what must be known before a pass, on a few samples that tell most.

        Raises:
            TicError: The network keeps state between calls, or its samples depend on each other.
        """
        if self.reacts:
            return
        shown = telling(inputs)
        if not self.bytes_per_sample:
            # The numbers that a random network draws are those of what is measured.
            with torch.random.fork_rng([self.device] if self.device.type == "cuda" else []):
                self.is_brief = self._look_through(shown)
        with _with_timesteps(self.model, 2 if self.is_brief else None):
            tried = conduct(self._answer, shown[:2] if self.is_brief else shown)
        self.is_random |= tried.is_random
        self.reacts |= tried.reacts

    def taken(self, batch: Batch, copies: int, take: Callable[[Pass], Taken]) -> Taken:
        """Take what is wanted of one pass, whose graph is gone before the next is made.

        Layers not yet vouched for are watched; the rule of one that has a gradient must hold here.
        """
        # Patches take many times their images: no more of them are kept than the graph takes.
        graph = self.bytes_per_sample * len(batch) * copies
        while True:
            made = self._readable(batch, copies, graph)
            made.gradients.watched = sorted(self.unvouched)
            found = take(made)
            made.gradients.watched = ()
            if self._vouched(made, made.gradients.stirred):
                return found
            del made, found

    def _readable(self, batch: Batch, copies: int = 1, graph: float = 0) -> Pass:
        """Make a pass whose size lets no layer's axes be taken for others."""
        while True:
            made = Pass(self.layers, batch, self.readout, copies, graph)
            if self._vouched(made, self._read_otherwise(made)):
                return made
            del made

    def _answer(self, inputs: Tensor) -> Answer:
        made = self._readable(_unlabelled(inputs))
        weights = any_weighting(len(inputs), made.prefixes[-1])
        norms = made.gradients.per_sample(made.prefixes[-1], weights)
        return Answer(made.logits, torch.stack([*norms.values()]))

    def _look_through(self, inputs: Tensor) -> bool:
        """Weigh a graph and compare the layers' rules with autograd, before the first pass.

        Two samples and timesteps are enough for most networks of ours. Two may be as long as
        another axis, or too few for the model; then the samples are all asked. The timesteps of
        other models are not ours to choose.

        Returns:
            Whether two samples and timesteps were enough.
        """
        if isinstance(self.model, SpikingNetwork):
            with suppress(TicError, RuntimeError), _with_timesteps(self.model, 2) as share:
                made = self._weighed(inputs[:2])
                self.bytes_per_sample /= share
                if not self._compared(made, self.unvouched):
                    self.axes = made.axes
                    return True
                del made
        made = self._weighed(inputs)
        self._vouched(made, self.unvouched)
        self.axes = made.axes
        return False

    def _weighed(self, inputs: Tensor) -> Pass:
        with counting_saved_bytes(self.model.parameters()) as saved:
            made = Pass(self.layers, _unlabelled(inputs), self.readout)
        self.bytes_per_sample = saved.bytes / len(inputs)
        return made

    def _read_otherwise(self, made: Pass) -> set[str]:
        """Layers whose axes a pass's size, and nothing else, makes read otherwise than before."""
        size = (len(made.batch), len(made.prefixes[0]))
        if size in self.read:
            return set()
        self.read.add(size)
        pairs = ((name, own, self.axes[name]) for name, own in made.axes.items())
        return {
            name
            for name, own, before in pairs
            if any(one != other for one, other in zip(own, before, strict=False))
        }

    def _vouched(self, made: Pass, doubtful: Collection[str]) -> bool:
        """Whether these layers' rules hold on a pass; those that do not are taken away."""
        differed = self._compared(made, doubtful)
        for name, difference in differed.items():
            _LOG.warning(
                "layer %r goes through autograd, sample by sample, which is slow: %s; its weight "
                "is used elsewhere too, or its axes are in another order than (time, batch)",
                name,
                difference,
            )
        self.layers.leave_to_autograd(differed)
        self.unvouched -= differed.keys()
        return not differed

    def _compared(self, made: Pass, doubtful: Collection[str]) -> dict[str, str]:
        """Compare rules on a pass: the layers that differ, and in what."""
        if not doubtful:
            return {}
        found = compare_with_autograd(made.gradients, made.prefixes[-1], sorted(doubtful))
        self.unvouched -= set(found.agreed)
        return dict(found.differed)


def _unlabelled(inputs: Tensor) -> Batch:
    return Batch(inputs, torch.zeros(len(inputs), dtype=torch.int64, device=inputs.device))


@contextmanager
def _with_timesteps(model: nn.Module, timesteps: int | None) -> Iterator[float]:
    """Run a network of ours for so many timesteps at most; yields their share of its own."""
    if timesteps is None or not isinstance(model, SpikingNetwork):
        yield 1.0
        return
    own = model.timesteps
    model.timesteps = min(timesteps, own)
    try:
        yield model.timesteps / own
    finally:
        model.timesteps = own
