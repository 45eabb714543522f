"""What the stored weights of a Run tell of its layers, without running its network."""

from __future__ import annotations

from functools import lru_cache

from torch import Tensor

from tic.lab import Lab
from tic.measure.cost import meta_network
from tic.models import SpikingNetwork
from tic.pruning import prunable, sparsity
from tic.recipe import Recipe


@lru_cache(maxsize=64)
def _shapes(architecture: str, dataset: str) -> SpikingNetwork:
    return meta_network(architecture, dataset, timesteps=1)


def repeated_weights(recipe: Recipe) -> frozenset[str]:
    """Names of the layers whose weights every timestep uses again."""
    return frozenset(_shapes(recipe.architecture, recipe.dataset).repeated_weights())


@lru_cache(maxsize=64)
def _layers(architecture: str, dataset: str) -> tuple[str, ...]:
    parameters = _shapes(architecture, dataset).named_parameters()
    return tuple(dict.fromkeys(name.rpartition(".")[0] for name, _ in parameters))


def layer_names(recipe: Recipe) -> tuple[str, ...]:
    """Names of the layers that have parameters, from the input on."""
    return _layers(recipe.architecture, recipe.dataset)


@lru_cache(maxsize=2**14)
def layer_scales(recipe: Recipe, epoch: int, lab: Lab, *, relative: bool) -> dict[str, float]:
    """What makes Fisher traces of layers comparable, by layer.

    Args:
        recipe: What was trained.
        epoch: After which.
        lab: Where the Run lies.
        relative: The squared norm of the layer's parameters, which makes the trace that of their
            relative change; else one over their number, which makes it that of one parameter.
    """
    weights = _weights(recipe, epoch, lab)
    sums: dict[str, float] = {}
    for name, shape in _shapes(recipe.architecture, recipe.dataset).named_parameters():
        layer = name.rpartition(".")[0]
        size = float(weights[name].double().square().sum()) if relative else shape.numel()
        sums[layer] = sums.get(layer, 0.0) + size
    return sums if relative else {layer: 1 / size for layer, size in sums.items()}


@lru_cache(maxsize=2**14)
def stored_sparsity(recipe: Recipe, epoch: int, lab: Lab) -> float:
    """Share of prunable weights that are exactly zero after an epoch."""
    weights = _weights(recipe, epoch, lab)
    return sparsity(
        {name: weights[name] for name in prunable(_shapes(recipe.architecture, recipe.dataset))}
    )


def _weights(recipe: Recipe, epoch: int, lab: Lab) -> dict[str, Tensor]:
    layout = _shapes(recipe.architecture, recipe.dataset).state_dict()
    return lab.run(recipe).weights(epoch, layout)
