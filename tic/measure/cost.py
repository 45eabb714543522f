"""What a training costs by its shapes alone: operations and bytes, counted without training."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch.utils.flop_counter import FlopCounterMode

from tic import data, models
from tic.losses import mean_loss
from tic.recipe import Recipe


def training_operations(recipe: Recipe) -> int:
    """Count the floating-point operations of a training: forward and backward of every image.

    Convolutions and matrix products are counted, a multiplication and an addition as two; neurons,
    normalisation and the optimiser are not. What a timestep does not repeat counts once.

    Args:
        recipe: Its ancestors are not counted.
    """
    images = recipe.train_size or data.describe(recipe.dataset).train_size
    per_image = _operations_per_image(recipe.architecture, recipe.dataset, recipe.timesteps)
    return recipe.epochs * images * per_image


def stored_bytes(recipe: Recipe) -> int:
    """Bytes that the weights of a Run take in the Store."""
    network = meta_network(recipe.architecture, recipe.dataset, recipe.timesteps)
    per_epoch: int = sum(each.nbytes for each in network.state_dict().values())
    return len(recipe.checkpoint_epochs) * per_epoch


def meta_network(architecture: str, dataset: str, timesteps: int) -> models.SpikingNetwork:
    """Build a network for a data set that has shapes and names but no numbers."""
    spec = data.describe(dataset)
    with torch.device("meta"):
        return models.build(
            architecture,
            in_channels=spec.channels,
            num_classes=spec.num_classes,
            timesteps=timesteps,
        )


@lru_cache(maxsize=256)
def _operations_per_image(architecture: str, dataset: str, timesteps: int) -> int:
    spec = data.describe(dataset)
    network = meta_network(architecture, dataset, timesteps).train()
    batch = 2  # batch normalisation needs more than one value per channel
    images = torch.empty(batch, spec.channels, spec.height, spec.width, device="meta")
    labels = torch.zeros(batch, dtype=torch.long, device="meta")
    with FlopCounterMode(display=False) as counter:
        mean_loss(network(images), labels).backward()  # type: ignore[no-untyped-call]
    return int(counter.get_total_flops()) // batch
