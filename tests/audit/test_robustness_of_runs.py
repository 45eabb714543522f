"""The attack suite on Runs: worst case per image, and conditions that working attacks meet."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import nn

from claims.kim2023.runs import KimRuns
from tic.attacks import FGSM, PGD, Member, attack_suite, epsilons
from tic.audit import robustness
from tic.audit.exhibits import Exhibits
from tic.audit.pack import Setting
from tic.audit.robustness import Robustness, check, percent, suite_passes
from tic.data import CIFAR100
from tic.lab import Lab
from tic.models import Adapted, Architecture, Spiking
from tic.recipe import Recipe

IMAGES = 1000
"""So many that one image is half the tolerance."""


def first(count, seeds=2):
    """Correct are the first images: nested sets, whose worst case is the smallest."""
    return np.tile(np.arange(IMAGES) < count, (seeds, 1))


FAMILIES = {
    "FGSM": "paper", "PGD, 10 steps": "paper", "longer": "iterations", "CW": "margin",
    "APGD": "auto", "Square": "gradient-free", "float64": "numerics", "width": "backward",
    "other": "transfer",
}  # fmt: skip
SOUND = {
    "FGSM": 400, "PGD, 10 steps": 200, "longer": 150, "CW": 140, "APGD": 100, "Square": 500,
    "float64": 200, "width": 200, "other": 600,
}  # fmt: skip
GROWN = {0.1: 600, 0.2: 200, 0.5: 50, 1.0: 0}
NAMES = [
    "iterations beat a single step",
    "more iterations find no less",
    "gradients find what queries find",
    "the network's own gradients are the best",
    "numbers are precise enough",
    "the surrogate points the way",
    "more ε never helps",
    "unbounded ε breaks everything",
    "gradients are there",
]


def sound_robustness(attacked=(), grown=(), zero=0.0, clean=IMAGES):
    """A sound suite but for the numbers of correct images that are given."""
    return Robustness(
        members=tuple(Member(name, PGD(), family) for name, family in FAMILIES.items()),
        clean=first(clean),
        attacked={name: first(count) for name, count in (SOUND | dict(attacked)).items()},
        grown={radius: first(count) for radius, count in (GROWN | dict(grown)).items()},
        zero_gradients=np.array([0.0, zero]),
        chance=10.0,
    )


def checks(found):
    exhibits = Exhibits()
    check(exhibits, found, "α low")
    return {each.name.removesuffix(", α low"): each for each in exhibits.checks}


def broken(found):
    return [name for name, each in checks(found).items() if not each.holds]


# Conditions


def test_a_sound_suite_meets_every_condition():
    found = checks(sound_robustness())
    assert list(found) == NAMES
    assert all(each.holds for each in found.values())


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        # Every accuracy of the suite is 0.3 points beyond its bound, of which 0.2 are tolerated.
        (NAMES[0], {"attacked": {"FGSM": 197}}),
        (NAMES[1], {"attacked": {"longer": 203}}),
        (NAMES[2], {"attacked": {"Square": 97}}),
        (NAMES[3], {"attacked": {"other": 97}}),
        (NAMES[4], {"attacked": {"float64": 147}}),
        (NAMES[5], {"attacked": {"width": 147}}),
        (NAMES[6], {"grown": {0.5: 203}}),
        (NAMES[7], {"grown": {0.2: 200, 0.5: 103, 1.0: 103}}),
        (NAMES[8], {"zero": 0.1}),
    ],
    ids=NAMES,
)
def test_a_suite_with_one_fault_fails_that_condition_and_no_other(name, fault):
    assert broken(sound_robustness(**fault)) == [name]


@pytest.mark.parametrize(
    "miss",
    [
        {"attacked": {"FGSM": 199}},
        {"attacked": {"longer": 201}},
        {"attacked": {"Square": 99}},
        {"attacked": {"other": 99}},
        {"attacked": {"float64": 149}},
        {"attacked": {"width": 149}},
        {"grown": {0.5: 201}},
        {"grown": {1.0: 51}},
        {"grown": {0.5: 101, 1.0: 101}},
    ],
    ids=str,
)
def test_an_image_in_a_thousand_breaks_no_condition(miss):
    assert broken(sound_robustness(**miss)) == []


@pytest.mark.parametrize("family", ["paper", "iterations", "margin", "auto", "numerics"])
def test_any_attack_with_gradients_may_find_what_queries_find(family):
    name = next(name for name, each in FAMILIES.items() if each == family)
    found = checks(sound_robustness({"APGD": 300, "CW": 300, name: 50, "Square": 60}))
    assert found[NAMES[2]].holds
    assert not checks(sound_robustness({"Square": 60}))[NAMES[2]].holds


def test_a_condition_tells_what_it_is_of_and_the_numbers_that_it_compares():
    found = checks(sound_robustness({"Square": 97}, zero=2.5))
    assert found[NAMES[0]].found == "PGD 20.0 %, FGSM 40.0 %"
    assert found[NAMES[1]].found == "longer 15.0 %, ten steps 20.0 %"
    assert found[NAMES[2]].found == "with gradients 10.0 %, without 9.7 %"
    assert found[NAMES[3]].found == "made here 10.0 %, transferred 60.0 %"
    assert found[NAMES[4]].found == found[NAMES[5]].found == "PGD 15.0 %, best of these 20.0 %"
    assert found[NAMES[6]].found == (
        "ε = 0.1: 60.0 %, ε = 0.2: 20.0 %, ε = 0.5: 5.0 %, ε = 1: 0.0 %"
    )
    assert found[NAMES[7]].found == "0.0 % at ε = 1, guessing 10.0 %"
    assert found[NAMES[8]].found == "1.2 % of the images"  # the mean of no and 2.5 %


def test_no_condition_is_needed_for_a_verdict():
    assert not any(each.needed for each in checks(sound_robustness(zero=1.0)).values())


def test_a_condition_is_one_of_the_mean_over_seeds():
    # FGSM leaves 19 % of the first seed and 40 % of the second, PGD 20 % of both.
    fgsm = np.concatenate([first(190, seeds=1), first(400, seeds=1)])
    found = sound_robustness()
    assert broken(replace(found, attacked={**found.attacked, "FGSM": fgsm})) == []


# The worst case per image


def planted(*rows):
    """Three attacks of three families on four images, one seed."""
    clean, *attacked = (np.array([[mark == "+" for mark in row]]) for row in rows)
    members = tuple(
        Member(name, FGSM(), family)
        for name, family in (("a", "paper"), ("b", "auto"), ("c", "gradient-free"))
    )
    right = dict(zip("abc", attacked, strict=True))
    return Robustness(members, clean, right, {}, np.zeros(1), chance=10.0)


def test_in_the_worst_case_an_image_is_right_when_it_is_under_every_attack():
    found = planted("+++++++-", "+-++++++", "++-+++++", "+++-++++")
    # Image 8 is wrong without an attack; each attack finds one image of its own.
    assert found.worst() == 50.0
    assert [found.accuracy(name).item() for name in "abc"] == [87.5] * 3
    assert found.worst("paper") == 75.0
    assert found.worst("paper", "gradient-free") == 62.5
    assert found.worst("transfer") == 87.5  # no such attack: what is right without one


def test_accuracy_is_in_percent_per_seed():
    np.testing.assert_array_equal(percent(np.array([[1, 0, 1, 1], [0, 0, 0, 1]], bool)), [75, 25])


RIGHT = arrays(bool, (2, 5))


@given(RIGHT, st.lists(RIGHT, min_size=3, max_size=3))
def test_the_worst_case_is_no_better_than_any_attack_and_attacks_only_lower_it(clean, attacked):
    found = replace(
        planted("+", "+", "+", "+"), clean=clean, attacked=dict(zip("abc", attacked, strict=True))
    )
    by_image = clean & attacked[0] & attacked[1] & attacked[2]
    np.testing.assert_array_equal(found.worst(), 100 * by_image.mean(1))
    for name in "abc":
        assert (found.worst() <= found.accuracy(name)).all()
    assert (found.worst() <= found.worst("paper", "auto")).all()
    assert (found.worst("paper", "auto") <= found.worst("auto")).all()


# Attacking


@dataclass(frozen=True)
class Watched(KimRuns):
    """Runs that note what they are attacked with and get one image in four right."""

    asked: list = field(default_factory=list)

    def correct(self, corruption=None, *, transferred=False):
        self.asked.append((corruption, transferred))
        return np.array([[True, False, False, len(self.asked) % 2 == 0]] * 2)

    def zero_gradients(self):
        return np.array([[True, False], [False, False]])


RECIPE = Recipe(dataset=CIFAR100(), architecture=Spiking("tiny"))


@pytest.mark.parametrize("level", ["quick", "standard"])
def test_runs_are_put_to_every_attack_of_their_settings_level_and_to_growing_radii(level):
    runs = Watched(RECIPE, Setting(RECIPE, seeds=(0, 1), attacks=level), Lab("nowhere"))
    found = robustness.attack(runs, 0.03, 0.01)
    members = attack_suite(level, 0.03, 0.01)
    assert found.members == members
    growing = [PGD(epsilon=e, step=e / 4, steps=10) for e in epsilons(level, 0.03)]
    assert runs.asked == [
        (None, False),
        *((each.attack, each.family == "transfer") for each in members),
        *((each, False) for each in growing),
    ]
    assert list(found.attacked) == [each.name for each in members]
    assert list(found.grown) == list(epsilons(level, 0.03))
    # Each answer is kept under what was asked: the second image set is that of the first attack.
    assert found.clean[0].tolist() == [True, False, False, False]
    assert found.attacked[members[0].name][0].tolist() == [True, False, False, True]
    assert found.grown[1.0][0, 3] == (len(runs.asked) % 2 == 0)
    assert found.zero_gradients.tolist() == [50, 0]
    assert found.chance == 1.0


@dataclass(frozen=True)
class Binary(CIFAR100):
    """Data of two classes."""

    @property
    def facts(self):
        return replace(super().facts, num_classes=2)


def test_what_data_of_two_classes_are_not_put_to_is_told():
    recipe = RECIPE.but(dataset=Binary())
    runs = Watched(recipe, Setting(recipe, seeds=(0, 1), attacks="quick"), Lab("nowhere"))
    suite = robustness.attack(runs, 0.03, 0.01)
    names = {member.name for member in suite.members}
    assert suite.left_out == ("DLR, 20 steps × 1", "APGD-T, 10 steps, 3 targets")
    assert not names & set(suite.left_out)
    exhibits = Exhibits()
    check(exhibits, suite, "the network")
    assert exhibits.notes == [
        "Attacks left out, the network, for lack of classes or of LIF layers: DLR, 20 steps × 1, "
        "APGD-T, 10 steps, 3 targets."
    ]
    assert len(exhibits.checks) == len(NAMES)


@dataclass(frozen=True)
class Ordinary(Architecture):
    """One layer without neurons."""

    def build(self, facts, timesteps):
        return Adapted(nn.Sequential(nn.Flatten(), nn.Linear(3072, 100)), 1, takes="B", gives="B")


def test_a_network_without_spikes_is_attacked_by_what_needs_none():
    recipe = RECIPE.but(architecture=Ordinary(), timesteps=1)
    runs = Watched(recipe, Setting(recipe, seeds=(0, 1), attacks="quick"), Lab("nowhere"))
    suite = robustness.attack(runs, 0.03, 0.01)
    assert "backward" not in {member.family for member in suite.members}
    assert len(suite.left_out) == 3
    exhibits = Exhibits()
    check(exhibits, suite, "the network")
    named = [found.name.removesuffix(", the network") for found in exhibits.checks]
    assert named == [name for name in NAMES if name != "the surrogate points the way"]


@pytest.mark.parametrize("level", ["quick", "standard", "full"])
def test_the_passes_are_those_of_all_attacks_and_radii(level):
    members = [each.attack.passes for each in attack_suite(level, 0.1, 0.01)]
    radii = len(epsilons(level, 8 / 255))
    found = suite_passes(level)
    classified = len(members) + radii + 1
    assert found.forwards == sum(each.forwards for each in members) + classified
    assert found.gradients == sum(each.gradients for each in members) + 10 * radii + 1


def test_the_passes_of_the_quick_level_by_hand():
    # Gradients: FGSM 1, PGD 10 + 50, CW and DLR 20 each, APGD 21, APGD-T 3 × 11, FAB 10, six
    # variants of PGD and one transferred 70, PGD 10 at ε/2, 2ε, 8ε and 1, and the clean one.
    assert suite_passes("quick").gradients == 1 + 60 + 40 + 21 + 33 + 10 + 70 + 40 + 1 == 276
