import pytest
import torch
from attacked import Linear, Small, images_with_extremes

from tic.attacks import APGD, APGDT, FAB, Square
from tic.errors import TicError

pytestmark = pytest.mark.usefixtures("one_thread")

# Class 3 is the nearest to class 0 by this weight, though class 1 has the larger logit.
WEIGHT = torch.tensor(
    [
        [2.0, 0.0, 1.0, 0.0],
        [1.9, 0.0, 1.0, 0.0],
        [-9.0, -9.0, -9.0, -9.0],
        [0.0, 2.0, 0.0, 0.4],
    ]
)
IMAGE = torch.tensor([0.6, 0.4, 0.5, 0.5]).view(1, 1, 2, 2)
LABEL = torch.tensor([0])

ATTACKS = [
    APGD(steps=20),
    APGDT(steps=20),
    FAB(steps=20),
    Square(queries=300),
]


def with_radius(attack, epsilon):
    return type(attack)(**{**vars(attack), "epsilon": epsilon})


def distance():
    """The smallest ℓ∞ change that reaches another class: difference of logits over ‖w_j - w_0‖₁."""
    logits = WEIGHT @ IMAGE.flatten()
    apart = (WEIGHT - WEIGHT[0]).abs().sum(1)
    return ((logits[0] - logits) / apart)[1:].min().item()


def test_the_nearest_class_is_as_far_as_computed_by_hand():
    # 1.7 - 1.0 over 2 + 2 + 1 + 0.4; class 1 is 0.06 / 0.1 away
    assert distance() == pytest.approx(0.7 / 5.4)


@pytest.mark.parametrize("attack", ATTACKS, ids=repr)
def test_an_error_is_found_just_inside_the_ball_and_not_outside(attack):
    model = Linear(WEIGHT)
    moved = with_radius(attack, 1.05 * distance())(model, IMAGE, LABEL, 0)
    assert model(moved).mean(0).argmax(1) != LABEL
    assert torch.equal(with_radius(attack, 0.95 * distance())(model, IMAGE, LABEL, 0), IMAGE)


@pytest.mark.parametrize("attack", ATTACKS, ids=repr)
def test_what_torchattacks_seeds_on_every_gpu_is_as_it_was_afterwards(attack, monkeypatch):
    states, seeded = {0: "first", 1: "second"}, []

    def seed_all(seed):
        seeded.append(seed)
        states.update(dict.fromkeys(states, seed))

    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_rng_state", lambda device: states[device])
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda state, at: states.update({at: state}))
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seed_all)
    monkeypatch.setattr(torch.cuda.random, "manual_seed", lambda seed: None)
    attack(Linear(WEIGHT), IMAGE, LABEL, 0)
    assert seeded
    assert states == {0: "first", 1: "second"}


@pytest.mark.parametrize("attack", ATTACKS, ids=repr)
def test_an_image_that_is_wrong_already_is_left_alone(attack):
    assert torch.equal(attack(Linear(WEIGHT), IMAGE, torch.tensor([2]), 0), IMAGE)


def test_a_target_that_is_not_asked_for_is_not_reached():
    # the second largest logit is class 1, out of reach; class 3 is the next
    model, epsilon = Linear(WEIGHT), 1.2 * distance()
    for attack in (APGDT, FAB):
        one = attack(epsilon=epsilon, steps=20, targets=1)(model, IMAGE, LABEL, 0)
        assert torch.equal(one, IMAGE) or attack is APGDT
        two = attack(epsilon=epsilon, steps=20, targets=2)(model, IMAGE, LABEL, 0)
        assert model(two).mean(0).argmax(1) == 3


@pytest.mark.parametrize("attack", [FAB(), Square(queries=100), APGD()], ids=repr)
def test_two_classes_are_enough_without_the_logit_ratio(attack):
    model = Linear(torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
    image = torch.tensor([0.52, 0.5]).view(1, 1, 1, 2)
    moved = with_radius(attack, 0.05)(model, image, LABEL, 0)
    assert model(moved).mean(0).argmax(1) == 1


@pytest.mark.parametrize("classes", [2, 3])
def test_the_targeted_logit_ratio_needs_four_classes(classes):
    message = f"APGDT needs at least 4 classes, got {classes}; use APGD or FAB"
    with pytest.raises(TicError, match=message):
        APGDT()(Linear(WEIGHT[:classes]), IMAGE, LABEL, 0)


def test_square_asks_for_no_gradient():
    seen = []
    model, (images, _) = Small().eval(), images_with_extremes(2)
    labels = model(images).mean(0).argmax(1)
    model.register_forward_hook(
        lambda _, inputs, __: seen.append(inputs[0].requires_grad or torch.is_grad_enabled())
    )
    Square(epsilon=0.001, queries=5)(model, images, labels, 0)
    assert len(seen) > 5
    assert not any(seen)


def test_every_attack_works_on_a_network_in_float64():
    model, image = Linear(WEIGHT.double()), IMAGE.double()
    for attack in ATTACKS:
        moved = with_radius(attack, 1.1 * distance())(model, image, LABEL, 0)
        assert moved.dtype is torch.float64
        assert model(moved).mean(0).argmax(1) != LABEL


@pytest.mark.parametrize("attack", ATTACKS, ids=repr)
def test_images_in_float64_stay_in_a_ball_that_is_smaller_than_the_rounding_of_float32(attack):
    images = torch.full((1, 1, 2, 2), 0.1, dtype=torch.float64)
    label = Linear(WEIGHT.double())(images).mean(0).argmax(1)
    moved = with_radius(attack, 1e-10)(Linear(WEIGHT.double()), images, label, 0)
    assert (moved - images).abs().max() <= 1.001e-10


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: APGD(epsilon=8), r"epsilon .* in \[0, 1\], got 8"),
        (lambda: APGD(steps=0), "steps must be at least 1, got 0"),
        (lambda: APGDT(restarts=0), "restarts must be at least 1, got 0"),
        (lambda: FAB(targets=0), "targets must be at least 1, got 0"),
        (lambda: Square(epsilon=-1), r"epsilon .* in \[0, 1\], got -1"),
        (lambda: Square(queries=0), "queries must be at least 1, got 0"),
    ],
)
def test_a_setting_out_of_range_is_refused(make, message):
    with pytest.raises(TicError, match=message):
        make()


def test_the_defaults_are_the_published_ones():
    published = "epsilon=0.03137254901960784, steps=100, restarts=1, seed=0"
    assert repr(APGD()) == f"APGD({published})"
    assert repr(APGDT()) == f"APGDT({published}, targets=9)"
    assert repr(FAB()) == f"FAB({published}, targets=9)"
    assert repr(Square()) == "Square(epsilon=0.03137254901960784, queries=5000, seed=0)"
