"""Trainings that other explanations need beside those of the claims."""

from __future__ import annotations

from claims.kim2023.recipes import (
    FULL,
    ROUNDS,
    baseline,
    chain,
    on_dataset,
    operations,
    pruned,
    role,
    timesteps,
)
from tic.audit import Setting
from tic.errors import NotApplicableError
from tic.losses import PrefixLoss
from tic.recipe import Recipe

FEWER_TIMESTEPS, FEWER_EPOCHS = "fewer timesteps", "fewer epochs"
BY_MAGNITUDE, AT_RANDOM = "magnitude", "random"


def shorter(setting: Setting, kind: str, retrain_timesteps: int) -> dict[str, Recipe]:
    """The last round of pruning with fewer timesteps, and with fewer epochs of as many operations.

    Both kinds of retraining take as many operations as whole epochs allow.

    Raises:
        NotApplicableError: No whole number of epochs is fewer.
    """
    chains = pruned(setting, kind, retrain_timesteps)
    fewer, full = chains[role(retrain_timesteps, ROUNDS)], chains[role(FULL, ROUNDS)]
    share = operations(fewer) / operations(full)
    first = full.ancestors[0]
    epochs = max(1, round(share * full.epochs))
    if epochs == full.epochs:
        raise NotApplicableError(
            f"retrainings of {full.epochs} epochs are too short to tell {retrain_timesteps} of "
            f"{full.timesteps} timesteps from fewer epochs"
        )
    return {
        FEWER_TIMESTEPS: fewer,
        FEWER_EPOCHS: chain(first, first.timesteps, epochs=epochs)[-1],
    }


def randomly_pruned(setting: Setting, kind: str, retrain_timesteps: int) -> dict[str, Recipe]:
    """The last round of pruning by magnitude, and of pruning at random, with fewer timesteps."""
    by_magnitude = pruned(setting, kind, retrain_timesteps)[role(retrain_timesteps, ROUNDS)]
    first = by_magnitude.ancestors[0]
    return {
        BY_MAGNITUDE: by_magnitude,
        AT_RANDOM: chain(first, retrain_timesteps, order="random")[-1],
    }


def twin(setting: Setting) -> Recipe:
    """The baseline with cross-entropy on every prefix, so that no read-out stays unfitted."""
    return fitted(baseline(setting))


def twin_timesteps(setting: Setting) -> dict[str, Recipe]:
    """Such twins of the trainings of several lengths in time."""
    return {name: fitted(recipe) for name, recipe in timesteps(setting).items()}


def twin_on_dataset(setting: Setting, images: str) -> Recipe:
    """Such a twin on one of the paper's data sets."""
    return fitted(on_dataset(setting, images))


def fitted(recipe: Recipe) -> Recipe:
    """Let every prefix read-out be trained instead of their mean over T alone."""
    return recipe.but(loss=PrefixLoss())
