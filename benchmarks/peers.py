"""What others do for the same results, written anew after their published descriptions."""

from __future__ import annotations

import torch
from spikingjelly.activation_based import functional, neuron, surrogate
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from tic.models import SpikingNetwork


def _neuron() -> neuron.LIFNode:
    return neuron.LIFNode(
        tau=2.0,
        v_threshold=1.0,
        v_reset=0.0,
        surrogate_function=surrogate.ATan(),
        detach_reset=True,
    )


def _convolution(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
    )


class _Block(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1, self.lif1 = _convolution(inputs, outputs, 3, 2), _neuron()
        self.conv2, self.lif2 = _convolution(outputs, outputs, 3, 1), _neuron()
        self.shortcut = _convolution(inputs, outputs, 1, 2)

    def forward(self, spikes: Tensor) -> Tensor:
        hidden = self.conv2(self.lif1(self.conv1(spikes)))
        output: Tensor = self.lif2(hidden + self.shortcut(spikes))
        return output


class StepByStep(nn.Module):
    """The tiny network as SpikingJelly users write it: single-step layers, a loop over time."""

    def __init__(self, timesteps: int) -> None:
        super().__init__()
        self.timesteps = timesteps
        self.stem, self.lif = _convolution(1, 16, 3, 1), _neuron()
        self.blocks = nn.Sequential(_Block(16, 16), _Block(16, 32), _Block(32, 32))
        self.classifier = nn.Linear(32, 10)

    def forward(self, images: Tensor) -> Tensor:
        """Map (B, C, H, W) to logits (T, B, K)."""
        functional.reset_net(self)
        current = self.stem(images)
        return torch.stack(
            [
                self.classifier(self.blocks(self.lif(current)).mean((-2, -1)))
                for _ in range(self.timesteps)
            ]
        )


def fisher_one_by_one(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Eq. 6 by a batch of one per image and timestep, each with its own forward; shape (T,)."""
    model.eval()
    timesteps = len(model(images[:1]))
    trace = torch.zeros(timesteps, dtype=torch.float64)
    for n in range(len(labels)):
        for t in range(timesteps):
            trace[t] += _squared_norm(model, images[n : n + 1], labels[n : n + 1], t)
    return trace / len(labels)


def fisher_of_release(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """The release's loop: squared gradient of the mean over batches of 16, a forward per t."""
    model.eval()
    timesteps = len(model(images[:1]))
    trace = torch.zeros(timesteps, dtype=torch.float64)
    batches = list(zip(images.split(16), labels.split(16), strict=True))
    for t in range(timesteps):
        for batch, names in batches:
            trace[t] += _squared_norm(model, batch, names, t)
    return trace / len(batches)


def fisher_floor(model: SpikingNetwork, images: Tensor, labels: Tensor, batch: int) -> None:
    """One forward and T backwards truncated at t, without any work per sample."""
    model.eval()
    model.stepwise = True
    for some, names in zip(images.split(batch), labels.split(batch), strict=True):
        readouts = model.readouts(some)
        for t in range(len(readouts)):
            loss = cross_entropy(torch.cat(readouts[: t + 1]).mean(0), names)
            torch.autograd.grad(loss, list(model.parameters()), retain_graph=True)


def _squared_norm(model: nn.Module, images: Tensor, labels: Tensor, t: int) -> float:
    loss = cross_entropy(model(images)[: t + 1].mean(0), labels)
    gradients = torch.autograd.grad(loss, list(model.parameters()))
    return float(sum(gradient.square().sum() for gradient in gradients))
