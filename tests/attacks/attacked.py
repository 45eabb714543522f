"""Small networks to attack, and attacks made short."""

import dataclasses

import torch
from torch import nn

from tic.attacks import attack_suite
from tic.models.network import SpikingNetwork, over_time
from tic.neurons import LIF

SHORT = {"steps": 3, "restarts": 2, "targets": 2, "queries": 5}


class Linear(nn.Module):
    """The same linear read-out at two timesteps; float32 or float64 by its weight (K, pixels)."""

    def __init__(self, weight, scale=1.0):
        super().__init__()
        self.weight = nn.Parameter(torch.as_tensor(weight).clone())
        self.scale = scale

    def forward(self, images):
        readout = self.scale * (images.flatten(1) @ self.weight.T)
        return torch.stack([readout, readout])


class Small(SpikingNetwork):
    """A dozen LIF neurons between 4×4 pixels and some classes, with dropout in training mode."""

    def __init__(self, seed=0, timesteps=3, classes=4):
        super().__init__(timesteps, [0.5], [0.25])
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.stem = nn.Linear(16, 12)
            self.drop = nn.Dropout()
            self.lif = LIF()
            self.classifier = nn.Linear(12, classes)

    def encode(self, images):
        return 2 * self.drop(self.stem(images.flatten(1)))

    def advance(self, currents):
        return over_time(self.classifier, self.lif(currents))


class HardSpike(nn.Module):
    """A step whose derivative is zero, as it is in truth."""

    class _Step(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return (x >= 0).to(x)

        @staticmethod
        def backward(ctx, gradient):
            return torch.zeros_like(gradient)

    def forward(self, x):
        return self._Step.apply(x)


def masked(network):
    """Take the network's gradients away."""
    network.lif.spike = HardSpike()
    return network


def shortened(attack):
    """The attack, and those that it wraps, with few iterations."""
    fields = {field.name: getattr(attack, field.name) for field in dataclasses.fields(attack)}
    fewer = {name: min(fields[name], few) for name, few in SHORT.items() if name in fields}
    if "attack" in fields:
        fewer["attack"] = shortened(fields["attack"])
    return dataclasses.replace(attack, **fewer)


def short_suite(epsilon):
    """The full suite, shortened, by name."""
    return {
        member.name: shortened(member.attack)
        for member in attack_suite("full", epsilon, epsilon / 2)
    }


def different_names():
    """One name for each of the attacks that stay different when they are short."""
    names = {repr(attack): name for name, attack in reversed(short_suite(0.1).items())}
    return sorted(names.values())


def images_with_extremes(count, seed=0, dtype=torch.float32):
    """Images (count, 1, 4, 4) with black, white and other pixels, and their labels of four."""
    draws = torch.Generator().manual_seed(seed)
    grey = torch.rand(count, 1, 4, 4, generator=draws)
    pixels = torch.where(grey < 0.3, 0.0, torch.where(grey > 0.8, 1.0, grey)).to(dtype)
    return pixels, torch.randint(4, (count,), generator=draws)
