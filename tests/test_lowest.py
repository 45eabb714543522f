"""The oldest versions that are allowed."""

import tomllib

import pytest

from tools.lowest import PROJECT, lowest

NUMBERS = {"name": "mine", "dependencies": ["a-b>=1.2"]}


def test_every_requirement_becomes_its_oldest_version_once():
    extras = {"x": ["c[fast]==3.0rc1", "a-b>=1.2"], "dev": ["mine[x]", "d>=4"]}
    told = [*lowest({**NUMBERS, "optional-dependencies": extras})]
    assert told == ["a-b==1.2", "c==3.0rc1", "d==4"]


@pytest.mark.parametrize("requirement", ["c", "c<2", "c>=1,<2", "a-b>=1.3"])
def test_a_requirement_without_one_oldest_version_is_refused(requirement):
    with pytest.raises(ValueError, match=r"must be NAME>=VERSION|from 1\.2 and from 1\.3; say one"):
        lowest({**NUMBERS, "optional-dependencies": {"x": [requirement]}})


def test_this_project_states_an_oldest_version_of_all_that_it_requires():
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    told = [*lowest(project)]
    assert len(told) > 30
    assert any(one.startswith("torch==") for one in told)
