"""Getting to know a network before anything is measured on it, and vouching for every layer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TypeVar

import torch
from torch import Tensor, nn

from tic.errors import TicError
from tic.losses import Readout
from tic.measure.batches import Batch
from tic.measure.capture import AxisOrder
from tic.measure.forward_pass import Pass
from tic.measure.gradients import Layers
from tic.measure.independence import Answer, answers_alone, conduct, telling
from tic.measure.vouching import any_weighting, compare_with_autograd
from tic.memory import counting_saved_bytes
from tic.models import SpikingNetwork, SpikingPlainNet, SpikingResNet
from tic.models.modes import require_module

Taken = TypeVar("Taken")
_LOG = logging.getLogger(__name__)

_TRIED = (SpikingPlainNet, SpikingResNet)
"""Networks of this project, whose conduct tests try once and for all."""


class Vetted:
    """A network whose layers' rules are compared with autograd before they are relied on.

    Attributes:
        layers: Under the rules that hold.
        bytes_per_sample: Of a forward's graph; 0 before it was weighed.
        is_ours: Whether it is of this project, whose samples never meet, nor do its calls.
        is_random: Whether the logits follow from torch's random numbers too.
        is_fixed: Whether it answers to batches of one size only.
        reacts: Whether they were seen to follow from the samples.
        is_brief: Whether two samples and timesteps are enough to try it on.
        unvouched: Layers whose rule was not yet compared with autograd where there is a gradient.
        classes: Number of classes K; 0 before a forward.
        held: How the axes of each layer's inputs were read where its rule was found to hold.

    Raises:
        TicError: The network cannot be measured; see `Layers`.
    """

    def __init__(self, model: nn.Module, readout: Readout) -> None:
        require_module(model)
        self.readout, self.model, self.layers = readout, model, Layers(model)
        self.device = next(model.parameters()).device
        self.is_ours = isinstance(model, SpikingNetwork)
        self.bytes_per_sample = 0.0
        self.is_random = self.is_fixed = self.reacts = self.is_brief = False
        self.unvouched = set(self.layers.rules)
        self.classes = 0
        self.held: dict[str, set[AxisOrder]] = {name: set() for name in self.layers.rules}

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
        if self.is_brief and type(self.model) in _TRIED:
            self.reacts = True
            return
        some = shown[:2] if self.is_brief else shown
        with _with_timesteps(self.model, 2 if self.is_brief else None):
            tried = conduct(self._answer, some)
            self.is_random |= tried.is_random
            self.reacts |= tried.reacts
            # Samples alone are other numbers to a random network.
            if not self.is_random:
                self.is_fixed |= not answers_alone(self._answer, some)

    def taken(self, batch: Batch, copies: int, take: Callable[[Pass], Taken]) -> Taken:
        """Take what is wanted of one pass, whose graph is gone before the next is made.

        Layers not yet vouched for are watched; the rule of one that has a gradient must hold here.
        """
        # Patches take many times their images: no more of them are kept than the graph takes.
        graph = self.bytes_per_sample * len(batch) * copies
        while True:
            made = self._readable(batch, copies, graph)
            made.gradients.watched = sorted(self.unvouched)
            taken = take(made)
            made.gradients.watched = ()
            if self._vouched(made, made.gradients.stirred):
                return taken
            del made, taken

    def _readable(self, batch: Batch, copies: int = 1, graph: float = 0) -> Pass:
        """Make a pass in which no layer's axes or samples are taken for others."""
        while True:
            made = Pass(self.layers, batch, self.readout, copies, graph)
            if self._vouched(made, self._read_otherwise(made)) and self._attributed(made):
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
        if self.is_ours:
            with suppress(TicError, RuntimeError), _with_timesteps(self.model, 2) as share:
                made = self._weighed(inputs[:2])
                self.bytes_per_sample /= share
                if not self._compared(made, self.unvouched):
                    return True
                del made
        while True:
            made = self._weighed(inputs)
            if self._vouched(made, self.unvouched):
                break
            del made
        require_proportional(made, self.layers)
        return False

    def _weighed(self, inputs: Tensor) -> Pass:
        with counting_saved_bytes(self.model.parameters()) as saved:
            made = Pass(self.layers, _unlabelled(inputs), self.readout)
        self.bytes_per_sample = saved.bytes / len(inputs)
        self.classes = made.logits.shape[2]
        return made

    def _read_otherwise(self, made: Pass) -> set[str]:
        """Layers whose axes a pass's size or samples make read otherwise than where they held."""
        return {
            name
            for name, readings in made.axes.items()
            if name not in self.unvouched and not self.held[name].issuperset(readings)
        }

    def _vouched(self, made: Pass, doubtful: Collection[str]) -> bool:
        """Whether these layers' rules hold on a pass; see `_settled` for those that do not."""
        return self._settled(self._compared(made, doubtful))

    def _attributed(self, made: Pass) -> bool:
        """Whether the rules of a pass know which sample is which, as those of ours do."""
        if self.is_ours or len(made.prefixes[-1]) == 1:
            return True
        last = made.prefixes[-1]
        strays = made.gradients.strays(last, any_weighting(len(made.batch), last))
        return self._settled(
            {
                name: f"it gives {norm:.6g} to samples that were given no weight"
                for name, norm in strays.items()
            }
        )

    def _settled(self, differed: Mapping[str, str]) -> bool:
        """Whether no rule differed; those that did are read otherwise, or else taken away."""
        for name, difference in differed.items():
            if self.layers.reread(name):
                self.unvouched.add(name)
                continue
            self.layers.leave_to_autograd([name])
            self.unvouched.discard(name)
            _LOG.warning(
                "layer %r goes through autograd, sample by sample, which is slow: its inputs and "
                "outputs do not tell its gradients (%s)",
                name,
                difference,
            )
        return not differed

    def _compared(self, made: Pass, doubtful: Collection[str]) -> Mapping[str, str]:
        """Compare rules on a pass: the layers that differ, and in what."""
        if not doubtful:
            return {}
        comparison = compare_with_autograd(made.gradients, made.prefixes[-1], sorted(doubtful))
        for name in comparison.agreed:
            self.unvouched.discard(name)
            self.held[name].update(made.axes[name])
        return comparison.differed


def _unlabelled(inputs: Tensor) -> Batch:
    return Batch(inputs, torch.zeros(len(inputs), dtype=torch.int64, device=inputs.device))


def require_proportional(made: Pass, layers: Layers) -> None:
    """Refuse a network whose gradients are not proportional to what is differentiated.

    Weightings are scaled here, and no Fisher matrix belongs to gradients that are clipped.

    Raises:
        TicError: They are not.
    """
    last = made.prefixes[-1]
    weights = any_weighting(len(last), last)
    flat = [parameter for name in layers.names for parameter in layers.parameters(name)]
    whole, small = (
        torch.autograd.grad(last, flat, scale * weights, retain_graph=True, allow_unused=True)
        for scale in (1, 2**-10)
    )
    for full, scaled in zip(whole, small, strict=True):
        if full is not None and scaled is not None and _differ(full, 2**10 * scaled):
            raise TicError(
                "gradients must be proportional to the loss, and those of a scaled loss are not "
                "scaled alike; remove what changes them on their way back, such as hooks that clip"
            )


def _differ(first: Tensor, second: Tensor) -> bool:
    first, second = first.to_dense(), second.to_dense()
    size = torch.maximum(first.abs().max(), second.abs().max())
    return bool((first - second).abs().max() > 1e-2 * size)


@contextmanager
def _with_timesteps(model: nn.Module, timesteps: int | None) -> Iterator[float]:
    """Run a network of ours for so many timesteps at most; yields their share of its own."""
    if timesteps is None or not isinstance(model, SpikingNetwork):
        yield 1.0
        return
    original = model.timesteps
    model.timesteps = min(timesteps, original)
    try:
        yield model.timesteps / original
    finally:
        model.timesteps = original
