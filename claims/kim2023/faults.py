"""Attacks with faults that an implementation may have had. For hypotheses about Table 1 only.

None of them measures robustness. Each wraps a sound attack and breaks one thing while it crafts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import MethodType

from torch import Tensor, nn

from tic.attacks import FGSM, PGD
from tic.errors import TicError
from tic.models import SpikingNetwork
from tic.neurons import LIF

Sound = FGSM | PGD


@dataclass(frozen=True, kw_only=True)
class NormalisedEpsilon:
    """ε taken in units of the normalised image, which makes it smaller in pixels.

    Attributes:
        attack: With ε and step as they were meant, in pixels.
    """

    attack: Sound

    def __call__(self, model: nn.Module, images: Tensor, labels: Tensor, batch: int) -> Tensor:
        """Attack with ε times the mean standard deviation of the data set's channels."""
        scale = float(_spiking(model).std.mean())
        smaller: Sound = replace(self.attack, epsilon=scale * self.attack.epsilon)
        if isinstance(smaller, PGD):
            smaller = replace(smaller, step=scale * smaller.step)
        return smaller(model, images, labels, batch)


@dataclass(frozen=True, kw_only=True)
class SurrogateLost:
    """Spikes without a derivative in evaluation mode.

    So has them `activation_based` of SpikingJelly 0.0.0.0.14; the `clock_driven` that the paper's
    release imports keeps the derivative.

    Attributes:
        attack: What follows the gradients that are left.
    """

    attack: Sound

    def __call__(self, model: nn.Module, images: Tensor, labels: Tensor, batch: int) -> Tensor:
        """Attack; every gradient is zero."""
        layers = [module for module in _spiking(model).modules() if isinstance(module, LIF)]
        sound = [layer.spike for layer in layers]
        for layer in layers:
            layer.spike = _Step()
        try:
            return self.attack(model, images, labels, batch)
        finally:
            for layer, spike in zip(layers, sound, strict=True):
                layer.spike = spike


@dataclass(frozen=True, kw_only=True)
class StateKept:
    """Membranes that are not reset between the steps of an attack.

    Attributes:
        attack: Each of its steps begins with the membranes that the last one left.
    """

    attack: Sound

    def __call__(self, model: nn.Module, images: Tensor, labels: Tensor, batch: int) -> Tensor:
        """Attack from rest, without coming to rest again."""
        with _kept(_spiking(model)):
            return self.attack(model, images, labels, batch)


class _Step(nn.Module):
    """The step of a spike with a derivative of zero everywhere."""

    def forward(self, excess: Tensor) -> Tensor:
        # The second term joins the input to the graph, with nothing to pass on.
        return (excess >= 0).to(excess) + 0 * excess


@contextmanager
def _kept(network: SpikingNetwork) -> Iterator[None]:
    layers = [module for module in network.modules() if isinstance(module, LIF)]

    def advance(self: SpikingNetwork, chunks: Iterable[Tensor]) -> list[Tensor]:
        for layer in layers:
            # Backward ends where the last step began: its graph is gone.
            layer.membrane = None if layer.membrane is None else layer.membrane.detach()
        return [self.advance(chunk) for chunk in chunks]

    vars(network)["_advance_from_rest"] = MethodType(advance, network)
    try:
        yield
    finally:
        del vars(network)["_advance_from_rest"]
        for layer in layers:
            layer.membrane = None


def _spiking(model: nn.Module) -> SpikingNetwork:
    if not isinstance(model, SpikingNetwork):
        raise TicError(f"this fault needs a tic.models.SpikingNetwork, got {type(model).__name__}")
    return model


FAULTS: dict[str, type[NormalisedEpsilon] | type[SurrogateLost] | type[StateKept]] = {
    "normalised-epsilon": NormalisedEpsilon,
    "surrogate-lost": SurrogateLost,
    "state-kept": StateKept,
}
"""By name: what may have gone wrong."""
