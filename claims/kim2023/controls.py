"""Planted worlds in which claims of this paper are false; see `tic.audit.control`."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from claims.kim2023 import paper
from claims.kim2023.faults import SurrogateLost
from claims.kim2023.paper import LEVELS
from claims.kim2023.perturbation import PerturbationResponse
from claims.kim2023.recipes import CAPACITY_TIMESTEPS, FULL, LEARNING_RATES, TAUS, role
from claims.kim2023.runs import KimRuns
from tic.attacks import FGSM, PGD, Corruption
from tic.audit import Control
from tic.audit.control import (
    SHUFFLED_TIMESTEPS,
    UNTRAINED,
    GuessingRuns,
    Roles,
    UntrainedRuns,
    mixed,
    seen_as,
)
from tic.audit.runs import Array, Epoch
from tic.errors import NotApplicableError
from tic.measure.robustness import CorrectMeasurement

FISHER = (SHUFFLED_TIMESTEPS, UNTRAINED)
"""For claims about information over time and training."""


@dataclass(frozen=True)
class LateInformation(KimRuns):
    """All information of every layer moved to the last timestep."""

    def by_layer(self, epoch: Epoch = "final") -> list[dict[str, list[float]]]:
        """See `KimRuns.by_layer`."""
        return [
            {name: [0.0] * (len(trace) - 1) + [sum(trace)] for name, trace in layers.items()}
            for layers in super().by_layer(epoch)
        ]


@dataclass(frozen=True)
class MixedBlocks(KimRuns):
    """Blocks in another order for every seed."""

    def by_block(self, epoch: Epoch = "final") -> Array:
        """See `KimRuns.by_block`."""
        traces = super().by_block(epoch)
        third = max(1, round(traces.shape[1] / 3))
        return np.array([np.roll(row, k * third, axis=0) for k, row in enumerate(traces)])


@dataclass(frozen=True)
class BackwardTraining(KimRuns):
    """Losses from the last epoch to the first."""

    def losses(self) -> Array:
        """See `KimRuns.losses`."""
        return super().losses()[:, ::-1]


@dataclass(frozen=True)
class GradientsLost(KimRuns):
    """A network whose spikes have no derivative, so that attacks by gradients see nothing."""

    def accuracy_measurement(
        self, corruption: Corruption | None, timesteps: int | None
    ) -> CorrectMeasurement:
        """See `KimRuns.accuracy_measurement`."""
        if corruption is None:
            return super().accuracy_measurement(None, timesteps)
        if not isinstance(corruption, FGSM | PGD):
            raise NotApplicableError(f"{type(corruption).__name__} asks for no gradient")
        return super().accuracy_measurement(SurrogateLost(attack=corruption), timesteps)

    def zero_gradients(self) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """See `KimRuns.zero_gradients`."""
        return np.ones_like(super().zero_gradients())


@dataclass(frozen=True)
class OtherImages(KimRuns):
    """Divergences of one image given out for those of another, at every norm of another one."""

    def perturbation(self, shares: tuple[float, ...]) -> list[PerturbationResponse]:
        """See `KimRuns.perturbation`."""
        return [
            replace(
                response,
                divergence=np.array(
                    [np.roll(row, k + 1) for k, row in enumerate(response.divergence)]
                ),
            )
            for response in super().perturbation(shares)
        ]


@dataclass(frozen=True)
class Unmasked(KimRuns):
    """A pruned network whose masks were not applied."""

    def sparsity(self) -> Array:
        """See `KimRuns.sparsity`."""
        return np.zeros(len(self.seeds))


def _shorter(name: str) -> bool:
    """Whether a role of pruning is retrained with fewer timesteps."""
    return not name.startswith(role(FULL, 1).partition(",")[0])


def _full_for_short(runs: Roles) -> Roles:
    full = {name.partition(", ")[2]: run for name, run in runs.items() if not _shorter(name)}
    return {
        name: full[name.partition(", ")[2]] if _shorter(name) else run for name, run in runs.items()
    }


MIXED_BLOCKS = Control(
    "mixed-blocks", "The blocks stand in another order for every seed.", seen_as(MixedBlocks)
)
MIXED_TAUS = Control(
    "mixed-taus",
    "The time constants are dealt out anew for every seed, so that they mean nothing.",
    mixed(*(f"τ = {tau:g}" for tau in TAUS)),
)
MIXED_RATES = Control(
    "mixed-rates",
    "The learning rates are dealt out anew for every seed, so that they mean nothing.",
    mixed(*(f"lr {rate:g}" for rate in LEARNING_RATES)),
)
MIXED_ALPHAS = Control(
    "mixed-alphas",
    "The α are dealt out anew for every seed, so that they mean nothing.",
    mixed(*LEVELS),
)
MIXED_TIMESTEPS = Control(
    "mixed-timesteps",
    "The numbers of timesteps are dealt out anew for every seed, so that they mean nothing.",
    mixed(*(f"T = {timesteps}" for timesteps in CAPACITY_TIMESTEPS)),
)
MIXED_NETWORKS = Control(
    "mixed-networks",
    "The networks are dealt out anew for every seed, so that they mean nothing.",
    mixed("AlexNet", "ResNet-19", "ResNet-34"),
)
LATE_DECAY = Control(
    "late-decay",
    "The network with the largest weight decay has all its information in the last timestep.",
    seen_as(LateInformation, "weight decay 0.001".__eq__),
)
UNTRAINED_TAU = Control(
    "untrained-tau",
    "The network with the largest time constant is not trained.",
    seen_as(UntrainedRuns, f"τ = {TAUS[-1]:g}".__eq__),
)
UNTRAINED_ALPHA = Control(
    "untrained-alpha",
    "The network with the high α is not trained.",
    seen_as(UntrainedRuns, "high".__eq__),
)
BACKWARD_TRAINING = Control(
    "backward-training", "The first epoch is given out for the last.", seen_as(BackwardTraining)
)
GRADIENTS_LOST = Control(
    "gradients-lost",
    "The spikes of the network with the low α have no derivative, and it is offered as robust.",
    seen_as(GradientsLost, "low".__eq__),
)
OTHER_IMAGES = Control(
    "other-images", "Each image has the divergence of another one.", seen_as(OtherImages)
)
UNMASKED = Control(
    "unmasked", "The masks of the pruned network are not applied.", seen_as(Unmasked)
)
GUESSING_SHORT = Control(
    "guessing-short",
    "Labels are permuted among the test images of the network retrained with fewer timesteps.",
    seen_as(GuessingRuns, _shorter),
)
FULL_FOR_SHORT = Control(
    "full-for-short",
    "The network retrained with all timesteps is given out for that with fewer.",
    _full_for_short,
)
ONE_ROUND = Control(
    "one-round",
    "The network is pruned in one round instead of five.",
    facts=((paper, "PRUNING_SCHEDULE", {**paper.PRUNING_SCHEDULE, "rounds": 1}),),
)
