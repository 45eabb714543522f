"""Claims: the decorator, the Recipes by role, and what their test's parameters change."""

import pytest

from tic.audit import Claim, Pack, Paper, Setting, claim
from tic.errors import TicError
from tic.plugin.state import claim_of
from tic.recipe import Recipe

PAPER = Paper(key="other2024", title="T", authors="A", venue="V", year=2024, url="u")
OWN = Setting(Recipe(dataset="cifar10", architecture="resnet19"))
TINY = Setting(Recipe(dataset="digits"), seeds=(0, 1, 2))
PACK = Pack(PAPER, {"resnet19": OWN, "tiny": TINY}, own="resnet19", default="tiny")


def make(needs):
    return Claim(PACK, "name", "Fig. 1", "It is.", "By it.", needs)


class Item:
    """What is asked of a collected test."""

    def __init__(self, test):
        self.marks = {mark.name: mark for mark in getattr(test, "pytestmark", [])}

    def get_closest_marker(self, name):
        return self.marks.get(name)


def test_the_decorator_leaves_the_test_a_function_that_knows_its_claim():
    @claim(PACK, "rise", source="Fig. 2", says="It rises.", rule="Above 0.", notes=("One.",))
    def test_rise():
        return "called"

    assert test_rise() == "called"
    found = claim_of(Item(test_rise))
    assert found == Claim(PACK, "rise", "Fig. 2", "It rises.", "Above 0.", None, 1, ("One.",))
    assert found.id == "other2024/rise"


def test_a_test_without_the_decorator_is_no_claim():
    assert claim_of(Item(lambda: None)) is None


def test_a_single_recipe_has_the_empty_role():
    assert make(lambda setting: setting.recipe).recipes(TINY, {}) == {"": TINY.recipe}


def test_recipes_keep_the_roles_that_needs_gave_them():
    needs = lambda setting: {"a": setting.recipe, "b": setting.recipe.but(timesteps=1)}  # noqa: E731
    found = make(needs).recipes(TINY, {})
    assert {role: recipe.timesteps for role, recipe in found.items()} == {"a": 5, "b": 1}


def test_needs_get_the_test_parameters_that_they_name_and_no_other():
    def needs(setting, timesteps):
        return setting.recipe.but(timesteps=timesteps)

    found = make(needs).recipes(TINY, {"timesteps": 3, "corruption": "blur"})
    assert found[""].timesteps == 3


def test_an_arithmetic_claim_needs_nothing():
    assert make(None).recipes(TINY, {"timesteps": 3}) == {}


def test_a_pack_gives_the_setting_of_an_architecture():
    assert PACK.setting("tiny") is TINY


def test_a_pack_tells_which_architectures_it_knows():
    with pytest.raises(TicError, match=r"'vgg16'; known: resnet19, tiny"):
        PACK.setting("vgg16")


def test_a_setting_changes_its_recipe_only():
    changed = TINY.but(timesteps=3)
    assert (changed.recipe, changed.seeds) == (TINY.recipe.but(timesteps=3), TINY.seeds)
    assert changed.label == "tiny-digits"
