"""Settings of a pack: what a claim is put to the test on."""

from hypothesis import given
from hypothesis import strategies as st

from tic.audit import Setting
from tic.data import Digits
from tic.models import Spiking
from tic.recipe import Recipe

SETTING = Setting(Recipe(dataset=Digits(), architecture=Spiking("tiny")), seeds=(3, 1, 4))


def test_seeds_are_its_own_and_then_those_that_follow():
    assert SETTING.with_seed_count(1).seeds == (3,)
    assert SETTING.with_seed_count(5).seeds == (3, 1, 4, 5, 6)


@given(st.integers(1, 80), st.integers(1, 80))
def test_fewer_seeds_are_the_first_of_more(one, other):
    fewer, more = sorted((one, other))
    assert SETTING.with_seed_count(more).seeds[:fewer] == SETTING.with_seed_count(fewer).seeds
