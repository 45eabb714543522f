"""What the stored weights of a Run tell of its layers, without running its network."""

from __future__ import annotations

from functools import lru_cache

from torch import Tensor, nn

from tic.errors import TicError
from tic.lab import Lab
from tic.measure.cost import shapes
from tic.measure.measurement import Measurement, timesteps
from tic.measure.shapes import Shape
from tic.models.capabilities import Repeating
from tic.pruning import prunable, sparsity
from tic.recipe import Recipe


def repeated_weights(recipe: Recipe) -> frozenset[str]:
    """Names of the layers whose weights every timestep uses again.

    Raises:
        TicError: The network does not tell.
    """
    network = _shapes(recipe)
    if not isinstance(network, Repeating):
        raise TicError(
            f"{type(network).__name__} must have a method repeated_weights that names the layers "
            "which every timestep runs again; give it one, or count all layers"
        )
    return frozenset(network.repeated_weights())


def layer_names(recipe: Recipe) -> tuple[str, ...]:
    """Names of the layers that have parameters which require a gradient, from the input on."""
    return tuple(dict.fromkeys(name.rpartition(".")[0] for name in _measured(recipe)))


def every_layer(measurement: Measurement, recipe: Recipe) -> Shape:
    """Shape of a result that has a number for every layer and timestep."""
    return dict.fromkeys(layer_names(recipe), (timesteps(measurement, recipe),))


@lru_cache(maxsize=2**14)
def layer_scales(recipe: Recipe, epoch: int, lab: Lab, *, relative: bool) -> dict[str, float]:
    """What makes Fisher traces of layers comparable, by layer.

    Args:
        recipe: What was trained.
        epoch: After which.
        lab: Where the Run lies.
        relative: The squared norm of the layer's parameters, which makes the trace that of their
            relative change; else one over their number, which makes it that of one parameter.
            Parameters that require no gradient have no part in either.
    """
    weights = _weights(recipe, epoch, lab)
    sums: dict[str, float] = {}
    for name, shape in _measured(recipe).items():
        layer = name.rpartition(".")[0]
        size = float(weights[name].double().square().sum()) if relative else shape.numel()
        sums[layer] = sums.get(layer, 0.0) + size
    return sums if relative else {layer: 1 / size for layer, size in sums.items()}


@lru_cache(maxsize=2**14)
def stored_sparsity(recipe: Recipe, epoch: int, lab: Lab) -> float:
    """Share of prunable weights that are exactly zero after an epoch."""
    weights = _weights(recipe, epoch, lab)
    return sparsity({name: weights[name] for name in prunable(_shapes(recipe))})


def _measured(recipe: Recipe) -> dict[str, nn.Parameter]:
    """Parameters that Fisher information is about, without their numbers."""
    named = _shapes(recipe).named_parameters()
    return {name: parameter for name, parameter in named if parameter.requires_grad}


def _weights(recipe: Recipe, epoch: int, lab: Lab) -> dict[str, Tensor]:
    return lab.run(recipe).weights(epoch, _shapes(recipe).state_dict())


def _shapes(recipe: Recipe) -> nn.Module:
    return shapes(recipe.architecture, recipe.dataset.facts, recipe.timesteps)
