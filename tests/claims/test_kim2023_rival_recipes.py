"""What rivals train beside the claims."""

from itertools import pairwise

import pytest

from claims.kim2023 import recipes, rival_recipes
from claims.kim2023.recipes import (
    DATASETS,
    FULL,
    PAPER_SETTING,
    PRUNED,
    ROUNDS,
    SMOKE_SETTING,
    role,
)
from claims.kim2023.rival_recipes import AT_RANDOM, BY_MAGNITUDE, FEWER_EPOCHS, FEWER_TIMESTEPS
from tic.errors import NotApplicableError
from tic.losses import MeanLoss, PrefixLoss
from tic.measure.cost import training_operations
from tic.pruning import sparsity_of

SETTINGS = [PAPER_SETTING, SMOKE_SETTING]
IN_BOTH = pytest.mark.parametrize("setting", SETTINGS, ids=lambda each: each.label)
KINDS = pytest.mark.parametrize("kind", PRUNED)
SHORT = pytest.mark.parametrize("retrain_timesteps", [4, 3])
SHORTER = pytest.mark.parametrize(
    ("setting", "retrain_timesteps"),
    [(PAPER_SETTING, 4), (PAPER_SETTING, 3), (SMOKE_SETTING, 3)],
    ids=["paper-4", "paper-3", "smoke-3"],
)


def differences(one, other):
    return {
        field
        for field in type(one).model_fields
        if field != "parent" and getattr(one, field) != getattr(other, field)
    }


def rounds(recipe):
    """The retrainings of a chain, first round first."""
    return [*recipe.ancestors[1:], recipe]


@KINDS
@SHORTER
def test_fewer_epochs_take_as_many_operations_as_whole_epochs_allow(
    setting, kind, retrain_timesteps
):
    found = rival_recipes.shorter(setting, kind, retrain_timesteps)
    timesteps, epochs = found[FEWER_TIMESTEPS], found[FEWER_EPOCHS]
    an_epoch = training_operations(epochs) / epochs.epochs
    off = training_operations(epochs) - training_operations(timesteps)
    assert abs(off) <= an_epoch / 2
    ratio = training_operations(epochs) / training_operations(timesteps)
    assert ratio == pytest.approx(1, abs={60: 0.02, 2: 0.2}[timesteps.epochs])


@KINDS
def test_retrainings_may_be_too_short_for_fewer_epochs(kind):
    with pytest.raises(NotApplicableError, match="of 2 epochs are too short to tell 4 of 5"):
        rival_recipes.shorter(SMOKE_SETTING, kind, 4)


@KINDS
@SHORTER
def test_fewer_epochs_with_all_timesteps_stand_against_fewer_timesteps(
    setting, kind, retrain_timesteps
):
    found = rival_recipes.shorter(setting, kind, retrain_timesteps)
    timesteps, epochs = found[FEWER_TIMESTEPS], found[FEWER_EPOCHS]
    claimed = recipes.pruned(setting, kind, retrain_timesteps)
    assert timesteps == claimed[role(retrain_timesteps, ROUNDS)]
    assert differences(timesteps, epochs) == {"timesteps", "epochs"}
    assert (timesteps.timesteps, epochs.timesteps) == (retrain_timesteps, 5)
    assert 1 <= epochs.epochs < claimed[role(FULL, ROUNDS)].epochs
    assert len({each.epochs for each in rounds(epochs)}) == 1


@IN_BOTH
@KINDS
@SHORT
def test_random_pruning_keeps_as_many_weights(setting, kind, retrain_timesteps):
    found = rival_recipes.randomly_pruned(setting, kind, retrain_timesteps)
    by_magnitude, at_random = found[BY_MAGNITUDE], found[AT_RANDOM]
    assert (
        by_magnitude
        == recipes.pruned(setting, kind, retrain_timesteps)[role(retrain_timesteps, ROUNDS)]
    )
    assert len(rounds(by_magnitude)) == len(rounds(at_random)) == ROUNDS
    for one, other in zip(rounds(by_magnitude), rounds(at_random), strict=True):
        assert differences(one, other) == {"rules"}
        (first,), (second,) = one.rules, other.rules
        assert second == first.but(order="random")
        assert first.order == "magnitude"
    sparsities = [sparsity_of(each) for each in rounds(at_random)]
    assert sparsities == pytest.approx([1 / 2, 3 / 4, 7 / 8, 15 / 16, 31 / 32])


@IN_BOTH
@KINDS
def test_rivals_of_pruning_start_from_the_first_training_of_the_claim(setting, kind):
    first = recipes.pruned(setting, kind, 3)[role(FULL, 1)].parent
    for found in (
        rival_recipes.shorter(setting, kind, 3),
        rival_recipes.randomly_pruned(setting, kind, 3),
    ):
        assert {each.ancestors[0] for each in found.values()} == {first}


@pytest.mark.parametrize("make", [rival_recipes.shorter, rival_recipes.randomly_pruned])
def test_a_rival_says_nothing_where_its_claim_says_nothing(make):
    with pytest.raises(NotApplicableError, match="T_retrain = 3 saves nothing at T = 3"):
        make(SMOKE_SETTING.but(timesteps=3), "VGG-16", 3)


@IN_BOTH
def test_twins_differ_from_their_originals_in_the_loss_alone(setting):
    pairs = [
        (recipes.baseline(setting), rival_recipes.twin(setting)),
        *(
            (recipes.on_dataset(setting, each), rival_recipes.twin_on_dataset(setting, each))
            for each in DATASETS
        ),
    ]
    originals, twins = recipes.timesteps(setting), rival_recipes.twin_timesteps(setting)
    assert list(originals) == list(twins)
    pairs += [(originals[name], twins[name]) for name in originals]
    for original, made in pairs:
        assert differences(original, made) == {"loss"}
        assert (original.loss, made.loss) == (MeanLoss(), PrefixLoss())
        assert original.parent is made.parent is None


@IN_BOTH
def test_the_longest_twin_and_that_on_the_own_data_set_are_the_twin(setting):
    twin = rival_recipes.twin(setting)
    assert rival_recipes.twin_timesteps(setting)["T = 10"] == twin
    assert rival_recipes.twin_on_dataset(setting, setting.recipe.dataset.name) == twin


def test_fewer_timesteps_leave_fewer_epochs():
    found = [
        rival_recipes.shorter(PAPER_SETTING, "ResNet-19", each)[FEWER_EPOCHS].epochs
        for each in (4, 3, 2)
    ]
    assert all(more > less for more, less in pairwise(found))
    # The stem is run once whatever T is, so that a share of timesteps is a larger one of work.
    assert found[1] >= 60 * 3 / 5
