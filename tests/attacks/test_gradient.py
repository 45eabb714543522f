import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tic.attacks import FGSM, PGD
from tic.errors import TicError

pytestmark = pytest.mark.usefixtures("one_thread")

# Pixels raise class 1, do nothing, or raise class 0: towards class 1 a step has these signs.
WEIGHT = torch.tensor([[0.0, 0.0, 2.0, 3.0], [4.0, 0.0, -1.0, 2.5]])
SIGNS = torch.tensor([1.0, 0.0, -1.0, -1.0])
MIDDLE = torch.full((2, 1, 2, 2), 0.5)
LABELS = torch.tensor([0, 1])

ATTACKS = [FGSM(), PGD(), PGD(random_start=False, steps=2)]


class Linear(nn.Module):
    """The same linear read-out at every timestep, plus what the timestep adds and takes away."""

    def __init__(self, over_time=(1.0, 1.0)):
        super().__init__()
        self.weight = nn.Parameter(WEIGHT.clone())
        self.over_time = over_time
        self.modes = []

    def forward(self, images):
        self.modes.append(self.training)
        readout = images.flatten(1) @ self.weight.T
        return torch.stack([factor * readout for factor in self.over_time])


def attacked(attack, model, images, labels, batch=0):
    return attack(model, images, labels, batch)


def small_network():
    """Batch normalisation in evaluation mode inside a network in training mode."""
    torch.manual_seed(0)
    body = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(4), nn.Linear(4, 3), nn.Dropout())
    body[1].eval()
    return nn.Sequential(body, nn.Unflatten(0, (1, -1)))


def test_fgsm_is_one_step_of_epsilon_along_the_sign_of_the_gradient():
    moved = FGSM(epsilon=0.1)(Linear(), MIDDLE, LABELS, 0) - MIDDLE
    # the first image leaves class 0 and the second class 1
    torch.testing.assert_close(moved.flatten(1), 0.1 * torch.stack([SIGNS, -SIGNS]))


def test_fgsm_stays_among_the_pixel_values():
    images = torch.tensor([0.95, 0.5, 0.02, 0.3]).view(1, 1, 2, 2)
    moved = FGSM(epsilon=0.1)(Linear(), images, LABELS[:1], 0)
    assert moved.flatten().tolist() == pytest.approx([1.0, 0.5, 0.0, 0.2])


def test_the_mean_over_time_is_attacked():
    # at the last timestep alone, the gradient would point the other way
    moved = FGSM(epsilon=0.1)(Linear(over_time=(3.0, -1.0)), MIDDLE, LABELS, 0) - MIDDLE
    torch.testing.assert_close(moved[0].flatten(), 0.1 * SIGNS)


def test_one_step_of_pgd_from_the_image_is_fgsm():
    step = PGD(epsilon=0.1, step=0.1, steps=1, random_start=False)
    assert torch.equal(
        step(Linear(), MIDDLE, LABELS, 0), FGSM(epsilon=0.1)(Linear(), MIDDLE, LABELS, 0)
    )


def test_pgd_adds_up_its_steps_until_the_edge_of_the_ball():
    def moved(steps):
        attack = PGD(epsilon=0.1, step=0.04, steps=steps, random_start=False)
        return (attack(Linear(), MIDDLE, LABELS, 0) - MIDDLE)[0].flatten()

    torch.testing.assert_close(moved(1), 0.04 * SIGNS)
    torch.testing.assert_close(moved(2), 0.08 * SIGNS)
    torch.testing.assert_close(moved(3), 0.1 * SIGNS)


def test_pgd_begins_at_a_random_point_of_the_ball():
    images = torch.full((50, 1, 2, 2), 0.5)
    model = Linear(over_time=(0.0,))  # no gradient: the start is what is left
    start = PGD(epsilon=0.1)(model, images, torch.zeros(50, dtype=torch.long), 0) - images
    assert start.abs().max() <= 0.1 + 1e-6
    assert start.abs().max() > 0.09
    assert start.std().item() == pytest.approx(0.1 / math.sqrt(3), rel=0.1)
    assert torch.equal(PGD(random_start=False)(model, images, LABELS[:1].repeat(50), 0), images)


@settings(max_examples=30)
@given(
    st.floats(0, 0.5),
    st.floats(0, 1),
    st.integers(1, 4),
    st.booleans(),
    st.integers(0, 2**16),
)
def test_pgd_stays_in_the_ball_and_among_the_pixel_values(epsilon, step, steps, random, seed):
    images = torch.rand(3, 1, 2, 2, generator=torch.Generator().manual_seed(seed))
    attack = PGD(epsilon=epsilon, step=step, steps=steps, random_start=random, seed=seed)
    result = attack(Linear(), images, torch.tensor([0, 1, 0]), 0)
    assert (result - images).abs().max() <= epsilon + 1e-6
    assert result.min() >= 0
    assert result.max() <= 1


@pytest.mark.parametrize("attack", ATTACKS)
def test_surrogate_gradients_reach_the_pixels_of_a_spiking_network(attack, tiny, batch):
    images, labels = batch
    result = attack(tiny, images, labels, 0)
    assert result.dtype is torch.float64
    assert (result != images).double().mean() > 0.8


def test_pgd_is_determined_by_its_seed_and_the_number_of_the_batch():
    def start(seed, number):
        return PGD(seed=seed)(Linear(over_time=(0.0,)), MIDDLE, LABELS, number)

    assert torch.equal(start(1, 2), start(1, 2))
    assert not torch.equal(start(1, 2), start(1, 3))
    assert not torch.equal(start(1, 2), start(2, 2))


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_leaves_the_global_generator_alone(attack):
    state = torch.get_rng_state()
    attack(Linear(), MIDDLE, LABELS, 0)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_leaves_the_generators_of_accelerators_alone(attack, monkeypatch):
    monkeypatch.setattr(torch.cuda, "manual_seed_all", lambda seed: pytest.fail("seeded"))
    attack(Linear(), MIDDLE, LABELS, 0)


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("training", [True, False])
def test_the_network_is_attacked_in_evaluation_mode(attack, training):
    model = Linear().train(training)
    attack(model, MIDDLE, LABELS, 0)
    assert not any(model.modes)


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("training", [True, False])
def test_every_submodule_is_left_in_its_own_mode(attack, training):
    model = small_network() if training else small_network().eval()
    before = [module.training for module in model.modules()]
    attack(model, MIDDLE, LABELS, 0)
    assert [module.training for module in model.modules()] == before


def test_the_modes_return_when_the_network_fails():
    model = small_network()
    before = [module.training for module in model.modules()]
    with pytest.raises(TicError, match="should contain 9 elements not 4"):
        FGSM()(model, torch.rand(2, 1, 3, 3), LABELS, 0)
    assert [module.training for module in model.modules()] == before


@pytest.mark.parametrize("attack", ATTACKS)
def test_weights_their_gradients_and_statistics_are_left_as_they_were(attack):
    model = small_network()
    model[0][2].weight.grad = torch.ones(3, 4)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    attack(model, MIDDLE, LABELS, 0)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert torch.equal(model[0][2].weight.grad, torch.ones(3, 4))
    assert model[0][2].bias.grad is None
    assert all(parameter.requires_grad for parameter in model.parameters())


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_images_are_left_as_they_were_and_the_result_has_no_graph(attack):
    images = MIDDLE.clone()
    result = attack(Linear(), images, LABELS, 0)
    assert torch.equal(images, MIDDLE)
    assert not images.requires_grad
    assert not result.requires_grad


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_black_image_is_attacked_like_any_other(attack, tiny):
    result = attack(tiny, torch.zeros(2, 1, 8, 8, dtype=torch.float64), LABELS, 0)
    assert result.isfinite().all()
    assert result.max() > 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FGSM(epsilon=8), r"epsilon is in pixel values and must be in \[0, 1\], got 8"),
        (lambda: FGSM(epsilon=-0.1), r"epsilon .* in \[0, 1\], got -0.1"),
        (lambda: FGSM(epsilon=math.nan), "epsilon .* got nan"),
        (lambda: PGD(epsilon=8), r"epsilon .* got 8"),
        (lambda: PGD(step=4), r"step is in pixel values and must be in \[0, 1\], got 4"),
        (lambda: PGD(steps=0), "steps must be at least 1, got 0"),
    ],
)
def test_a_setting_out_of_range_is_refused(make, message):
    with pytest.raises(TicError, match=message):
        make()


@pytest.mark.parametrize(
    ("attack", "text"),
    [
        (FGSM(epsilon=0.5), "FGSM(epsilon=0.5)"),
        (
            PGD(epsilon=0.5, step=0.25),
            "PGD(epsilon=0.5, step=0.25, steps=10, random_start=True, seed=0)",
        ),
    ],
)
def test_the_text_of_an_attack_says_everything_about_it(attack, text):
    assert repr(attack) == text
    assert eval(text) == attack


def test_the_defaults_are_those_of_the_paper():
    assert FGSM().epsilon == PGD().epsilon == 8 / 255
    assert (PGD().step, PGD().steps) == (4 / 255, 10)
