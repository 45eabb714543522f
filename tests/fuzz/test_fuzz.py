"""A few cases of every target; `make fuzz` tries ten thousand, also guided by coverage."""

from __future__ import annotations

import sys

import pytest
from hypothesis import strategies as st

from tests.fuzz import __main__ as command
from tests.fuzz import hypothesis_fuzzer
from tests.fuzz.memory import limited_memory
from tests.fuzz.targets import TARGETS, Target
from tests.fuzz.telling import accepted
from tic.errors import TicError

CASES = {"recipe": 300, "options": 300, "audit": 150, "store": 120}


@pytest.fixture(scope="module", autouse=True)
def little_memory():
    with limited_memory():
        yield


@pytest.mark.parametrize("name", TARGETS)
def test_what_comes_from_elsewhere_is_taken_or_refused_in_a_sentence(name):
    count = hypothesis_fuzzer.fuzz(name, CASES.get(name, 100), 1)
    assert count.defects == []
    assert count.accepted > 0
    assert count.refused > 0


def _demanding(case):
    def work():
        if case > 1000:
            raise KeyError(case)

    return accepted(work)


def _wordy(case):
    def work():
        raise TicError(f"no:\n{case}\nTraceback (most recent call last)")

    return accepted(work)


@pytest.mark.parametrize(
    ("take", "told"), [(_demanding, "case=1001"), (_wordy, "a refusal is Python's")]
)
def test_a_defect_is_told_with_its_smallest_case(monkeypatch, take, told):
    monkeypatch.setitem(TARGETS, "broken", Target(st.integers(0, 10**6), take))
    count = hypothesis_fuzzer.fuzz("broken", 100, 1)
    assert len(count.defects) == 1
    assert told in count.defects[0]


@pytest.mark.parametrize(
    ("take", "status"), [(lambda case: True, 0), (_demanding, 1)], ids=["sound", "broken"]
)
def test_the_command_tells_what_it_tried_and_fails_on_a_defect(monkeypatch, capsys, take, status):
    monkeypatch.setattr(command.guided, "is_installed", lambda: False)
    monkeypatch.setattr(command, "limit_memory", lambda: None)
    monkeypatch.setitem(TARGETS, "broken", Target(st.integers(0, 10**6), take))
    monkeypatch.setattr(
        sys, "argv", ["fuzz", "--only", "broken", "--cases", str(20 * len(TARGETS))]
    )
    assert command.main() == status
    told = capsys.readouterr().out
    assert "atheris is not installed" in told
    assert ("KeyError" in told) == bool(status)
    assert f"{status} tracebacks" in told
