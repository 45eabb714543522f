"""Iterative pruning, by magnitude (Han et al. 2015) or at random, and what it saves.

As in Kim et al. 2023 (Fig. 6-7), a round removes a share f of the weights that are left. After r
rounds 1 - (1 - f)^r of all n that are ranked together are gone, rounded once:
round((1 - (1 - f)^r) · n), halves to even. To round f of what the last round left, as
`torch.nn.utils.prune` does when it is called again, carries every rounding on; with f = 1/2 it has
removed at most one weight more or less.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from tic import seeding
from tic.arrays import whole_number
from tic.errors import TicError, as_tic_error
from tic.fitting import Fit, Rule
from tic.models.capabilities import SYNAPTIC
from tic.recipe import Recipe

Masks = dict[str, Tensor]
Order = Literal["magnitude", "random"]
Scope = Literal["global", "layer"]


@dataclass(frozen=True)
class Pruning(Rule):
    """Weights that are held at zero while a network is trained again from its parent's.

    Attributes:
        sparsity: Share of the prunable weights that is held at zero, in (0, 1). Those that were
            pruned in the parent are among them.
        order: Which: those smallest in `magnitude` in the parent's final weights, or drawn at
            `random` from the seed.
        scope: Whether weights compete with those of all layers (`global`), or of their own `layer`,
            so that every layer has the same sparsity.

    Raises:
        TicError: The sparsity is out of its range.
    """

    needs_parent: ClassVar[bool] = True

    sparsity: float
    order: Order = "magnitude"
    scope: Scope = "global"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.sparsity < 1:
            raise TicError(f"sparsity must be in (0, 1), got {self.sparsity:g}; leave pruning out")

    @property
    def label(self) -> str:
        """See `Kind.label`."""
        drawn = "-random" if self.order == "random" else ""
        return f"pruned{self.sparsity:.1%}{drawn}" + ("-by-layer" if self.scope == "layer" else "")

    def start(self, fit: Fit) -> None:
        """Choose the weights, and prune them."""
        for name, mask in self.masks(prunable(fit.network), fit.seed).items():
            fit.tensors[f"pruned.{name}"] = mask
        self.after_step(fit)

    def after_step(self, fit: Fit) -> None:
        """Set the masked weights to zero again."""
        weights = prunable(fit.network)
        apply_masks(weights, {name: fit.tensors[f"pruned.{name}"] for name in weights})

    def masks(self, weights: dict[str, Tensor], seed: int) -> Masks:
        """Mask weights, which are those of the parent."""
        if self.order == "random":
            return random_masks(weights, self.sparsity, seed, self.scope)
        return magnitude_masks(weights, self.sparsity, self.scope)


def pruning_of(recipe: Recipe) -> Pruning | None:
    """The rule that prunes in a training, if one does."""
    return next((rule for rule in recipe.rules if isinstance(rule, Pruning)), None)


def sparsity_of(recipe: Recipe) -> float:
    """Share of the prunable weights that a training holds at zero."""
    pruning = pruning_of(recipe)
    return pruning.sparsity if pruning else 0.0


def prunable(model: nn.Module) -> dict[str, Tensor]:
    """Weights that pruning may remove, by name: those of all `SYNAPTIC` layers.

    Weights that layers share are there once, as the first layer's.

    Raises:
        TicError: There are none, or a layer computes its weights from other parameters, so that
            nothing stays of what is done to them.
    """
    weights: dict[str, Tensor] = {}
    for name, module in model.named_modules():
        if not isinstance(module, SYNAPTIC):
            continue
        weight: object = module.weight
        if not isinstance(weight, nn.Parameter):
            raise TicError(
                f"weights that are pruned must be parameters, and layer {name!r} computes its own "
                "from others, as under weight_norm; take that off, such as by "
                "torch.nn.utils.parametrize.remove_parametrizations"
            )
        if all(weight is not other for other in weights.values()):
            weights[f"{name}.weight"] = weight
    if not weights:
        raise TicError(
            f"the network must have convolutions or linear layers, whose weights can be pruned, "
            f"got none in {type(model).__name__}; leave out what prunes or asks for them"
        )
    return weights


def magnitude_masks(weights: dict[str, Tensor], sparsity: float, scope: Scope = "global") -> Masks:
    """Mask the weights smallest in magnitude.

    Args:
        weights: Tensors by name; pruned ones are 0 and therefore stay pruned.
        sparsity: Share of weights to remove. The count is exact: round(sparsity · n) of the n that
            are ranked together.
        scope: Whether those of all layers are ranked together, or each layer's by themselves.

    Returns:
        A 0/1 tensor per weight, of the same shape and type.

    Raises:
        TicError: The share is out of its range.
    """
    if scope == "global":
        return _smallest(weights, sparsity)
    layers = (_smallest({name: weight}, sparsity) for name, weight in weights.items())
    return {name: mask for layer in layers for name, mask in layer.items()}


def _smallest(weights: dict[str, Tensor], sparsity: float) -> Masks:
    if not 0 <= sparsity <= 1:
        raise TicError(f"sparsity must be a share of the weights in [0, 1], got {sparsity:g}")
    magnitudes = torch.cat([weight.detach().abs().flatten() for weight in weights.values()])
    removed = round(sparsity * len(magnitudes))
    # A stable order keeps the count exact and the choice reproducible when magnitudes tie.
    flat = torch.ones_like(magnitudes)
    flat[magnitudes.argsort(stable=True)[:removed]] = 0
    parts = torch.split(flat, [weight.numel() for weight in weights.values()])
    return {
        name: part.view_as(weight).to(weight)
        for (name, weight), part in zip(weights.items(), parts, strict=True)
    }


def random_masks(
    weights: dict[str, Tensor], sparsity: float, seed: int, scope: Scope = "global"
) -> Masks:
    """Mask weights drawn uniformly, the control of `magnitude_masks`.

    Args:
        weights: Tensors by name; pruned ones are 0 and therefore stay pruned.
        sparsity: Share of weights to remove; as many as `magnitude_masks` does.
        seed: Of one order of all weights, of which every sparsity takes the start.
        scope: Whether the share is of all layers together or of each.

    Returns:
        A 0/1 tensor per weight, of the same shape and type.

    Raises:
        TicError: The share is out of its range.
    """
    draws = seeding.generator(seed, "pruning")  # on the CPU: every device prunes the same weights
    scores = {
        # In (0, 1] where a weight is left, so that nothing ranks with those that are pruned.
        name: (1 - torch.rand(weight.shape, generator=draws)).to(weight) * (weight.detach() != 0)
        for name, weight in weights.items()
    }
    return magnitude_masks(scores, sparsity, scope)


@torch.no_grad()
def apply_masks(weights: dict[str, Tensor], masks: Masks) -> None:
    """Set masked weights to exactly zero, in place."""
    for name, mask in masks.items():
        weights[name].mul_(mask)


def sparsity(weights: dict[str, Tensor]) -> float:
    """Share of weights that are exactly zero."""
    zeros = sum(int((weight == 0).sum()) for weight in weights.values())
    return zeros / sum(weight.numel() for weight in weights.values())


def pruning_chain(
    base: Recipe,
    *,
    rounds: int,
    fraction: float,
    retrain_epochs: int,
    retrain_timesteps: int,
    order: Order = "magnitude",
) -> list[Recipe]:
    """Recipes of iterative pruning: each round removes a share of what is left and retrains.

    Args:
        base: The training whose final weights are pruned first; it may be pruned itself.
        rounds: Number of pruning-retraining cycles R.
        fraction: Share of the remaining weights that a round removes.
        retrain_epochs: Epochs per round, N_retrain.
        retrain_timesteps: Timesteps while retraining, T_retrain.
        order: Which weights a round removes; see `Pruning`.

    Returns:
        One Recipe per round, each the parent of the next.

    Raises:
        TicError: The retraining uses more timesteps than the base.
    """
    if retrain_timesteps > base.timesteps:
        raise TicError(
            f"retrain_timesteps must be at most the {base.timesteps} timesteps of the first "
            f"training, got {retrain_timesteps}"
        )
    left = 1 - sparsity_of(base)
    others = tuple(rule for rule in base.rules if not isinstance(rule, Pruning))
    chain: list[Recipe] = []
    for done in range(1, rounds + 1):
        sparsity = 1 - left * (1 - fraction) ** done
        chain.append(
            base.but(
                parent=chain[-1] if chain else base,
                rules=(*others, Pruning(sparsity, order)),
                timesteps=retrain_timesteps,
                epochs=retrain_epochs,
                checkpoints=1,
            )
        )
    return chain


def compute_saving(
    *, epochs: int, retrain_epochs: int, rounds: int, timesteps: int, retrain_timesteps: int
) -> float:
    """Share of compute that pruning with fewer timesteps saves (Kim et al. 2023, after Fig. 7).

    N_retrain · R · (T - T_retrain) / (N · T + N_retrain · R · T), with compute proportional to
    epochs times timesteps.

    Args:
        epochs: Epochs of the first training, N.
        retrain_epochs: Epochs per round, N_retrain.
        rounds: Number of pruning-retraining cycles, R.
        timesteps: Timesteps of the first training, T.
        retrain_timesteps: Timesteps while retraining, T_retrain.

    Returns:
        A share in [0, 1).

    Raises:
        TicError: A count is no whole number or not positive, or T_retrain exceeds T.
    """
    counts = {
        "epochs": epochs,
        "retrain_epochs": retrain_epochs,
        "rounds": rounds,
        "timesteps": timesteps,
        "retrain_timesteps": retrain_timesteps,
    }
    with as_tic_error():
        for name, count in counts.items():
            whole_number(count, name=name, least=1)
    if retrain_timesteps > timesteps:
        raise TicError(
            f"retrain_timesteps must be at most timesteps, got {retrain_timesteps} > {timesteps}"
        )
    retraining = retrain_epochs * rounds
    saved = retraining * (timesteps - retrain_timesteps)
    return saved / (epochs * timesteps + retraining * timesteps)
