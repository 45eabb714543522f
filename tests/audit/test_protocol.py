"""Protocols: readings of what a paper leaves open, and what they do to Recipes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tic.audit import Gap, Protocol
from tic.audit.pack import Setting
from tic.audit.protocol import STANDARD
from tic.audit.runs import SeedRuns
from tic.data import Digits
from tic.errors import TicError
from tic.lab import Lab
from tic.models import Spiking
from tic.pruning import Pruning, sparsity_of
from tic.recipe import Recipe

FIRST = Recipe(dataset=Digits(), architecture=Spiking("tiny"), epochs=5)
CHILD = FIRST.but(parent=FIRST, rules=(Pruning(0.5),), epochs=3)
GRANDCHILD = CHILD.but(parent=CHILD, rules=(Pruning(0.75),), epochs=2)


def slower(recipe):
    return recipe.but(architecture=Spiking("tiny", tau=2 * recipe.architecture.tau))


def test_a_protocol_changes_nothing_that_it_does_not_state():
    named = Protocol("named", "Only named.")
    assert (named.reading, named.release) == (None, False)
    assert STANDARD.name == "standard"


@pytest.mark.parametrize("recipe", [FIRST, CHILD, GRANDCHILD])
def test_the_standard_reading_leaves_recipes_as_they_are(recipe):
    assert STANDARD.recipe(recipe) == recipe


def test_a_recipe_and_all_its_ancestors_are_changed():
    found = Protocol("slower", "", alter=slower).recipe(GRANDCHILD)
    assert [each.architecture.tau for each in (*found.ancestors, found)] == [4.0, 4.0, 4.0]
    assert [each.epochs for each in (*found.ancestors, found)] == [5, 3, 2]
    assert [sparsity_of(each) for each in (*found.ancestors, found)] == [0, 0.5, 0.75]


def test_a_change_of_some_generations_leaves_the_others():
    def pruned_only(recipe):
        return slower(recipe) if sparsity_of(recipe) else recipe

    found = Protocol("pruned", "", alter=pruned_only).recipe(GRANDCHILD)
    assert [each.architecture.tau for each in (*found.ancestors, found)] == [2.0, 4.0, 4.0]


def test_the_recipe_that_was_given_stays():
    Protocol("slower", "", alter=slower).recipe(GRANDCHILD)
    generations = (*GRANDCHILD.ancestors, GRANDCHILD)
    assert [each.architecture.tau for each in generations] == [2.0, 2.0, 2.0]


def test_a_change_that_makes_no_recipe_is_refused():
    broken = Protocol("broken", "", alter=lambda recipe: recipe.but(timesteps=0))
    with pytest.raises(TicError, match=r"timesteps: .* got 0"):
        broken.recipe(FIRST)


@given(st.integers(0, 9), st.sampled_from([FIRST, CHILD, GRANDCHILD]))
def test_seeds_and_readings_commute(seed, recipe):
    protocol = Protocol("slower", "", alter=slower)
    assert protocol.recipe(recipe.with_seed(seed)) == protocol.recipe(recipe).with_seed(seed)


def test_readings_are_told_apart_by_all_they_state():
    one = Protocol("one", "")
    others = [
        Protocol("two", ""),
        Protocol("one", "", reading="backwards"),
        Protocol("one", "", reading=("backwards", 2)),
        Protocol("one", "", release=True),
        Protocol("one", "", alter=slower),
    ]
    assert len({one, Protocol("one", ""), *others}) == 6


def test_runs_know_the_reading_or_else_the_standard_one_of_its_type(tmp_path):
    def read_by(reading):
        protocol = Protocol("named", "", reading=reading)
        return SeedRuns(FIRST, Setting(FIRST, seeds=(0,)), Lab(tmp_path), protocol)

    assert read_by("backwards").read_as(str) == "backwards"
    assert read_by(None).read_as(str) == ""
    with pytest.raises(TicError, match="must be of the type int, got 'backwards'"):
        read_by("backwards").read_as(int)


def test_a_gap_may_leave_nothing_that_changes_a_verdict():
    assert Gap("Open.").protocols == ()
