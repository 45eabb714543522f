"""Passes over batches of samples: one forward each, and weight gradients of every prefix 1..t."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from tic.errors import TicError
from tic.losses import Readout, prefix_logits
from tic.measure.batches import Loader, described, labelled_batches, require_classes
from tic.measure.capture import capture
from tic.measure.gradients import Gradients, Layers
from tic.measure.independence import Answer, conduct, telling
from tic.measure.vouching import any_weighting, compare_with_autograd
from tic.memory import counting_saved_bytes, free_bytes, is_lack_of_memory
from tic.models import SpikingNetwork
from tic.models.modes import evaluation_mode

Option = TypeVar("Option", bound=StrEnum)
Taken = TypeVar("Taken")
_LOG = logging.getLogger(__name__)

ROWS = 256
"""Copies of images that a forward takes at least, since fewer cost nearly as much."""
Axes = dict[str, list[bool | None]]
"""For every call of every layer, whether time is taken to be its input's first axis."""


class Pass:
    """One forward over C copies of a batch, and the weight gradients of its prefixes.

    Attributes:
        labels: Shape (B,).
        first: Number of samples that the loader gave before.
        logits: Of every timestep, (T, C·B, K), without their graph.
        prefixes: Logits (C·B, K) of every prefix 1..t, with their graphs, copy after copy.
        gradients: Of any weighting of those logits.
    """

    def __init__(
        self,
        layers: Layers,
        inputs: Tensor,
        labels: Tensor,
        readout: Readout,
        copies: int = 1,
        allowed_bytes: float = 0,
        first: int = 0,
    ) -> None:
        self.labels, self.first = labels, first
        repeated = inputs.repeat(copies, *[1] * (inputs.dim() - 1))
        with capture(layers.rules, allowed_bytes) as captures:
            readouts = _readouts(layers.model, repeated)
        self.logits = torch.cat([each.detach() for each in readouts])
        self.prefixes = _prefixes(readouts, readout)
        require_classes(labels, self.prefixes[0].shape[1])
        self.gradients = Gradients(layers, captures, len(labels), copies)

    def first_copy(self, prefix: Tensor) -> Tensor:
        """Logits (B, K) without their graph; those of the other copies are the same."""
        return prefix.detach()[: len(self.labels)]

    def kernels(self) -> Iterator[dict[str, Tensor]]:
        """Tangent kernels U J Jᵀ Uᵀ of every prefix, per layer, shape (B, K, K), float64.

        U is `logit_basis`. There must be one copy per class, or one only.
        """
        for prefix in self.prefixes:
            units = logit_basis(prefix.shape[1]).to(prefix.device)
            yield self.gradients.inner(prefix, units[:, None].expand(-1, len(self.labels), -1))

    @property
    def axes(self) -> Axes:
        """How the axes of the layers' inputs are read."""
        size, captures = len(self.prefixes[0]), self.gradients.captures
        return {name: each.axes(size) for name, each in captures.items()}


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
    return _Passes(model, readout).over(loader, take, whole=whole)


def over_classes(
    model: nn.Module, loader: Loader, readout: Readout | str, take: Callable[[Pass], Taken]
) -> list[Taken]:
    """Take what is wanted of passes that give the gradients of all classes.

    There is one copy of each sample per class, so that one backward gives them all; a batch is
    taken in parts whose copies are as many as its samples, or `ROWS` if that is more. The copies
    of a network that draws random numbers would each draw their own: it has one, and a backward
    per class. Else as `over_batches`.
    """
    return _Passes(model, readout).over(loader, take, of_classes=True)


def output_error(logits: Tensor, labels: Tensor) -> Tensor:
    """Gradient p - e_y of -log p(y) at the logits: (B, K), (B,) -> (B, K), float64.

    At the label it is minus the sum of the others, since 1 - p(y) would lose what is left of a
    confident answer.
    """
    rows = labels[:, None]
    others = logits.detach().double().softmax(1).scatter(1, rows, 0)
    return others.scatter(1, rows, -others.sum(1, keepdim=True))


@lru_cache(maxsize=16)
def logit_basis(classes: int) -> Tensor:
    """Orthonormal basis (K, K) of the logits whose first row is constant (Helmert), float64.

    What adds to all logits alike changes no answer, however large it is, and lies in that row.
    """
    from scipy.linalg import helmert

    return torch.from_numpy(helmert(classes, full=True))


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
    """Passes of one model, whose layers are checked at every new size of a batch.

    Attributes:
        is_random: Whether the logits follow from torch's random numbers too.
        reacts: Whether they were seen to follow from the samples.
        is_brief: Whether two samples and timesteps are enough to try it on.
        unvouched: Layers whose rule was not yet compared with autograd where there is a gradient.
        axes: How axes are read where the rules were found to hold.
        read: Sizes of batches whose axes were compared with that.
    """

    def __init__(self, model: nn.Module, readout: Readout | str) -> None:
        self.readout = known(Readout, readout)
        self.model, self.layers = model, Layers(model)
        self.device = next(model.parameters()).device
        self.bytes_per_image = 0.0
        self.is_random = self.reacts = self.is_brief = False
        self.unvouched = set(self.layers.rules)
        self.axes: Axes = {}
        self.read: set[tuple[int, int]] = set()

    def over(
        self,
        loader: Loader,
        take: Callable[[Pass], Taken],
        *,
        of_classes: bool = False,
        whole: bool = False,
    ) -> list[Taken]:
        taken: list[Taken] = []
        first = 0
        if whole:
            self._do_without_rules()
        with _as_measured(self.model):
            for inputs, labels in labelled_batches(loader, self.device):
                self._get_to_know(inputs)
                # Parts of a batch would draw other random numbers than the whole.
                indivisible = whole or self.is_random
                copies = self._classes(inputs) if of_classes and not self.is_random else 1
                size = min(len(labels), max(1, max(len(labels), ROWS) // copies))
                if not indivisible:
                    size = min(size, self._affordable(copies))
                taken += self._in_parts(
                    inputs, labels, take, size, copies, first, whole=indivisible
                )
                first += len(labels)
        return taken

    def _do_without_rules(self) -> None:
        self.layers.leave_to_autograd([*self.layers.rules])
        self.unvouched = set()

    def _in_parts(
        self,
        inputs: Tensor,
        labels: Tensor,
        take: Callable[[Pass], Taken],
        size: int,
        copies: int,
        first: int,
        *,
        whole: bool,
    ) -> list[Taken]:
        taken: list[Taken] = []
        start = 0
        while start < len(labels):
            part = slice(start, start + size)
            try:
                made = self._taken(inputs[part], labels[part], take, copies, first + start)
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
                taken.append(made)
                start += size
        return taken

    def _taken(
        self,
        inputs: Tensor,
        labels: Tensor,
        take: Callable[[Pass], Taken],
        copies: int,
        first: int,
    ) -> Taken:
        """Take what is wanted of one pass, whose graph is gone before the next is made.

        Layers not yet vouched for are watched; the rule of one that has a gradient must hold here.
        """
        # Patches take many times their images: no more of them are kept than the graph takes.
        graph = self.bytes_per_image * len(labels) * copies
        while True:
            made = self._readable(inputs, labels, copies, graph, first)
            made.gradients.watched = sorted(self.unvouched)
            found = take(made)
            made.gradients.watched = ()
            if self._vouched(made, made.gradients.stirred):
                return found
            del made, found

    def _readable(
        self, inputs: Tensor, labels: Tensor, copies: int = 1, graph: float = 0, first: int = 0
    ) -> Pass:
        """Make a pass whose size lets no layer's axes be taken for others."""
        while True:
            made = Pass(self.layers, inputs, labels, self.readout, copies, graph, first)
            if self._vouched(made, self._read_otherwise(made)):
                return made
            del made

    def _affordable(self, copies: int) -> int:
        """Images whose copies' graphs fit into half of the free memory, at least one."""
        return max(1, int(free_bytes(self.device) / 2 / max(1, copies * self.bytes_per_image)))

    def _classes(self, inputs: Tensor) -> int:
        with torch.no_grad():
            return _readouts(self.model, inputs[:1])[0].shape[2]

    def _get_to_know(self, inputs: Tensor) -> None:
        """Find out what must be known before a pass, on a few samples that tell most."""
        if self.reacts:
            return
        shown = telling(inputs)
        if not self.bytes_per_image:
            # The numbers that a random network draws are those of what is measured.
            with torch.random.fork_rng([self.device] if self.device.type == "cuda" else []):
                self.is_brief = self._look_through(shown)
        with _with_timesteps(self.model, 2 if self.is_brief else None):
            tried = conduct(self._answer, shown[:2] if self.is_brief else shown)
        self.is_random |= tried.is_random
        self.reacts |= tried.reacts

    def _answer(self, inputs: Tensor) -> Answer:
        made = self._readable(inputs, _no_labels(inputs))
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
                self.bytes_per_image /= share
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
            made = Pass(self.layers, inputs, _no_labels(inputs), self.readout)
        self.bytes_per_image = saved.bytes / len(inputs)
        return made

    def _read_otherwise(self, made: Pass) -> set[str]:
        """Layers whose axes a pass's size, and nothing else, makes read otherwise than before."""
        size = (len(made.labels), len(made.prefixes[0]))
        if size in self.read:
            return set()
        self.read.add(size)
        pairs = ((name, own, self.axes[name]) for name, own in made.axes.items())
        return {
            name
            for name, own, before in pairs
            if any(one != other for one, other in zip(own, before, strict=False))
        }

    def _vouched(self, made: Pass, doubtful: set[str]) -> bool:
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

    def _compared(self, made: Pass, doubtful: set[str]) -> dict[str, str]:
        """Compare rules on a pass: the layers that differ, and in what."""
        if not doubtful:
            return {}
        found = compare_with_autograd(made.gradients, made.prefixes[-1], sorted(doubtful))
        self.unvouched -= set(found.agreed)
        return dict(found.differed)


def _no_labels(inputs: Tensor) -> Tensor:
    return torch.zeros(len(inputs), dtype=torch.int64, device=inputs.device)


@contextmanager
def _as_measured(model: nn.Module) -> Iterator[None]:
    """Evaluation mode, gradients and, where the network offers it, a graph per timestep."""
    networks = {m: m.stepwise for m in model.modules() if isinstance(m, SpikingNetwork)}
    for network in networks:
        network.stepwise = True
    try:
        with torch.inference_mode(False), evaluation_mode(model), torch.enable_grad():
            yield
    finally:
        for network, stepwise in networks.items():
            network.stepwise = stepwise


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


def _readouts(model: nn.Module, inputs: Tensor) -> list[Tensor]:
    """Logits (1, B, K) of every timestep, without later timesteps in their graphs."""
    if not isinstance(model, SpikingNetwork):
        return list(torch.split(_logits(model, inputs), 1))
    with _calling(inputs):
        return [_finite(each) for each in model.readouts(inputs)]


def _prefixes(readouts: list[Tensor], readout: Readout) -> list[Tensor]:
    """Read-outs (B, K) over 1..t for every t, without later timesteps in their graphs."""
    times = range(1, len(readouts) + 1)
    return [prefix_logits(torch.cat(readouts[:t]), readout)[-1] for t in times]


def _logits(model: nn.Module, inputs: Tensor) -> Tensor:
    """Logits (T, B, K) of a model, in at least single precision.

    Raises:
        TicError: It gives something else.
    """
    with _calling(inputs):
        logits: Any = model(inputs)
    if not isinstance(logits, Tensor):
        raise TicError(
            f"the model must return one tensor of logits (T, B, K), got {described(logits)}; wrap "
            f"it in a module whose forward returns the one that is read out, such as the spikes of "
            f"(spikes, membranes)"
        )
    batch, shape = len(inputs), tuple(logits.shape)
    if logits.dim() != 3 or shape[1] != batch:
        hint = ""
        if logits.dim() == 3 and shape[0] == batch:
            hint = "; that looks like (B, T, K): return logits.transpose(0, 1)"
        elif shape[:1] == (batch,) and logits.dim() == 2:
            hint = "; that looks like (B, K), of a network without time: return logits.unsqueeze(0)"
        raise TicError(
            f"the model must return logits (T, B, K) with B={batch}, got shape {shape}{hint}"
        )
    if not logits.is_floating_point():
        raise TicError(f"logits must be real numbers, got {logits.dtype}")
    return _finite(logits)


@contextmanager
def _calling(inputs: Tensor) -> Iterator[None]:
    """Say what a model was called with when it fails; where in it stands in the error's cause."""
    try:
        yield
    except TicError:
        raise
    except (RuntimeError, ValueError, IndexError) as error:
        if is_lack_of_memory(error):
            raise
        raise TicError(
            f"the model fails on inputs of shape {tuple(inputs.shape)} ({inputs.dtype}): {error}; "
            f"if it keeps state between calls, let its forward begin by resetting it"
        ) from error


def _finite(logits: Tensor) -> Tensor:
    if not logits.isfinite().all():
        raise TicError(
            "logits must be finite, got NaN or infinity; look for such numbers in the inputs and "
            "the weights"
        )
    return logits.to(torch.promote_types(logits.dtype, torch.float32))
