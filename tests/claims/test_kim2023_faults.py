"""Faulty attacks: each breaks one thing, and leaves the network as it was."""

import copy
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import cross_entropy

import tic
import tic.attacks
from claims.kim2023.corruptions import CORRUPTIONS, GRADIENT_ATTACKS
from claims.kim2023.faults import FAULTS, NormalisedEpsilon, StateKept, SurrogateLost
from fixtures.networks import awaken
from tic.attacks import FGSM, PGD
from tic.errors import TicError
from tic.models import build
from tic.neurons import LIF

pytestmark = pytest.mark.usefixtures("one_thread")

STD = (0.2, 0.3, 0.4)
MEAN_STD = 0.3
EPSILON = 0.1
FROM_IMAGE = PGD(epsilon=EPSILON, step=EPSILON / 2, steps=3, random_start=False)
SOUND = [FGSM(epsilon=EPSILON), PGD(epsilon=EPSILON, step=EPSILON / 2, steps=3), FROM_IMAGE]


@pytest.fixture(scope="module")
def network():
    """The `tiny` architecture for three channels of different spread, awake."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = build(
            "tiny", in_channels=3, num_classes=10, timesteps=3, mean=(0.5, 0.4, 0.3), std=STD
        )
    return awaken(made.double(), channels=3)


@pytest.fixture(scope="module")
def pictures():
    draws = torch.Generator().manual_seed(1)
    pixels = torch.rand(8, 3, 8, 8, dtype=torch.float64, generator=draws)
    return pixels, torch.randint(0, 10, (8,), generator=draws)


def loss(network, images, labels):
    with torch.no_grad():
        return cross_entropy(network(images).mean(0), labels, reduction="none")


def layers(network):
    return [module for module in network.modules() if isinstance(module, LIF)]


class Failing:
    """An attack that fails after it has run the network."""

    def __call__(self, model, images, labels, batch):
        model(images)
        raise RuntimeError("it fails")


@pytest.mark.parametrize("attack", SOUND, ids=repr)
def test_a_normalised_epsilon_is_smaller_by_the_mean_deviation(network, pictures, attack):
    images, labels = pictures
    moved = NormalisedEpsilon(attack=attack)(network, images, labels, 0)
    sound = attack(network, images, labels, 0)
    # The network holds its deviations in single precision.
    assert (moved - images).abs().max() <= EPSILON * MEAN_STD + 1e-7
    assert (moved - images).abs().max() == pytest.approx(EPSILON * MEAN_STD, rel=1e-6)
    assert (sound - images).abs().max() == pytest.approx(EPSILON)
    assert moved.min() >= 0
    assert moved.max() <= 1


def test_a_normalised_epsilon_scales_the_step_as_well(network, pictures):
    one_step = PGD(epsilon=EPSILON, step=EPSILON / 2, steps=1, random_start=False)
    moved = NormalisedEpsilon(attack=one_step)(network, *pictures, 0) - pictures[0]
    assert moved.abs().max() == pytest.approx(EPSILON / 2 * MEAN_STD, rel=1e-6)


def test_an_attack_with_a_normalised_epsilon_is_weaker(network, pictures):
    images, labels = pictures
    attack = PGD(epsilon=0.2, step=0.05, steps=8)
    clean, sound, faulty = (
        loss(network, seen, labels).mean()
        for seen in (
            images,
            attack(network, images, labels, 0),
            NormalisedEpsilon(attack=attack)(network, images, labels, 0),
        )
    )
    assert clean < faulty < sound


def test_without_surrogates_fgsm_changes_nothing(network, pictures):
    moved = SurrogateLost(attack=FGSM(epsilon=EPSILON))(network, *pictures, 0)
    assert torch.equal(moved, pictures[0])


def test_without_surrogates_pgd_stays_where_it_starts(network, pictures):
    images, labels = pictures
    start, later = (
        SurrogateLost(attack=PGD(epsilon=EPSILON, step=0.05, steps=steps))(
            network, images, labels, 3
        )
        for steps in (1, 6)
    )
    assert torch.equal(start, later)
    assert not torch.equal(start, images)
    assert (start - images).abs().max() <= EPSILON + 1e-12
    still = SurrogateLost(attack=FROM_IMAGE)(network, images, labels, 3)
    assert torch.equal(still, images)


def test_without_surrogates_the_network_spikes_as_before(network, pictures):
    seen = []
    sound = network(pictures[0])

    def look(model, images, labels, batch):
        seen.append(model(images))
        return images

    SurrogateLost(attack=look)(network, *pictures, 0)
    assert torch.equal(seen[0], sound)


def test_the_first_step_with_kept_state_is_that_of_the_sound_attack(network, pictures):
    one_step = PGD(epsilon=EPSILON, step=0.05, steps=1)
    for attack in (one_step, FGSM(epsilon=EPSILON)):
        faulty = StateKept(attack=attack)(network, *pictures, 0)
        assert torch.equal(faulty, attack(network, *pictures, 0))


def test_the_second_step_with_kept_state_is_another(network, pictures):
    images, labels = pictures
    gradients = []

    def twice(model, images, labels, batch):
        for _ in range(2):
            leaf = images.clone().requires_grad_()
            cross_entropy(model(leaf).mean(0), labels).backward()
            gradients.append(leaf.grad)
        return images

    StateKept(attack=twice)(network, images, labels, 0)
    twice(network, images, labels, 0)
    first, second, fresh, again = gradients
    assert torch.equal(first, fresh)
    assert torch.equal(fresh, again)
    assert not torch.allclose(second, fresh)
    two = PGD(epsilon=EPSILON, step=0.02, steps=2, random_start=False)
    assert not torch.equal(
        StateKept(attack=two)(network, images, labels, 0), two(network, images, labels, 0)
    )


def test_state_is_kept_within_one_attack_alone(network, pictures):
    faulty = partial(StateKept(attack=FROM_IMAGE), network, *pictures)
    assert torch.equal(faulty(0), faulty(0))


@pytest.mark.parametrize("fault", FAULTS.values())
@settings(deadline=None, max_examples=8)
@given(st.floats(0, 0.3), st.floats(0.01, 0.3), st.integers(1, 4), st.integers(0, 9))
def test_faulty_attacks_stay_in_the_ball_and_among_pixel_values(
    network, pictures, fault, epsilon, step, steps, number
):
    images = pictures[0]
    moved = fault(attack=PGD(epsilon=epsilon, step=step, steps=steps))(network, *pictures, number)
    assert (moved - images).abs().max() <= epsilon + 1e-7
    assert moved.min() >= 0
    assert moved.max() <= 1


@pytest.mark.parametrize("attack", [*SOUND, Failing()], ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("fault", [SurrogateLost, StateKept])
def test_the_network_is_left_as_it_was_found(network, pictures, fault, attack):
    before = copy.deepcopy(network.state_dict())
    spikes = [layer.spike for layer in layers(network)]
    attributes = set(vars(network))
    answer = network(pictures[0])
    if isinstance(attack, Failing):
        with pytest.raises(RuntimeError, match="it fails"):
            fault(attack=attack)(network, *pictures, 0)
    else:
        fault(attack=attack)(network, *pictures, 0)
    assert [layer.spike for layer in layers(network)] == spikes
    assert all(layer.membrane is None for layer in layers(network))
    assert set(vars(network)) == attributes
    assert network._advance_from_rest.__func__ is type(network)._advance_from_rest
    assert not network.training
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])
    assert torch.equal(network(pictures[0]), answer)


@pytest.mark.parametrize("fault", FAULTS.values())
def test_a_foreign_network_is_refused_by_name(fault):
    foreign = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))
    image = torch.full((1, 1, 2, 2), 0.5)
    with pytest.raises(TicError, match=r"needs a tic\.models\.SpikingNetwork, got Sequential"):
        fault(attack=FGSM())(foreign, image, torch.tensor([0]), 0)


def test_faults_are_no_part_of_the_library_nor_of_table_1():
    for fault in FAULTS.values():
        assert not hasattr(tic, fault.__name__)
        assert not hasattr(tic.attacks, fault.__name__)
        assert not any(isinstance(each, fault) for each in CORRUPTIONS.values())


def test_the_text_of_a_faulty_attack_says_everything():
    assert repr(StateKept(attack=FGSM(epsilon=0.5))) == "StateKept(attack=FGSM(epsilon=0.5))"
    texts = {
        repr(fault(attack=each)) for fault in FAULTS.values() for each in GRADIENT_ATTACKS.values()
    }
    assert len(texts) == len(FAULTS) * len(GRADIENT_ATTACKS)
