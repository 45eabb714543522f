"""The release's setting as Recipes, and the smoke setting."""

from __future__ import annotations

from pathlib import Path

from claims.li2023.events import DIRECTIONS, Events
from claims.li2023.networks import PreActivation
from claims.li2023.paper import PAPER, PLACES, Factor
from claims.li2023.runs import LiRuns
from tic.audit import NotApplicableError, Pack, Recipe, Setting, as_kind
from tic.data import CIFAR10, CropFlip, Digits
from tic.fitting import CosineSGD

SEEDS = tuple(range(10, 15))
"""Seeds 0 to 2 were looked at in a trial, and 0 to 9 are for choosing settings."""

RESNET20 = Setting(
    recipe=Recipe(
        dataset=CIFAR10(),
        architecture=PreActivation(depth=3, width=16),
        timesteps=4,
        fitting=CosineSGD(learning_rate=0.1, momentum=0.9, weight_decay=1e-4),
        epochs=300,
        batch_size=256,
        augmentation=CropFlip(),
    ),
    seeds=SEEDS,
    sizes={"similarity": 2048, "attack": 2048},
)
SMOKE = Setting(
    recipe=RESNET20.recipe.but(
        dataset=Digits(),
        architecture=PreActivation(depth=2, width=8),
        # Chosen by accuracy alone, on seeds that no audit uses: benchmarks/li2023_smoke.py.
        epochs=6,
        batch_size=32,
        # The 8×8 digits fill their frame: a crop cuts strokes off.
        augmentation=None,
    ),
    seeds=SEEDS[:3],
    sizes={"similarity": 360, "attack": 120},
)

LI2023 = Pack(
    paper=PAPER,
    settings={"resnet20": RESNET20, "tiny-preact": SMOKE},
    original="resnet20",
    default="tiny-preact",
    places=PLACES,
    runs=LiRuns,
    claims=13,
    rivals=21,
    pilots=Path(__file__).with_name("pilots.json"),
)

SPIKING, ORDINARY, TWIN = "N", "A", "A′"
PLAIN = "without shortcuts"
EVENT_SHARE = 1 / 2
"""Share of the training samples that event data take, whose sequences are longer."""
EPSILON = {"digits": 0.3}
"""Of attacks, in standard deviations of the pixels, where it is not the release's."""
RELEASE_EPSILON = 0.01
FACTORS = (0.5, 1.0, 2.0)
WIDTHS = ("×½", "×1", "×2")
DEPTHS = (1, 2, 3)
LARGEST_LEAK = 1.0


def epsilon(recipe: Recipe) -> float:
    """Of attacks on networks of a training, in standard deviations of the pixels."""
    return EPSILON.get(recipe.dataset.name, RELEASE_EPSILON)


def design(recipe: Recipe) -> PreActivation:
    """The network of a training."""
    return as_kind(recipe.architecture, PreActivation)


def spiking(setting: Setting) -> Recipe:
    """N: the spiking network, whose untrained weights are kept.

    Raises:
        NotApplicableError: It has no time, or no epochs between.
    """
    recipe = setting.recipe
    if recipe.timesteps < 2 or recipe.epochs < 2:
        raise NotApplicableError(
            f"a spiking network needs at least 2 timesteps and 2 epochs here, got "
            f"{recipe.timesteps} and {recipe.epochs}"
        )
    # Random numbers of its own: with one seed alone it would begin with the weights of A.
    return recipe.but(checkpoints=2, twin=2)


def ordinary(recipe: Recipe, twin: int = 0) -> Recipe:
    """A, or with 1 A′: the same training with ordinary neurons; one timestep shows an image."""
    made = recipe.but(architecture=design(recipe).but(neuron="relu"), twin=twin)
    return made if len(recipe.dataset.facts.shape) == 4 else made.but(timesteps=1)


def pair(setting: Setting) -> dict[str, Recipe]:
    """N and A."""
    network = spiking(setting)
    return {SPIKING: network, ORDINARY: ordinary(network)}


def three(setting: Setting) -> dict[str, Recipe]:
    """N, A and A′."""
    return {**pair(setting), TWIN: ordinary(spiking(setting), twin=1)}


def both_ways(setting: Setting) -> dict[str, Recipe]:
    """N, A and A′, with and without shortcuts."""
    with_shortcuts = three(setting)
    return with_shortcuts | {
        f"{role}, {PLAIN}": without_shortcuts(recipe) for role, recipe in with_shortcuts.items()
    }


def without_shortcuts(recipe: Recipe) -> Recipe:
    """The same training of a network without shortcuts."""
    return recipe.but(architecture=design(recipe).but(shortcuts=False))


def plain_spiking(setting: Setting) -> Recipe:
    """N without shortcuts."""
    return without_shortcuts(spiking(setting))


def shortcuts(setting: Setting) -> dict[str, Recipe]:
    """N and A, with and without shortcuts."""
    return {role: recipe for role, recipe in both_ways(setting).items() if TWIN not in role}


def widths(setting: Setting) -> dict[str, Recipe]:
    """N and A at half, all and twice the channels."""
    return _over(setting, _by_width(setting), twins=False)


def twin_widths(setting: Setting) -> dict[str, Recipe]:
    """A and A′ likewise."""
    return _over(setting, _by_width(setting), twins=True)


def depths(setting: Setting) -> dict[str, Recipe]:
    """N and A with one, two and three blocks in a stage."""
    return _over(setting, _by_depth(setting), twins=False)


def twin_depths(setting: Setting) -> dict[str, Recipe]:
    """A and A′ likewise."""
    return _over(setting, _by_depth(setting), twins=True)


def _by_width(setting: Setting) -> dict[str, PreActivation]:
    base = design(setting.recipe)
    channels = [round(base.width * factor) for factor in FACTORS]
    if base.width % 2:
        raise NotApplicableError(f"half of {base.width} channels is no whole number")
    return {name: base.but(width=count) for name, count in zip(WIDTHS, channels, strict=True)}


def _by_depth(setting: Setting) -> dict[str, PreActivation]:
    base = design(setting.recipe)
    return {f"n = {depth}": base.but(depth=depth) for depth in DEPTHS}


def _over(setting: Setting, designs: dict[str, PreActivation], *, twins: bool) -> dict[str, Recipe]:
    recipes, network = {}, spiking(setting)
    for name, made in designs.items():
        trained = network.but(architecture=made)
        other = ordinary(trained, twin=1) if twins else trained
        recipes[role(TWIN if twins else SPIKING, name)] = other
        recipes[role(ORDINARY, name)] = ordinary(trained)
    return recipes


def role(network: str, condition: str) -> str:
    """Name a network under a condition."""
    return f"{network}, {condition}"


SHORT, LONG = "short", "long"


def factor(setting: Setting, factor: Factor) -> dict[str, Recipe]:
    """N with the smaller and the larger T or leak, and A.

    Raises:
        NotApplicableError: They cannot be told apart.
    """
    network = spiking(setting)
    if factor == "timesteps":
        if network.timesteps < 4:
            raise NotApplicableError(f"half of T = {network.timesteps} leaves no neighbours")
        small, large = network.but(timesteps=network.timesteps // 2), network
    else:
        if design(network).leak >= LARGEST_LEAK:
            raise NotApplicableError(f"no leak is larger than {LARGEST_LEAK:g}")
        small = network
        large = network.but(architecture=design(network).but(leak=LARGEST_LEAK))
    return {SHORT: small, LONG: large, ORDINARY: ordinary(network)}


STREAM = "events"


def streams(setting: Setting) -> dict[str, Recipe]:
    """N, A and A′ on events made of images; N on as many images, shown for as many timesteps."""
    network = spiking(setting)
    images = network.dataset
    if len(images.facts.shape) != 3:
        raise NotApplicableError(f"events are made of images, and {images.name} has none")
    available = network.train_size or images.facts.train_size
    shown = network.but(
        dataset=Events(images),
        timesteps=len(DIRECTIONS),
        train_size=max(images.facts.num_classes, round(EVENT_SHARE * available)),
        augmentation=None,
    )
    return {
        SPIKING: network.but(timesteps=shown.timesteps, train_size=shown.train_size),
        role(SPIKING, STREAM): shown,
        role(ORDINARY, STREAM): ordinary(shown),
        role(TWIN, STREAM): ordinary(shown, twin=1),
    }


def spiking_stream(setting: Setting) -> Recipe:
    """N on events."""
    return streams(setting)[role(SPIKING, STREAM)]
