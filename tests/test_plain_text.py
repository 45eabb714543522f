"""Text as a reader sees it: nothing hides, and no value is longer than a sentence can hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tic.errors import LONGEST_SENTENCE, DataNotFoundError, TicError
from tic.text import quoted, shorten, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("α ≥ 0.5, Größe", "α ≥ 0.5, Größe"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\x00b\x7f", "a\\x00b\\x7f"),
        ("a\x9bb", "a\\x9bb"),
        ("exe\u202egpj", "exe\\u202egpj"),
        ("a\u2066b\u200bc\u2028d", "a\\u2066b\\u200bc\\u2028d"),
        ("\U000e0041", "\\U000e0041"),
        ("line\nline\tcell", "line\nline\tcell"),
        ("\r", "\\x0d"),
        ("می\u200cخواهم", "می\u200cخواهم"),
    ],
)
def test_what_hides_in_text_becomes_visible(text, shown):
    assert visible(text) == shown


@given(st.text())
def test_visible_text_stays_as_it_is(text):
    assert visible(visible(text)) == visible(text)


def test_shortened_text_is_one_line_with_an_ellipsis():
    assert shorten("one\ntwo", 20) == "one two"
    assert shorten("one two three", 8) == "one two…"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("digits", "'digits'"),
        (5, "5"),
        (0.5, "0.5"),
        (None, "None"),
        ("a\x1b[31m", "'a\\x1b[31m'"),
        ("\ud800", "'\\ud800'"),
        (10**5000, "a number of 16610 bits"),
        ([10**5000], "[a number of 16610 bits]"),
    ],
    ids=range(8),
)
def test_a_value_is_quoted_as_python_writes_it(value, shown):
    assert quoted(value) == shown


def test_a_long_value_is_cut_in_the_middle():
    shown = quoted("a" + "b" * 10**6 + "c")
    assert shown.startswith("'ab")
    assert shown.endswith("bc'")
    assert "…" in shown
    assert len(shown) <= 100


def test_a_value_that_holds_itself_or_is_deep_is_quoted_in_one_short_line():
    circle = {}
    circle["self"] = circle
    deep = []
    for _ in range(5000):
        deep = [deep]
    for value in (circle, deep, {"a" * 1000: ["b\n" * 1000] * 1000}):
        shown = quoted(value)
        assert len(shown) <= 100
        assert "\n" not in shown


@given(st.recursive(st.none() | st.text() | st.floats() | st.integers(), st.lists))
def test_every_quoted_value_is_short_and_hides_nothing(value):
    shown = quoted(value)
    assert len(shown) <= 100
    assert visible(shown) == shown


@pytest.mark.parametrize("kind", [TicError, DataNotFoundError])
def test_an_error_hides_nothing_whatever_it_quotes(kind):
    assert str(kind("no \x1b[31m\u202e\ud800 here")) == "no \\x1b[31m\\u202e\\ud800 here"


def test_an_error_keeps_its_rule_and_its_way_out_around_a_value_of_any_length():
    told = str(TicError(f"the rule, got {'x' * 10**6}; the way out"))
    assert len(told) <= LONGEST_SENTENCE + 3
    assert told.startswith("the rule, got xxx")
    assert told.endswith("xxx; the way out")
