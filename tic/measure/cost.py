"""What a training costs by its shapes alone: operations and bytes, counted without training."""

from __future__ import annotations

from functools import lru_cache

from torch import Tensor, nn

from tic.data import Facts
from tic.models import Architecture
from tic.recipe import Recipe


def training_operations(recipe: Recipe) -> int | None:
    """Count the floating-point operations of a training: forward and backward of every sample.

    None where the architecture does not say (see `Architecture.operations`); the optimiser is not
    counted.

    Args:
        recipe: Its ancestors are not counted.
    """
    facts = recipe.dataset.facts
    per_sample = recipe.architecture.operations(facts, recipe.timesteps)
    if per_sample is None:
        return None
    return recipe.epochs * (recipe.train_size or facts.train_size) * per_sample


def stored_bytes(recipe: Recipe) -> int:
    """Bytes that the weights of a Run take in the Store."""
    network = shapes(recipe.architecture, recipe.dataset.facts, recipe.timesteps)
    state: dict[str, object] = network.state_dict()
    # What else there is, `Lab.fresh_network` refuses.
    per_epoch = sum(tensor.nbytes for tensor in state.values() if isinstance(tensor, Tensor))
    return len(recipe.checkpoint_epochs) * per_epoch


@lru_cache(maxsize=64)
def shapes(architecture: Architecture, facts: Facts, timesteps: int) -> nn.Module:
    """The network of an architecture, of which only names and shapes may be asked."""
    return architecture.shapes(facts, timesteps)
