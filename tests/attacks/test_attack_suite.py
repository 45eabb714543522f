from itertools import pairwise
from typing import get_args

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.attacks.attacked import Small, images_with_extremes, short_suite
from tic.attacks import (
    FGSM,
    PGD,
    Family,
    Level,
    RateBackward,
    Rescaled,
    RestartedPGD,
    SurrogateWidth,
    attack_suite,
    epsilons,
)
from tic.errors import TicError

LEVELS = get_args(Level)
EPSILON, STEP = 8 / 255, 4 / 255


def members(level):
    return attack_suite(level, EPSILON, STEP)


def cost(level):
    passes = [member.attack.passes for member in members(level)]
    return sum(each.gradients for each in passes), sum(each.forwards for each in passes)


@pytest.mark.parametrize("level", LEVELS)
def test_every_level_has_every_family_and_the_attacks_of_the_paper(level):
    found = members(level)
    assert {member.family for member in found} == set(get_args(Family))
    paper = [member.attack for member in found if member.family == "paper"]
    assert paper == [FGSM(epsilon=EPSILON), PGD(epsilon=EPSILON, step=STEP, steps=10)]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    ("classes", "titles"), [(2, {"DLR", "APGD-T"}), (3, {"APGD-T"}), (4, set()), (None, set())]
)
def test_attacks_that_need_more_classes_are_left_out_and_no_family_with_them(
    level, classes, titles
):
    kept = attack_suite(level, EPSILON, STEP, classes)
    left_out = [member.name for member in members(level) if member not in kept]
    assert {name.split(",")[0] for name in left_out} == titles
    assert {member.family for member in kept} == set(get_args(Family))


@pytest.mark.parametrize("level", LEVELS)
def test_a_network_without_spikes_is_not_put_to_other_backward_passes(level):
    kept = attack_suite(level, EPSILON, STEP, spiking=False)
    assert {member.family for member in members(level) if member not in kept} == {"backward"}
    assert "backward" not in {member.family for member in kept}


@pytest.mark.parametrize("classes", [2, 3])
def test_what_is_kept_attacks_data_of_few_classes(classes):
    network = Small(classes=classes).eval()
    images, _ = images_with_extremes(4)
    labels = torch.arange(4) % classes
    kept = {member.name for member in attack_suite("full", 0.1, 0.05, classes)}
    for name, attack in short_suite(0.1).items():
        if name in kept:
            moved = attack(network, images, labels, batch=0)
            assert (moved - images).abs().max() <= 0.1 + 1e-6


@pytest.mark.parametrize("level", LEVELS)
def test_every_name_stands_for_one_attack(level):
    found = members(level)
    assert len({member.name for member in found}) == len(found)
    own = [member for member in found if member.family != "transfer"]
    assert len({repr(member.attack) for member in own}) == len(own)


@pytest.mark.parametrize(("less", "more"), list(pairwise(LEVELS)))
def test_a_level_has_all_of_the_one_before(less, more):
    assert set(members(less)) < set(members(more))


@pytest.mark.parametrize(
    ("level", "gradients", "forwards"), [("quick", 250, 200), ("standard", 1200, 1000)]
)
def test_a_level_costs_what_it_may(level, gradients, forwards):
    dear, cheap = cost(level)
    assert 0.8 * gradients < dear <= gradients
    assert 0.8 * forwards < cheap <= forwards


def test_the_full_suite_has_the_published_settings():
    names = {member.name for member in members("full")}
    assert {
        "APGD, 100 steps × 5",
        "APGD-T, 100 steps, 9 targets",
        "FAB, 100 steps, 9 targets",
        "Square, 5000 queries",
    } <= names
    attacks = [member.attack for member in members("full")]
    pgds = [attack for attack in attacks if isinstance(attack, RestartedPGD)]
    restarted = {attack.loss for attack in pgds if attack.restarts >= 5}
    assert restarted == {"ce", "cw", "dlr"}


@pytest.mark.parametrize("level", LEVELS)
def test_widths_span_a_decade_and_there_is_a_rate_gradient(level):
    attacks = [member.attack for member in members(level)]
    widths = [attack.factor for attack in attacks if isinstance(attack, SurrogateWidth)]
    assert max(widths) / min(widths) >= 10
    assert any(isinstance(attack, RateBackward) for attack in attacks)
    assert {0.1, 10} <= {attack.factor for attack in attacks if isinstance(attack, Rescaled)}


@pytest.mark.parametrize("level", LEVELS)
@given(epsilon=st.floats(0, 1), step=st.floats(0, 1))
def test_every_member_has_the_radius(level, epsilon, step):
    assert {member.attack.epsilon for member in attack_suite(level, epsilon, step)} == {epsilon}


@pytest.mark.parametrize("level", LEVELS)
@given(epsilon=st.floats(1e-9, 1))
def test_radii_grow_evenly_from_half_of_epsilon_to_one(level, epsilon):
    radii = epsilons(level, epsilon)
    assert radii[0] == epsilon / 2
    assert radii[-1] == 1
    ratio = {"quick": 4, "standard": 2, "full": 2**0.5}[level]
    ratios = [after / before for before, after in pairwise(radii)]
    assert ratios[:-1] == pytest.approx([ratio] * (len(ratios) - 1))
    assert 1 < ratios[-1] < ratio * (1 + 1e-9)


def test_the_standard_radii_meet_epsilon_itself():
    assert EPSILON in epsilons("standard", EPSILON)
    assert EPSILON in epsilons("full", EPSILON)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: attack_suite("medium", EPSILON, STEP),
            "level must be one .*, got 'medium'",
        ),
        (lambda: attack_suite("quick", 8, STEP), r"epsilon .* in \[0, 1\], got 8"),
        (lambda: attack_suite("quick", EPSILON, 4), r"step .* in \[0, 1\], got 4"),
        (lambda: epsilons("medium", EPSILON), "level must be one of .*, got 'medium'"),
        (lambda: epsilons("quick", 0), r"epsilon .* in \(0, 1\], got 0"),
        (lambda: epsilons("quick", 8), r"epsilon .* in \(0, 1\], got 8"),
    ],
)
def test_what_is_no_setting_is_refused(make, message):
    with pytest.raises(TicError, match=message):
        make()
