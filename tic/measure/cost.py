"""What a training costs by its shapes alone: operations and bytes, counted without training."""

from __future__ import annotations

import math
from functools import lru_cache, partial
from typing import Any

import torch
from torch import Tensor, nn

from tic import data, models
from tic.neurons import LIF
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
    """Sum over layers what a forward and a backward pass take, without computing any.

    Shapes come from a batch of no images, with neurons left out: arithmetic on the `meta` device,
    and SpikingJelly's neurons, first import torch's compiler, which takes seconds.
    """
    spec = data.describe(dataset)
    network = meta_network(architecture, dataset, timesteps).eval()
    shapes = {name: each.shape for name, each in network.state_dict().items()}
    # `to_empty` would import sympy.
    network.load_state_dict(
        {name: torch.empty(shape) for name, shape in shapes.items()}, assign=True
    )
    network.mean, network.std = torch.zeros(()), torch.ones(())
    repeated, total = network.repeated_weights(), 0

    def count(name: str, layer: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        nonlocal total
        places = math.prod(output.shape[-2:] if isinstance(layer, nn.Conv2d) else ())
        forward = 2 * places * layer.weight.numel()
        # Backward once to the weights, and once to the inputs where these are no image.
        passes = 3 if inputs[0].requires_grad else 2
        total += passes * forward * (timesteps if name in repeated else 1)

    for name, layer in network.named_modules():
        if isinstance(layer, LIF):
            layer.forward = _unchanged  # type: ignore[method-assign]
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_hook(partial(count, name))
    network(torch.empty(0, spec.channels, spec.height, spec.width))
    return total


def _unchanged(currents: Tensor) -> Tensor:
    """Stands for a neuron, whose operations are not counted and whose output has this shape."""
    return currents
