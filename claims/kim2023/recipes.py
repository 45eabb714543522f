"""The paper's settings as Recipes, and the smoke setting derived from them by stated factors."""

from __future__ import annotations

from claims.kim2023.paper import LEVELS, PAPER, Level
from tic.audit import Pack, Setting
from tic.errors import NotApplicableError
from tic.pruning import pruning_chain
from tic.recipe import Recipe

PAPER_SETTING = Setting(
    recipe=Recipe(
        dataset="cifar10",
        architecture="resnet19",
        timesteps=10,
        tau=2.0,
        epochs=300,
        batch_size=128,
        learning_rate=0.3,
        momentum=0.9,
        weight_decay=5e-4,
        augmentation="crop-flip",
    ),
    fisher_size=1616,  # 101 batches of 16, as many images as the release uses
)

SMOKE_SETTING = Setting(
    recipe=PAPER_SETTING.recipe.but(
        dataset="digits",
        train_size=2000,
        architecture="tiny",
        timesteps=PAPER_SETTING.recipe.timesteps // 2,
        epochs=PAPER_SETTING.recipe.epochs // 5,
        batch_size=PAPER_SETTING.recipe.batch_size // 2,
        # The 8×8 digits fill their frame: a crop cuts strokes off and the α losses stay far away.
        augmentation="none",
    ),
    seeds=(0, 1, 2),
    fisher_size=512,
    test_size=1000,
)

KIM2023 = Pack(
    paper=PAPER,
    settings={"resnet19": PAPER_SETTING, "tiny": SMOKE_SETTING},
    own="resnet19",
    default="tiny",
)

ALPHAS: dict[str, tuple[float, float, float]] = {
    "cifar10": (1e-3, 1e-2, 7e-2),
    "svhn": (1e-4, 1e-2, 7e-2),
    "cifar100": (1e-4, 1e-3, 1e-2),
    # Not in the paper. Chosen on the training loss alone, with seeds that no audit uses, so that
    # the tiny network comes near each of the three levels in the smoke setting.
    "digits": (1e-2, 5e-2, 2e-1),
    "fashion-mnist": (2e-1, 3.5e-1, 6e-1),
}
"""α (low, intermediate, high) by data set; the paper lets it follow the set's difficulty."""

CHECKPOINTS = 15
PRUNING_TIMESTEPS = 5
ROUNDS = 5
FRACTION = 0.5
RETRAIN_SHARE = 60 / 300
"""Epochs of a retraining over those of the first training."""
FULL = "T"
"""Retraining with the timesteps of the first training, whichever the setting has."""


def baseline(setting: Setting) -> Recipe:
    """Cross-entropy on the mean logits, with checkpoints at every fifteenth of the training."""
    if setting.recipe.timesteps < 2:
        raise NotApplicableError(
            f"information over time needs at least 2 timesteps, got {setting.recipe.timesteps}"
        )
    if setting.recipe.epochs < 3:
        raise NotApplicableError(
            f"a fall from early to final needs at least 3 epochs, got {setting.recipe.epochs}"
        )
    return setting.recipe.but(checkpoints=min(CHECKPOINTS, setting.recipe.epochs))


def alphas(setting: Setting) -> dict[str, Recipe]:
    """The α loss at its three levels."""
    return {
        level: setting.recipe.but(loss="alpha", alpha=alpha)
        for level, alpha in alpha_levels(setting.recipe.dataset).items()
    }


def alpha_levels(dataset: str) -> dict[Level, float]:
    """α by level for a data set."""
    return dict(zip(LEVELS, ALPHAS[dataset], strict=True))


def pruned(setting: Setting, retrain_timesteps: int) -> dict[str, Recipe]:
    """Every round of iterative pruning, retrained at full and at fewer timesteps."""
    first = baseline(setting)
    first = first.but(timesteps=min(PRUNING_TIMESTEPS, first.timesteps))
    if retrain_timesteps >= first.timesteps:
        raise NotApplicableError(
            f"T_retrain = {retrain_timesteps} saves nothing at T = {first.timesteps}"
        )
    return {
        role(name, done): recipe
        for name, timesteps in ((FULL, first.timesteps), (retrain_timesteps, retrain_timesteps))
        for done, recipe in enumerate(_chain(first, timesteps), start=1)
    }


def role(retrain_timesteps: int | str, done: int) -> str:
    """Name a round of pruning in what `pruned` returns."""
    return f"T_retrain={retrain_timesteps}, round {done}"


def _chain(first: Recipe, timesteps: int) -> list[Recipe]:
    return pruning_chain(
        first,
        rounds=ROUNDS,
        fraction=FRACTION,
        retrain_epochs=max(1, round(RETRAIN_SHARE * first.epochs)),
        retrain_timesteps=timesteps,
    )
