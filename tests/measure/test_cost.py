import math
from dataclasses import dataclass

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from tic.data import CIFAR10, SVHN, Digits, FashionMNIST
from tic.errors import TicError
from tic.fitting import CosineSGD
from tic.losses import AlphaLoss, mean_loss
from tic.measure.cost import shapes, stored_bytes, training_operations
from tic.models import ARCHITECTURES, Architecture, Spiking, build
from tic.pruning import Pruning
from tic.recipe import Recipe

# By hand, in multiplications with their additions (counted as two operations) of one forward.
# The backward costs as much for the weights and again for the inputs, of which the image needs
# none: six operations for each, four in the stem.
STEM = 8 * 8 * 16 * 1 * 9  # 16 channels on 8×8 pixels from one channel by 3×3
TINY_STEP = (
    # stage 1: stride 2 to 4×4 pixels, 16 channels; two 3×3 convolutions, a 1×1 shortcut
    4 * 4 * 16 * (16 * 9 + 16 * 9 + 16)
    # stage 2: 2×2 pixels, 32 channels
    + 2 * 2 * 32 * (16 * 9 + 32 * 9 + 16)
    # stage 3: one pixel
    + 1 * 32 * (32 * 9 + 32 * 9 + 32)
    # the classifier on the mean over pixels
    + 32 * 10
)
TINY_ALEXNET_STEP = (
    4 * 4 * 16 * 16 * 9  # after pooling to 4×4
    + 2 * 2 * 32 * (16 + 32 + 32) * 9  # after pooling to 2×2
    + (2 * 2 * 32) * 64  # the last 1×1 map, spread to 2×2
    + 64 * 64
    + 64 * 10
)


def digits(**fields):
    nothing = {"dataset": Digits(), "architecture": Spiking("tiny"), "epochs": 1, "train_size": 1}
    return Recipe(**{**nothing, **fields})


@pytest.mark.parametrize(
    ("architecture", "step"), [("tiny", TINY_STEP), ("tiny-alexnet", TINY_ALEXNET_STEP)]
)
@pytest.mark.parametrize("timesteps", [1, 2, 5])
def test_operations_are_as_counted_by_hand(architecture, step, timesteps):
    counted = training_operations(digits(architecture=Spiking(architecture), timesteps=timesteps))
    assert counted == 4 * STEM + 6 * timesteps * step


def test_larger_images_cost_more_by_their_pixels_at_every_stage():
    # 28×28 pixels and 14×14, 7×7, 4×4 (the odd edge is kept) after stride 2
    stem = 28 * 28 * 16 * 9
    step = (
        14 * 14 * 16 * (16 * 9 + 16 * 9 + 16)
        + 7 * 7 * 32 * (16 * 9 + 32 * 9 + 16)
        + 4 * 4 * 32 * (32 * 9 + 32 * 9 + 32)
        + 32 * 10
    )
    recipe = digits(dataset=FashionMNIST(), timesteps=3)
    assert training_operations(recipe) == 4 * stem + 6 * 3 * step


@settings(max_examples=20)
@given(st.integers(1, 300), st.integers(1, 1437))
def test_operations_are_proportional_to_epochs_and_images(epochs, images):
    counted = training_operations(digits(epochs=epochs, train_size=images, timesteps=2))
    assert counted == epochs * images * (4 * STEM + 6 * 2 * TINY_STEP)


def test_without_a_size_all_images_of_the_data_set_are_trained_on():
    whole = training_operations(digits(train_size=None))
    assert whole == training_operations(digits(train_size=1437))


@pytest.mark.parametrize("architecture", ["tiny-vgg16", "tiny-resnet34"])
def test_each_timestep_costs_the_same_and_the_stem_counts_once(architecture):
    one, two, six = (
        training_operations(digits(architecture=Spiking(architecture), timesteps=t))
        for t in (1, 2, 6)
    )
    assert six - one == 5 * (two - one)
    assert one - (two - one) == 4 * STEM


def test_what_changes_no_shape_costs_nothing():
    changed = digits(
        architecture=Spiking("tiny", tau=4.0),
        loss=AlphaLoss(0.1),
        fitting=CosineSGD(learning_rate=0.1),
        batch_size=7,
        seed=3,
        checkpoints=1,
    )
    assert training_operations(changed) == training_operations(digits())


def test_the_ancestors_of_a_training_are_not_counted():
    child = digits(parent=digits(epochs=9), rules=(Pruning(0.5),))
    assert training_operations(child) == training_operations(digits())


def test_counting_touches_neither_data_nor_random_numbers():
    state = torch.get_rng_state()
    training_operations(Recipe(dataset=CIFAR10(), architecture=Spiking("tiny-vgg16"), epochs=1))
    assert torch.equal(torch.get_rng_state(), state)


# 39,642 parameters of `tiny`, in single precision; ten batch normalisations, one in the stem and
# three in each block, with two running statistics per channel and a counter of eight bytes each.
TINY_CHANNELS = 16 + 3 * 16 + 3 * 32 + 3 * 32
TINY_BYTES = 4 * (39_642 + 2 * TINY_CHANNELS) + 10 * 8


@pytest.mark.parametrize(
    ("epochs", "checkpoints", "kept"),
    [
        (60, 1, 1),  # the last epoch
        (60, 4, 6),  # 15, 30, 45, 60, and 0 and 1
        (2, 2, 3),  # 1 and 2, and 0
    ],
)
def test_every_kept_epoch_stores_the_whole_network(epochs, checkpoints, kept):
    recipe = digits(epochs=epochs, checkpoints=checkpoints)
    assert stored_bytes(recipe) == kept * TINY_BYTES


def test_stored_bytes_do_not_grow_with_time_or_images():
    assert stored_bytes(digits(timesteps=9, train_size=None)) == TINY_BYTES


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_network_for_counting_has_shapes_and_names_but_no_numbers(architecture):
    network = shapes(Spiking(architecture), SVHN().facts, 3)
    assert network.timesteps == 3
    assert all(value.is_meta for value in network.state_dict().values())
    assert all(value.is_meta for value in network.buffers())
    images = torch.empty(2, 3, 32, 32, device="meta")
    assert network.eval()(images).shape == (3, 2, 10)


@pytest.mark.parametrize("architecture", [a for a in ARCHITECTURES if a.startswith("tiny")])
def test_a_network_for_counting_has_the_parameters_of_a_built_one(architecture):
    counted = shapes(Spiking(architecture), Digits().facts, 2)
    built = build(architecture, in_channels=1, num_classes=10, timesteps=2)
    parts = [
        {name: (value.shape, value.dtype) for name, value in network.state_dict().items()}
        for network in (counted, built)
    ]
    assert parts[0] == parts[1]
    assert [name for name, _ in counted.named_parameters()] == [
        name for name, _ in built.named_parameters()
    ]
    assert counted.repeated_weights() == built.repeated_weights()


def test_unknown_names_are_refused():
    with pytest.raises(TicError, match="unknown architecture 'lenet'"):
        shapes(Spiking("lenet"), Digits().facts, 1)
    with pytest.raises(TicError, match=r"must be of the class Dataset, .* got 'mnist'"):
        training_operations(digits(dataset="mnist", train_size=None))


@dataclass(frozen=True)
class Flat(Architecture):
    """One linear layer on the pixels, at every timestep again; nobody says what it costs."""

    computes: bool = False

    def build(self, facts, timesteps):
        classifier = nn.Linear(math.prod(facts.shape), facts.num_classes)
        if self.computes and float(classifier.weight.sum()) == math.inf:
            raise AssertionError
        return nn.Sequential(nn.Flatten(), classifier)


def test_of_an_architecture_that_does_not_say_what_it_costs_nobody_knows():
    assert training_operations(digits(architecture=Flat())) is None


@pytest.mark.parametrize("computes", [False, True])
def test_what_a_network_of_ones_own_stores_is_counted(computes):
    recipe = digits(architecture=Flat(computes), epochs=4, checkpoints=2)
    assert stored_bytes(recipe) == 4 * 4 * (64 * 10 + 10)  # after 0, 1, 2 and 4 epochs


@pytest.mark.parametrize("computes", [False, True])
def test_a_network_that_computes_while_it_is_built_has_numbers_and_draws_from_nobody(computes):
    state = torch.get_rng_state()
    network = shapes(Flat(computes), Digits().facts, 2)
    assert torch.equal(torch.get_rng_state(), state)
    assert network[1].weight.is_meta is not computes
    assert network[1].weight.shape == (10, 64)


@pytest.mark.parametrize("timesteps", [1, 3])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_operations_are_those_that_torch_counts_in_a_training_step(architecture, timesteps):
    network = build(architecture, in_channels=3, num_classes=10, timesteps=timesteps).to("meta")
    images = torch.empty(2, 3, 32, 32, device="meta")
    with FlopCounterMode(display=False) as counter:
        mean_loss(network(images), torch.zeros(2, dtype=torch.long, device="meta")).backward()
    recipe = Recipe(
        dataset=CIFAR10(),
        architecture=Spiking(architecture),
        timesteps=timesteps,
        epochs=1,
        train_size=1,
    )
    assert training_operations(recipe) == counter.get_total_flops() // 2
