"""The settings of Kim et al. 2023 as Recipes."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claims.kim2023 import recipes
from claims.kim2023.paper import LEVELS
from claims.kim2023.recipes import (
    ALPHAS,
    FULL,
    KIM2023,
    PAPER_SETTING,
    SMOKE_SETTING,
    role,
    scaled,
)
from claims.li2023.networks import PreActivation
from tic.data import CIFAR10, DATASETS, CropFlip, Digits, FashionMNIST
from tic.data.events import MovingImages
from tic.errors import NotApplicableError, TicError
from tic.fitting import CosineSGD
from tic.losses import AlphaLoss, MeanLoss
from tic.models import Spiking, build
from tic.pruning import sparsity_of
from tic.recipe import Recipe

CASES = {
    "baseline": recipes.baseline,
    "timesteps": recipes.timesteps,
    "time_constants": recipes.time_constants,
    "weight_decays": recipes.weight_decays,
    "learning_rates": recipes.learning_rates,
    "factors": recipes.factors,
    "architectures": recipes.architectures,
    "alphas": recipes.alphas,
    **{
        f"on {name}": lambda setting, name=name: recipes.on_dataset(setting, name)
        for name in ("cifar10", "svhn", "fashion-mnist")
    },
    **{
        f"capacity of {name}": lambda setting, name=name: recipes.capacity(setting, name)
        for name in ("ResNet-19", "AlexNet")
    },
    **{
        f"{name} retrained with {t}": lambda setting, name=name, t=t: recipes.pruned(
            setting, name, t
        )
        for name in ("VGG-16", "ResNet-19")
        for t in (2, 3, 4)
    },
}
"""What every claim of the pack needs of a setting."""


def by_role(found):
    return {"": found} if isinstance(found, Recipe) else found


def paper(name):
    return by_role(CASES[name](PAPER_SETTING))


def smoke(**fields):
    return SMOKE_SETTING.but(**fields)


def test_the_papers_setting():
    assert PAPER_SETTING.recipe == Recipe(
        dataset=CIFAR10(),
        train_size=None,
        architecture=Spiking("resnet19", tau=2.0, batch_norm="joint"),
        timesteps=10,
        loss=MeanLoss(),
        fitting=CosineSGD(learning_rate=0.3, momentum=0.9, dampening=0.0, weight_decay=5e-4),
        rules=(),
        epochs=300,
        batch_size=128,
        precision="fp32",
        augmentation=CropFlip(),
        checkpoints=1,
        seed=0,
        parent=None,
    )
    assert PAPER_SETTING.seeds == (0, 1, 2, 3, 4)
    assert PAPER_SETTING.sizes == {"fisher": 101 * 16, "attack": 1000}
    assert PAPER_SETTING.attacks == "standard"


def test_the_smoke_setting_is_the_papers_with_half_the_timesteps_and_a_thirtieth_of_the_epochs():
    theirs = PAPER_SETTING.recipe
    assert SMOKE_SETTING.recipe == theirs.but(
        architecture=Spiking("tiny"),
        dataset=Digits(),
        train_size=2000,
        timesteps=theirs.timesteps / 2,
        epochs=theirs.epochs / 30,
        augmentation=None,
    )
    assert SMOKE_SETTING.seeds == (0, 1, 2, 3, 4)
    assert SMOKE_SETTING.sizes == {"fisher": 64, "test": 500, "attack": 64}
    assert SMOKE_SETTING.attacks == "quick"


def test_the_pack_is_audited_in_the_smoke_setting_unless_the_papers_is_asked_for():
    assert (KIM2023.original, KIM2023.default) == ("resnet19", "tiny")
    assert KIM2023.setting("resnet19") == PAPER_SETTING
    assert KIM2023.setting("tiny") == SMOKE_SETTING


def test_every_network_of_the_paper_has_a_setting_and_a_tiny_one():
    theirs = ("alexnet", "vgg16", "resnet19", "resnet34")
    ours = ("tiny-alexnet", "tiny-vgg16", "tiny", "tiny-resnet34")
    assert set(KIM2023.settings) == {*theirs, *ours}
    for names, reference in ((theirs, PAPER_SETTING), (ours, SMOKE_SETTING)):
        for name in names:
            assert KIM2023.setting(name) == reference.but(architecture=Spiking(name))


@pytest.mark.parametrize("architecture", ["tiny", "tiny-alexnet", "tiny-vgg16", "tiny-resnet34"])
def test_the_tiny_networks_can_be_built_for_the_smoke_data(architecture):
    build(architecture, in_channels=1, num_classes=10, timesteps=2)


def test_alphas_are_those_of_the_paper():
    assert ALPHAS["cifar10"] == (1e-3, 1e-2, 7e-2)
    assert ALPHAS["svhn"] == (1e-4, 1e-2, 7e-2)
    assert ALPHAS["cifar100"] == (1e-4, 1e-3, 1e-2)


@pytest.mark.parametrize("dataset", sorted(DATASETS))
def test_alphas_rise_from_low_to_high_on_every_data_set(dataset):
    low, intermediate, high = ALPHAS[dataset]
    assert 0 < low < intermediate < high


def test_the_alpha_recipes_differ_in_the_loss_and_keep_the_curves_of_accuracy():
    assert recipes.alphas(PAPER_SETTING) == {
        level: PAPER_SETTING.recipe.but(loss=AlphaLoss(alpha), checkpoints=15)
        for level, alpha in zip(LEVELS, (1e-3, 1e-2, 7e-2), strict=True)
    }


def test_the_baseline_keeps_weights_at_every_fifteenth_of_the_training():
    found = recipes.baseline(PAPER_SETTING)
    assert found == PAPER_SETTING.recipe.but(checkpoints=15)
    assert found.checkpoint_epochs == (0, 1, *range(20, 301, 20))


@pytest.mark.parametrize(("field", "too_few", "enough"), [("timesteps", 1, 2), ("epochs", 2, 3)])
def test_the_baseline_needs_something_to_move(field, too_few, enough):
    with pytest.raises(NotApplicableError, match=f"got {too_few}"):
        recipes.baseline(smoke(**{field: too_few}))
    recipes.baseline(smoke(**{field: enough}))


@given(st.integers(2, 40))
def test_the_first_and_the_last_window_of_noise_do_not_meet(timesteps):
    width = recipes.deficit_width(smoke(timesteps=timesteps))
    assert 1 <= width <= timesteps / 2
    assert timesteps != 10 or width == 3


@pytest.mark.parametrize(("ours", "of_4"), [(10, 4), (5, 2), (20, 8), (8, 3), (1, 1)])
def test_timesteps_scale_with_the_papers_longest(ours, of_4):
    assert scaled(smoke(timesteps=ours), 4) == of_4
    assert scaled(smoke(timesteps=ours), 10) == ours


@given(st.integers(1, 40), st.integers(1, 10), st.integers(1, 10))
def test_scaled_timesteps_keep_their_order_and_never_vanish(ours, one, other):
    setting = smoke(timesteps=ours)
    shorter, longer = (scaled(setting, each) for each in sorted((one, other)))
    assert 1 <= shorter <= longer <= max(ours, 1)


VARIED = {
    "timesteps": ("timesteps", {"T = 4": 4, "T = 6": 6, "T = 8": 8, "T = 10": 10}),
    "time_constants": (
        "architecture",
        {f"τ = {tau:g}": Spiking("resnet19", tau=tau) for tau in (0.75, 2.0, 4.0)},
    ),
    "weight_decays": (
        "fitting",
        {
            f"weight decay {decay:g}": CosineSGD(weight_decay=decay)
            for decay in (0.0001, 0.0005, 0.001)
        },
    ),
    "learning_rates": (
        "fitting",
        {f"lr {rate:g}": CosineSGD(learning_rate=rate) for rate in (0.03, 0.08, 0.3, 0.8)},
    ),
    "capacity of ResNet-19": (
        "timesteps",
        {"T = 2": 2, "T = 4": 4, "T = 6": 6, "T = 8": 8, "T = 10": 10},
    ),
    "architectures": (
        "architecture",
        {
            "AlexNet": Spiking("alexnet"),
            "ResNet-19": Spiking("resnet19"),
            "ResNet-34": Spiking("resnet34"),
        },
    ),
}


@pytest.mark.parametrize("name", VARIED)
def test_a_factor_varies_alone_around_the_papers_baseline(name):
    field, values = VARIED[name]
    baseline = recipes.baseline(PAPER_SETTING)
    assert paper(name) == {each: baseline.but(**{field: value}) for each, value in values.items()}
    assert baseline in paper(name).values()


def test_all_factors_are_those_of_fig_4a_to_4d():
    parts = ("timesteps", "time_constants", "weight_decays", "learning_rates")
    assert paper("factors") == {
        role: recipe for part in parts for role, recipe in paper(part).items()
    }
    assert len(paper("factors")) == 4 + 3 + 3 + 4


def test_the_capacity_of_alexnet_is_that_of_another_network():
    expected = {
        role: recipe.but(architecture=Spiking("alexnet"))
        for role, recipe in paper("capacity of ResNet-19").items()
    }
    assert paper("capacity of AlexNet") == expected


def test_the_smoke_setting_takes_half_of_every_number_of_timesteps():
    ours = [each.timesteps for each in recipes.timesteps(SMOKE_SETTING).values()]
    assert ours == [2, 3, 4, 5]
    ours = [each.timesteps for each in recipes.capacity(SMOKE_SETTING, "AlexNet").values()]
    assert ours == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("name", ["timesteps", "capacity of AlexNet", "factors"])
@pytest.mark.parametrize("ours", [2, 3, 4])
def test_few_timesteps_do_not_tell_the_papers_apart(name, ours):
    with pytest.raises(
        NotApplicableError, match=f"of the paper's 10 are not told apart at T = {ours}"
    ):
        CASES[name](smoke(timesteps=ours))


def test_rates_and_decays_follow_the_settings_own():
    half = smoke(fitting=CosineSGD(learning_rate=0.15, weight_decay=2.5e-4))
    rates = [each.fitting.learning_rate for each in recipes.learning_rates(half).values()]
    assert rates == pytest.approx([0.015, 0.04, 0.15, 0.4])
    decays = [each.fitting.weight_decay for each in recipes.weight_decays(half).values()]
    assert decays == pytest.approx([0.5e-4, 2.5e-4, 5e-4])


def test_the_paper_uses_all_images_of_each_data_set():
    for dataset in ("cifar10", "svhn", "fashion-mnist"):
        expected = recipes.baseline(PAPER_SETTING).but(dataset=DATASETS[dataset])
        assert recipes.on_dataset(PAPER_SETTING, dataset) == expected


def test_a_data_set_that_a_claim_brings_along_is_trained_on_as_the_settings_own():
    expected = recipes.baseline(SMOKE_SETTING).but(dataset=FashionMNIST())
    assert recipes.on_dataset(SMOKE_SETTING, "fashion-mnist") == expected
    assert recipes.on_dataset(smoke(dataset=FashionMNIST()), "fashion-mnist") == expected


@pytest.mark.parametrize("setting", KIM2023.settings.values(), ids=KIM2023.settings)
def test_networks_are_compared_with_those_of_their_size(setting):
    sizes = {name.startswith("tiny") for name in recipes.networks(setting).values()}
    assert sizes == {setting.recipe.architecture.name.startswith("tiny")}


NETWORKS = {"VGG-16": "vgg16", "ResNet-19": "resnet19"}


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("retrain_timesteps", [2, 3, 4])
def test_pruning_is_five_rounds_of_half_retrained_for_a_fifth(network, retrain_timesteps):
    found = recipes.pruned(PAPER_SETTING, network, retrain_timesteps)
    assert len(found) == 10
    for name, t in ((FULL, 5), (retrain_timesteps, retrain_timesteps)):
        chain = [found[role(name, done)] for done in range(1, 6)]
        assert {recipe.architecture for recipe in chain} == {Spiking(NETWORKS[network])}
        assert [recipe.timesteps for recipe in chain] == [t] * 5
        assert [recipe.epochs for recipe in chain] == [60] * 5
        assert [sparsity_of(recipe) for recipe in chain] == [0.5, 0.75, 0.875, 0.9375, 0.96875]
        assert [recipe.parent for recipe in chain[1:]] == chain[:-1]
        first = recipes.baseline(PAPER_SETTING).but(
            architecture=Spiking(NETWORKS[network]), timesteps=5
        )
        assert chain[0].parent == first


def test_a_smoke_retraining_takes_a_fifth_of_ten_epochs():
    found = recipes.pruned(SMOKE_SETTING, "VGG-16", 2)
    assert {(recipe.architecture, recipe.epochs) for recipe in found.values()} == {
        (Spiking("tiny-vgg16"), 2)
    }


@pytest.mark.parametrize("retrain_timesteps", [5, 6])
def test_retraining_with_all_timesteps_saves_nothing(retrain_timesteps):
    with pytest.raises(NotApplicableError, match=f"T_retrain = {retrain_timesteps} saves nothing"):
        recipes.pruned(SMOKE_SETTING, "VGG-16", retrain_timesteps)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("setting", KIM2023.settings.values(), ids=KIM2023.settings)
def test_every_setting_of_the_pack_gives_every_claim_the_papers_roles(setting, name):
    assert list(by_role(CASES[name](setting))) == list(paper(name))


@given(
    name=st.sampled_from(sorted(CASES)),
    architecture=st.sampled_from(sorted(KIM2023.settings)),
    dataset=st.sampled_from(list(DATASETS.values())),
    timesteps=st.integers(1, 12),
    epochs=st.integers(1, 30),
    train_size=st.none() | st.integers(3, 5000),
)
def test_any_setting_gives_the_papers_roles_or_does_not_apply(name, architecture, **fields):
    setting = KIM2023.setting(architecture).but(**fields)
    with suppress(NotApplicableError):
        assert list(by_role(CASES[name](setting))) == list(paper(name))


def test_an_unknown_network_has_no_setting():
    with pytest.raises(TicError, match="no setting for architecture 'resnet50'"):
        KIM2023.setting("resnet50")


def test_a_time_constant_that_is_set_holds_for_every_network():
    slow = SMOKE_SETTING.but(architecture=SMOKE_SETTING.recipe.architecture.but(tau=3.0))
    trainings = [
        *recipes.architectures(slow).values(),
        *recipes.capacity(
            SMOKE_SETTING.but(architecture=slow.recipe.architecture, timesteps=10), "AlexNet"
        ).values(),
        *recipes.pruned(slow, "VGG-16", 3).values(),
    ]
    assert {recipe.architecture.tau for recipe in trainings} == {3.0}
    assert len({recipe.architecture.network for recipe in trainings}) == 4


def test_alpha_is_none_of_a_data_set_for_which_nobody_chose_it():
    moving = SMOKE_SETTING.but(dataset=MovingImages(Digits()))
    with pytest.raises(NotApplicableError, match=r"chosen for cifar10, .* and not for moving-"):
        recipes.alphas(moving)


@pytest.mark.parametrize(
    "needs",
    [
        recipes.time_constants,
        recipes.architectures,
        lambda setting: recipes.capacity(setting, "ResNet-19"),
        lambda setting: recipes.pruned(setting, "VGG-16", 3),
    ],
)
def test_kinds_and_time_constants_are_varied_of_the_papers_networks_alone(needs):
    other = SMOKE_SETTING.but(architecture=PreActivation())
    assert recipes.baseline(other).architecture == PreActivation()
    with pytest.raises(NotApplicableError, match=r"about a Spiking and .* a PreActivation$"):
        needs(other)
