"""The paper's settings as Recipes, and the smoke setting derived from them by stated factors."""

from __future__ import annotations

from pathlib import Path

from claims.kim2023.paper import LEVELS, PAPER, PLACES, Level
from claims.kim2023.protocol import PAPER_SMALLEST_TAU
from claims.kim2023.runs import KimRuns
from tic import data
from tic.audit import Pack, Setting, as_kind
from tic.data import CIFAR10, CropFlip, Digits
from tic.errors import NotApplicableError
from tic.fitting import CosineSGD
from tic.losses import AlphaLoss
from tic.measure.cost import training_operations
from tic.models import Spiking
from tic.pruning import Order, pruning_chain
from tic.recipe import Recipe

PAPER_SETTING = Setting(
    recipe=Recipe(
        dataset=CIFAR10(),
        architecture=Spiking("resnet19", tau=2.0),
        timesteps=10,
        fitting=CosineSGD(learning_rate=0.3, momentum=0.9, weight_decay=5e-4),
        epochs=300,
        batch_size=128,
        augmentation=CropFlip(),
    ),
    # Fisher information on 101 batches of 16, as many images as the release uses.
    sizes={"fisher": 1616, "attack": 1000},
    attacks="standard",
)

SMOKE_SETTING = Setting(
    recipe=PAPER_SETTING.recipe.but(
        dataset=Digits(),
        train_size=2000,
        architecture=Spiking("tiny"),
        timesteps=PAPER_SETTING.recipe.timesteps // 2,
        epochs=PAPER_SETTING.recipe.epochs // 30,
        # The 8×8 digits fill their frame: a crop cuts strokes off and the α losses stay far away.
        augmentation=None,
    ),
    seeds=(0, 1, 2, 3, 4),
    sizes={"fisher": 64, "test": 500, "attack": 64},
)
"""Chosen for what it decides for its cost, with seeds of its own: `benchmarks.smoke_setting`."""

NETWORKS = {
    "AlexNet": "alexnet",
    "VGG-16": "vgg16",
    "ResNet-19": "resnet19",
    "ResNet-34": "resnet34",
}
TINY_NETWORKS = {
    "AlexNet": "tiny-alexnet",
    "VGG-16": "tiny-vgg16",
    "ResNet-19": "tiny",
    "ResNet-34": "tiny-resnet34",
}
"""Networks of the same kind, small enough for a smoke audit."""

KIM2023 = Pack(
    paper=PAPER,
    settings={
        **{name: PAPER_SETTING.but(architecture=Spiking(name)) for name in NETWORKS.values()},
        **{name: SMOKE_SETTING.but(architecture=Spiking(name)) for name in TINY_NETWORKS.values()},
    },
    original="resnet19",
    default="tiny",
    places=PLACES,
    runs=KimRuns,
    # All that rest on Runs, on every data set of Fig. 4e: so many share the error rate, whatever
    # part of them is audited and whichever data are there.
    claims=29,
    rivals=33,
    pilots=Path(__file__).with_name("pilots.json"),
)

ALPHAS: dict[str, tuple[float, float, float]] = {
    "cifar10": (1e-3, 1e-2, 7e-2),
    "svhn": (1e-4, 1e-2, 7e-2),
    "cifar100": (1e-4, 1e-3, 1e-2),
    # Not in the paper. Chosen on the training loss alone, with seeds that no audit uses, so that
    # the tiny network comes near each of the three levels in the smoke setting: below 0.07 it does
    # not get on the digits (`benchmarks.smoke_setting`).
    "digits": (1e-1, 2e-1, 4e-1),
    "fashion-mnist": (2e-1, 3.5e-1, 6e-1),
}
"""α (low, intermediate, high) by data set; the paper lets it follow the set's difficulty."""

CHECKPOINTS = 15
TIMESTEPS = (4, 6, 8, 10)
CAPACITY_TIMESTEPS = (2, 4, 6, 8, 10)
TAUS = (PAPER_SMALLEST_TAU, 2.0, 4.0)
WEIGHT_DECAYS = (1e-4, 5e-4, 1e-3)
LEARNING_RATES = (0.03, 0.08, 0.3, 0.8)
DATASETS = ("cifar10", "svhn", "fashion-mnist")
DEFICIT_WIDTH = 3
"""Of the paper's 10 timesteps those with noise, t to t + 2."""
PRUNED = ("VGG-16", "ResNet-19")
PRUNING_TIMESTEPS = 5
ROUNDS = 5
FRACTION = 0.5
RETRAIN_SHARE = 60 / 300
"""Epochs of a retraining over those of the first training."""
FULL = "T"
"""Retraining with the timesteps of the first training, whichever the setting has."""


def baseline(setting: Setting) -> Recipe:
    """Cross-entropy on the mean logits, with checkpoints at every fifteenth of the training.

    Every training with this loss keeps them, so that all claims share it.
    """
    if setting.recipe.timesteps < 2:
        raise NotApplicableError(
            f"information over time needs at least 2 timesteps, got {setting.recipe.timesteps}"
        )
    if setting.recipe.epochs < 3:
        raise NotApplicableError(
            f"a fall from early to final needs at least 3 epochs, got {setting.recipe.epochs}"
        )
    return setting.recipe.but(checkpoints=min(CHECKPOINTS, setting.recipe.epochs))


def operations(recipe: Recipe) -> int:
    """Operations of a training.

    Raises:
        NotApplicableError: Its architecture does not tell.
    """
    counted = training_operations(recipe)
    if counted is None:
        raise NotApplicableError(f"{recipe.architecture.label} does not tell its operations")
    return counted


def scaled(setting: Setting, length: int) -> int:
    """The paper's number of timesteps as a share of the setting's; the paper's longest is 10."""
    share = setting.recipe.timesteps / PAPER_SETTING.recipe.timesteps
    return max(1, round(length * share))


def deficit_width(setting: Setting) -> int:
    """Timesteps with noise: a share of all by which the first and the last window do not meet."""
    return scaled(setting, DEFICIT_WIDTH)


def _at_timesteps(setting: Setting, timesteps: tuple[int, ...]) -> dict[str, Recipe]:
    lengths = [scaled(setting, length) for length in timesteps]
    if len(set(lengths)) < len(lengths):
        raise NotApplicableError(
            f"T = {', '.join(map(str, timesteps))} of the paper's 10 are not told apart at "
            f"T = {setting.recipe.timesteps}"
        )
    reference = baseline(setting)
    return {
        f"T = {paper}": reference.but(timesteps=ours)
        for paper, ours in zip(timesteps, lengths, strict=True)
    }


def timesteps(setting: Setting) -> dict[str, Recipe]:
    """Trainings of several lengths in time (Fig. 4a)."""
    return _at_timesteps(setting, TIMESTEPS)


def time_constants(setting: Setting) -> dict[str, Recipe]:
    """Trainings with several time constants (Fig. 4b)."""
    reference = baseline(setting)
    return {
        f"τ = {tau:g}": reference.but(
            architecture=as_kind(reference.architecture, Spiking).but(tau=tau)
        )
        for tau in TAUS
    }


def weight_decays(setting: Setting) -> dict[str, Recipe]:
    """Trainings with several weight decays (Fig. 4c), relative to the setting's."""
    reference = baseline(setting)
    fitting = as_kind(reference.fitting, CosineSGD)
    share = fitting.weight_decay / as_kind(PAPER_SETTING.recipe.fitting, CosineSGD).weight_decay
    return {
        f"weight decay {decay:g}": reference.but(fitting=fitting.but(weight_decay=decay * share))
        for decay in WEIGHT_DECAYS
    }


def learning_rates(setting: Setting) -> dict[str, Recipe]:
    """Trainings with several learning rates (Fig. 4d), relative to the setting's."""
    reference = baseline(setting)
    fitting = as_kind(reference.fitting, CosineSGD)
    share = fitting.learning_rate / as_kind(PAPER_SETTING.recipe.fitting, CosineSGD).learning_rate
    return {
        f"lr {rate:g}": reference.but(fitting=fitting.but(learning_rate=rate * share))
        for rate in LEARNING_RATES
    }


def factors(setting: Setting) -> dict[str, Recipe]:
    """Every training of Fig. 4a-d."""
    return {
        **timesteps(setting),
        **time_constants(setting),
        **weight_decays(setting),
        **learning_rates(setting),
    }


def on_dataset(setting: Setting, images: str) -> Recipe:
    """The baseline on one of the paper's data sets (Fig. 4e)."""
    return baseline(setting).but(dataset=data.DATASETS[images])


def networks(setting: Setting) -> dict[str, str]:
    """Architectures by the paper's name of their kind, of the size of the setting's."""
    tiny = as_kind(setting.recipe.architecture, Spiking).name in TINY_NETWORKS.values()
    return TINY_NETWORKS if tiny else NETWORKS


def architectures(setting: Setting) -> dict[str, Recipe]:
    """Trainings of three networks (Fig. 4f)."""
    reference, sizes = baseline(setting), networks(setting)
    return {
        name: reference.but(
            architecture=as_kind(reference.architecture, Spiking).but(network=sizes[name])
        )
        for name in ("AlexNet", "ResNet-19", "ResNet-34")
    }


def capacity(setting: Setting, kind: str) -> dict[str, Recipe]:
    """Trainings of one kind of network over several T (Discussion)."""
    network = as_kind(setting.recipe.architecture, Spiking).but(network=networks(setting)[kind])
    scaled_setting = setting.but(architecture=network)
    return _at_timesteps(scaled_setting, CAPACITY_TIMESTEPS)


def alphas(setting: Setting) -> dict[str, Recipe]:
    """The α loss at its three levels, with checkpoints for the curves of Fig. 5c."""
    kept = min(CHECKPOINTS, setting.recipe.epochs)
    return {
        name: setting.recipe.but(loss=AlphaLoss(level), checkpoints=kept)
        for name, level in alpha_levels(setting.recipe.dataset.name).items()
    }


def alpha_levels(dataset: str) -> dict[Level, float]:
    """α by level for a data set.

    Raises:
        NotApplicableError: The paper has no α for it.
    """
    if dataset not in ALPHAS:
        raise NotApplicableError(f"α was chosen for {', '.join(ALPHAS)} and not for {dataset}")
    return dict(zip(LEVELS, ALPHAS[dataset], strict=True))


def pruned(setting: Setting, kind: str, retrain_timesteps: int) -> dict[str, Recipe]:
    """Every round of iterative pruning of a network, retrained at full and at fewer timesteps."""
    reference = baseline(setting)
    network = as_kind(reference.architecture, Spiking).but(network=networks(setting)[kind])
    first = reference.but(architecture=network)
    first = first.but(timesteps=min(PRUNING_TIMESTEPS, first.timesteps))
    if retrain_timesteps >= first.timesteps:
        raise NotApplicableError(
            f"T_retrain = {retrain_timesteps} saves nothing at T = {first.timesteps}"
        )
    return {
        role(name, done): recipe
        for name, timesteps in ((FULL, first.timesteps), (retrain_timesteps, retrain_timesteps))
        for done, recipe in enumerate(chain(first, timesteps), start=1)
    }


def role(retrain_timesteps: int | str, done: int) -> str:
    """Name a round of pruning in what `pruned` returns."""
    return f"T_retrain={retrain_timesteps}, round {done}"


def chain(
    first: Recipe, timesteps: int, *, epochs: int | None = None, order: Order = "magnitude"
) -> list[Recipe]:
    """The rounds of iterative pruning of a training."""
    return pruning_chain(
        first,
        rounds=ROUNDS,
        fraction=FRACTION,
        retrain_epochs=epochs or max(1, round(RETRAIN_SHARE * first.epochs)),
        retrain_timesteps=timesteps,
        order=order,
    )
