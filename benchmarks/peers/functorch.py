"""Fisher information by torch.func: the gradient of every prefix loss of every sample, whole."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, jacrev, vmap

from tic.losses import sample_losses
from tic.models.network import SpikingNetwork
from tic.neurons import LIF


class _Spike(torch.autograd.Function):
    """Heaviside step with the arctangent's derivative, in a form that vmap accepts."""

    generate_vmap_rule = True

    @staticmethod
    def forward(distance: Tensor) -> Tensor:
        return (distance >= 0).to(distance.dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (distance,) = ctx.saved_tensors
        derivative: Tensor = gradient / (1 + (torch.pi * distance).square())
        return derivative


class _PlainLIF(nn.Module):
    """Eq. 1 in plain torch, from rest; (T, B, ...) to spikes of the same shape."""

    def __init__(self, tau: float, threshold: float) -> None:
        super().__init__()
        self.tau, self.threshold = tau, threshold

    def forward(self, currents: Tensor) -> Tensor:
        membrane, spikes = torch.zeros_like(currents[0]), []
        for current in currents:
            membrane = membrane + (current - membrane) / self.tau
            spikes.append(_Spike.apply(membrane - self.threshold))
            membrane = membrane * (1 - spikes[-1].detach())
        return torch.stack(spikes)


def twin(network: SpikingNetwork) -> SpikingNetwork:
    """Replace the neurons of a network, in place, by such as vmap accepts."""
    network.eval()
    network.stepwise = False
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, LIF):
                setattr(module, name, _PlainLIF(child.tau, child.threshold))
    return network


def jacobian_trace(network: SpikingNetwork, images: Tensor, labels: Tensor) -> Tensor:
    """Eq. 6 from the gradients (B, T, parameters) of all prefix losses.

    Args:
        network: A `twin`.
        images: Shape (B, C, H, W).
        labels: Shape (B,).

    Returns:
        Mean over samples of the squared norms, shape (T,).
    """
    weights = {name: weight.detach() for name, weight in network.named_parameters()}
    buffers = dict(network.named_buffers())

    def losses(weights: dict[str, Tensor], image: Tensor, label: Tensor) -> Tensor:
        logits = functional_call(network, (weights, buffers), (image[None],))
        return sample_losses(logits, label[None])[:, 0]

    gradients = vmap(jacrev(losses), in_dims=(None, 0, 0))(weights, images, labels)
    squares = [gradient.flatten(2).square().sum(2) for gradient in gradients.values()]
    return torch.stack(squares).sum(0).mean(0)
