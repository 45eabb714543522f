"""Attacks that wrap another one and change the backward pass of LIF layers while it crafts.

The spikes stay what they are; afterwards the network is as it was before, also on an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

from spikingjelly.activation_based import surrogate
from torch import Tensor, nn

from tic.attacks.variants import Factored, Variant
from tic.errors import TicError
from tic.models import SpikingNetwork
from tic.neurons import LIF

SURROGATE_ALPHA = 2.0
"""SpikingJelly's α of the surrogate derivative 1 / (1 + (πx)²)."""

SUBTHRESHOLD_RATE = 0.2
"""γ of the rate-gradient attack: τ times the firing rate granted at the threshold."""


@dataclass(frozen=True, kw_only=True)
class SurrogateWidth(Factored):
    """Craft with another width w of the arctangent surrogate, in every LIF layer.

    The surrogate derivative is (1/w) / (1 + (πx/w)²), that of the usual sigmoid, w = 1, at
    x/w. It takes the place of whatever derivative the layers have, be it zero.

    Attributes:
        attack: What crafts.
        factor: Width w.
    """

    def __call__(self, model: nn.Module, images: Tensor, labels: Tensor, batch: int) -> Tensor:
        """Attack images (B, C, H, W) in [0, 1].

        Raises:
            TicError: The network has no LIF layer.
        """
        with _surrogates(_lif_layers(model), SURROGATE_ALPHA / self.factor):
            return self.attack(model, images, labels, batch)


@dataclass(frozen=True, kw_only=True)
class RateBackward(Variant):
    """Craft with the derivative of firing rates in place of that of spikes.

    In the backward pass every spike of a LIF neuron stands for its rate r = f(Ī) under its mean
    input current Ī over the T timesteps, so that ∂L/∂I_t = f'(Ī) · mean over t' of ∂L/∂S_t'. With
    τ and threshold θ of the neuron (τ at least 1) and γ = 0.2,

        f' = γ/(τθ) on [0, θ],    (1 - γ/τ)/((2τ - 1)θ) on [θ, 2τθ],    0 elsewhere,

    which takes f from 0 through γ/τ at the threshold to 1 at twice the current that makes the
    neuron fire at every timestep; where the two pieces meet, both count. This is the approach of
    the rate gradient approximation (Bu et al. 2023, CVPR), whose rate of a LIF neuron is piecewise
    linear too; the slopes are those of the same group's later release (HART, Hao et al. 2024), in
    terms of Kim et al. 2023, Eq. 1.

    Attributes:
        attack: What crafts.
    """

    def __call__(self, model: nn.Module, images: Tensor, labels: Tensor, batch: int) -> Tensor:
        """Attack images (B, C, H, W) in [0, 1].

        Raises:
            TicError: The network has no LIF layer, or calls one again before its membrane is back
                at rest, as timestep after timestep.
        """
        with _rates(_lif_layers(model)), _all_timesteps_at_once(model):
            return self.attack(model, images, labels, batch)


def _lif_layers(model: nn.Module) -> dict[str, LIF]:
    layers = {name: module for name, module in model.named_modules() if isinstance(module, LIF)}
    if not layers:
        raise TicError(
            f"the network must have LIF layers, whose backward pass is changed, got none in "
            f"{type(model).__name__}; leave SurrogateWidth and RateBackward out"
        )
    return layers


@contextmanager
def _surrogates(layers: dict[str, LIF], alpha: float) -> Iterator[None]:
    spikes = {name: layer.spike for name, layer in layers.items()}
    for layer in layers.values():
        layer.spike = surrogate.ATan(alpha=alpha)
    try:
        yield
    finally:
        for name, layer in layers.items():
            layer.spike = spikes[name]


@contextmanager
def _rates(layers: dict[str, LIF]) -> Iterator[None]:
    with ExitStack() as stack:
        for name, layer in layers.items():
            at_rest = partial(_require_at_rest, name)
            stack.callback(layer.register_forward_pre_hook(at_rest).remove)
            stack.callback(layer.register_forward_hook(_with_rate_gradient).remove)
        yield


@contextmanager
def _all_timesteps_at_once(model: nn.Module) -> Iterator[None]:
    """Show LIF layers whole sequences, of which alone a rate can be taken."""
    stepwise = [m for m in model.modules() if isinstance(m, SpikingNetwork) and m.stepwise]
    for network in stepwise:
        network.stepwise = False
    try:
        yield
    finally:
        for network in stepwise:
            network.stepwise = True


def _require_at_rest(name: str, layer: nn.Module, _inputs: tuple[Tensor]) -> None:
    """Refuse a layer that goes on from an earlier call: each would have a rate of its own."""
    if layer.membrane is not None:
        raise TicError(
            f"RateBackward takes rates over all timesteps, so that LIF layers must be called once, "
            f"with (T, B, ...), got a further call of layer {name!r} before its membrane was back "
            "at rest; call each with all timesteps, inside tic.neurons.fresh_membranes, or leave "
            "RateBackward out"
        )


def _with_rate_gradient(layer: nn.Module, inputs: tuple[Tensor], spikes: Tensor) -> Tensor:
    """Let gradients of spikes (T, B, ...) flow to the input currents through the firing rate."""
    assert isinstance(layer, LIF)
    tau = max(layer.tau, 1.0)
    charge = inputs[0].mean(0) / layer.threshold
    share = SUBTHRESHOLD_RATE / tau
    rate = share * charge.clamp(0, 1) + (1 - share) * ((charge - 1) / (2 * tau - 1)).clamp(0, 1)
    return spikes.detach() + (rate - rate.detach())
