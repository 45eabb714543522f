"""Scope: what differs from the paper's own setting, and how far that is."""

from dataclasses import dataclass, replace

import pytest

from claims.kim2023 import recipes
from claims.kim2023.recipes import KIM2023, PAPER_SETTING, SMOKE_SETTING
from claims.yao2023 import recipes as yao2023_recipes
from claims.yao2023.recipes import YAO2023
from tic.audit.claims import Claim
from tic.audit.protocol import STANDARD, Protocol
from tic.data import SVHN
from tic.document.audit import Scope
from tic.errors import NotApplicableError, TicError
from tic.fitting import CosineSGD, Rule
from tic.losses import AlphaLoss
from tic.models import Spiking
from tic.session import scope as module

BASELINE = Claim(KIM2023, "a", "Fig. 1", "It is.", "By it.", recipes.baseline)
PRUNED = Claim(KIM2023, "b", "Fig. 7", "It is.", "By it.", recipes.pruned)


def scope(claim, setting, parameters, protocol=STANDARD):
    ours = claim.recipes(setting, parameters, protocol)
    return module.scope(claim, setting, ours, parameters, protocol)


def test_the_papers_setting_is_the_papers():
    assert scope(BASELINE, PAPER_SETTING, {}) == Scope(level="paper", differences=())


@pytest.mark.parametrize("retrain_timesteps", [2, 3, 4])
def test_the_papers_pruning_is_the_papers(retrain_timesteps):
    parameters = {"kind": "VGG-16", "retrain_timesteps": retrain_timesteps}
    assert scope(PRUNED, PAPER_SETTING, parameters).level == "paper"


def test_the_papers_network_in_another_setting_is_reduced_and_says_how():
    setting = PAPER_SETTING.but(dataset=SVHN(), epochs=30)
    assert scope(BASELINE, setting, {}) == Scope(
        level="reduced",
        differences=("dataset: svhn instead of cifar10", "epochs: 30 instead of 300"),
    )


def test_another_network_is_smoke():
    # Of the 360 test images of the digits, a limit of 500 leaves all.
    found = scope(BASELINE, SMOKE_SETTING, {})
    assert found.level == "smoke"
    assert found.differences == (
        "dataset: digits instead of cifar10",
        "architecture: tiny instead of resnet19",
        "timesteps: 5 instead of 10",
        "epochs: 10 instead of 300",
        "augmentation: none instead of crop-flip",
        "fisher size: 64 instead of 1616",
    )


def test_seeds_and_checkpoints_are_beside_the_point():
    setting = PAPER_SETTING.but(seed=7)
    assert scope(BASELINE, setting, {}).level == "paper"


def test_fewer_images_in_a_measurement_are_a_difference():
    found = scope(BASELINE, replace(PAPER_SETTING, sizes={**PAPER_SETTING.sizes, "test": 100}), {})
    assert found == Scope(level="reduced", differences=("test size: 100 instead of all",))


def test_a_difference_of_the_first_training_counts_for_the_pruned_one():
    setting = PAPER_SETTING.but(epochs=100)
    found = scope(PRUNED, setting, {"kind": "ResNet-19", "retrain_timesteps": 3})
    assert found.differences == ("epochs: 100 instead of 300", "epochs: 20 instead of 60")


def test_arithmetic_is_always_about_the_paper():
    claim = Claim(KIM2023, "c", "Text", "It is.", "By it.", None)
    assert scope(claim, SMOKE_SETTING, {}) == Scope(level="paper", differences=())


def test_a_claim_that_says_nothing_about_the_papers_setting_is_a_claim_about_others():
    def needs(setting):
        if setting.recipe.timesteps > 5:
            raise NotApplicableError("it is about short simulations")
        return setting.recipe

    claim = Claim(KIM2023, "c", "Fig. 1", "It is.", "By it.", needs)
    assert scope(claim, SMOKE_SETTING, {}) == Scope(
        level="smoke",
        differences=(
            "setting: tiny-digits instead of resnet19-cifar10: it is about short simulations",
        ),
    )
    with pytest.raises(NotApplicableError, match="short simulations"):
        scope(claim, PAPER_SETTING, {})


def test_roles_that_depend_on_the_setting_are_refused():
    def needs(setting):
        return {f"T={setting.recipe.timesteps}": setting.recipe}

    claim = Claim(KIM2023, "d", "Fig. 7", "It is.", "By it.", needs)
    with pytest.raises(TicError, match="got T=5 in tiny-digits alone and T=10 in resnet19-cifar10"):
        scope(claim, SMOKE_SETTING, {})


def test_a_protocol_that_changes_ours_and_the_papers_alike_is_no_difference():
    gentle = Protocol(
        "gentle", "", alter=lambda recipe: recipe.but(fitting=CosineSGD(learning_rate=0.1))
    )
    assert scope(BASELINE, PAPER_SETTING, {}, gentle).level == "paper"
    found = scope(BASELINE, PAPER_SETTING.but(epochs=30), {}, gentle)
    assert found.differences == ("epochs: 30 instead of 300",)


def test_a_protocol_that_changes_ours_alone_is_a_difference():
    small = Protocol(
        "small",
        "",
        alter=lambda r: (
            r.but(architecture=Spiking("tiny", tau=3.0)) if r.architecture.name == "tiny" else r
        ),
    )
    assert "tau: 3.0 instead of 2.0" in scope(BASELINE, SMOKE_SETTING, {}, small).differences
    assert "tau" not in " ".join(scope(BASELINE, SMOKE_SETTING, {}).differences)


@dataclass(frozen=True)
class Warming(Rule):
    """A rule whose fields are called as those of a Recipe and of a fitting."""

    epochs: int = 5
    seed: int = 0
    learning_rate: float = 0.1

    def start(self, fit):
        """Change nothing."""


def test_a_kind_that_the_paper_has_not_is_told_by_its_name():
    setting = PAPER_SETTING.but(
        loss=AlphaLoss(0.5), fitting=CosineSGD(momentum=0.8), rules=(Warming(),)
    )
    assert scope(BASELINE, setting, {}).differences == (
        "loss: alpha-loss instead of mean-loss",
        "momentum: 0.8 instead of 0.9",
        "rules: warming instead of none",
    )


def test_fields_of_kinds_are_told_from_those_of_the_recipe_that_have_their_name():
    own = {"resnet19": PAPER_SETTING.but(rules=(Warming(),))}
    pack = replace(KIM2023, settings=own, default="resnet19")
    claim = Claim(pack, "e", "Fig. 1", "It is.", "By it.", recipes.baseline)
    slower = pack.setting("resnet19").but(rules=(Warming(epochs=6, seed=1, learning_rate=0.2),))
    assert scope(claim, slower, {}) == Scope(
        level="reduced",
        differences=(
            "epochs: 6 instead of 5",
            "seed: 1 instead of 0",
            "learning rate: 0.2 instead of 0.1",
        ),
    )


def test_a_limit_beyond_the_data_set_is_no_difference():
    setting = replace(
        PAPER_SETTING.but(train_size=50_000), sizes={**PAPER_SETTING.sizes, "test": 10_000}
    )
    assert scope(BASELINE, setting, {}) == Scope(level="paper", differences=())


def test_fisher_information_is_not_of_more_images_than_were_trained_on():
    found = scope(BASELINE, PAPER_SETTING.but(train_size=1616), {})
    assert found.differences == (
        "train size: 1616 instead of all",
        "fisher size: all instead of 1616",
    )


def test_a_kind_inside_a_kind_differs_by_its_fields():
    claim = Claim(YAO2023, "a", "Fig. 1", "It is.", "By it.", yao2023_recipes.pair)
    differences = scope(claim, YAO2023.setting(YAO2023.default), {}).differences
    assert "attention: asa instead of asa" not in differences
    sides = [text.partition(": ")[2].split(" instead of ") for text in differences]
    assert all(ours != papers for ours, papers in sides)
    assert differences
