"""The made-up paper's own data set, network, loss, fitting and measurement."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tic import audit


@dataclass(frozen=True)
class Echoes(audit.Dataset):
    """Sequences (T, 1) of noise in which one of four pulses is repeated."""

    length: int = 12

    @property
    def facts(self) -> audit.Facts:
        sizes = {"num_classes": 4, "train_size": 256, "test_size": 128}
        return audit.Facts(name="echoes", shape=(self.length, 1), noun="sequences", **sizes)

    def load(self, split: audit.Split, root=None, *, download=True) -> audit.Samples:
        count = self.facts.size(split)
        draws = torch.Generator().manual_seed(len(split))
        labels = torch.arange(count) % 4
        sequences = 0.5 * torch.randn(count, self.length, 1, generator=draws)
        for place in (labels, labels + 4):
            sequences[torch.arange(count), place] += 2
        return audit.Samples(self.facts, split, sequences, labels)


class Network(nn.Module):
    """Gated recurrent, and read out at the end of a sequence: T = 1."""

    def __init__(self, features: int, width: int, classes: int) -> None:
        super().__init__()
        self.recurrent = nn.GRU(features, width, batch_first=True)
        self.dropout = nn.Dropout(0.5)
        self.readout = nn.Linear(width, classes)

    def forward(self, sequences: Tensor) -> Tensor:
        states, _ = self.recurrent(sequences)
        return self.readout(self.dropout(states[:, -1])).unsqueeze(0)  # (T, B, K)


@dataclass(frozen=True)
class Listener(audit.Architecture):
    width: int = 24

    def build(self, facts: audit.Facts, timesteps: int) -> Network:
        return Network(facts.shape[-1], self.width, facts.num_classes)


@dataclass(frozen=True)
class Margin(audit.Loss):
    """The multi-class hinge loss."""

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        return nn.functional.multi_margin_loss(logits.mean(0), labels)


@dataclass(frozen=True)
class CoolingAdam(audit.Fitting):
    """Adam, with a rate and a dropout that fall to nothing along a line."""

    rate: float = 0.02

    def optimiser(self, network: nn.Module) -> torch.optim.Adam:
        return torch.optim.Adam(network.parameters(), lr=self.rate)

    def before_epoch(self, fit: audit.Fit) -> None:
        left = 1 - fit.epoch / fit.epochs
        fit.network.dropout.p = 0.5 * left
        fit.optimiser.param_groups[0]["lr"] = self.rate * left


@dataclass(frozen=True)
class Mask(audit.Rule):
    """Recurrent weights that are drawn once and held at zero after every step."""

    share: float = 0.5

    def start(self, fit: audit.Fit) -> None:
        shape = fit.network.recurrent.weight_hh_l0.shape
        fit.tensors["mask"] = torch.rand(shape, generator=fit.generator) > self.share

    @torch.no_grad()
    def after_step(self, fit: audit.Fit) -> None:
        fit.network.recurrent.weight_hh_l0 *= fit.tensors["mask"]


@dataclass(frozen=True, kw_only=True)
class Agreement(audit.Measurement):
    """Share of test sequences, in percent, that a Run and another one answer alike."""

    split: audit.Split = "test"
    other: audit.Recipe

    def partners(self, recipe: audit.Recipe) -> tuple[audit.Recipe, ...]:
        return (self.other.with_seed(recipe.seed),)

    @torch.no_grad()
    def take(self, network: nn.Module, samples: audit.Samples, partners: list[nn.Module]):
        ((inputs, _),) = samples.batches(len(samples))
        ours, theirs = (model(inputs).mean(0).argmax(1) for model in (network, *partners))
        return {"agreement": 100 * float((ours == theirs).float().mean())}
