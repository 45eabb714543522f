"""Mistakes of claim authors: claim, exception, message and place, in one sentence."""

import pytest

from tic.data import Digits
from tic.errors import NotApplicableError, TicError
from tic.mistakes import author_errors_explained
from tic.models import Spiking
from tic.recipe import Recipe


def author(error):
    raise error


def sentence(error):
    with pytest.raises(TicError) as caught, author_errors_explained("needs of a/b"):
        author(error)
    return str(caught.value)


def test_an_exception_is_told_with_its_place():
    line = author.__code__.co_firstlineno + 1
    assert sentence(KeyError("x")) == (
        f"needs of a/b raised KeyError: 'x' (tests/test_mistakes.py, line {line}); mend it there"
    )


def test_an_exception_without_a_message_is_sentence():
    assert sentence(AssertionError()).startswith("needs of a/b raised AssertionError (")


def test_the_place_is_the_authors_even_where_our_code_raised():
    with pytest.raises(TicError) as caught, author_errors_explained("needs of a/b"):
        Recipe(dataset=Digits(), architecture=Spiking("tiny")).fingerprint(object())  # type: ignore[arg-type]
    assert "test_mistakes.py, line " in str(caught.value)


def test_a_long_or_hostile_message_is_one_short_line():
    message = sentence(ValueError("a\x1b[31m\n" * 10_000))
    assert len(message) < 500
    assert "\x1b" not in message
    assert "\n" not in message


@pytest.mark.parametrize("error", [TicError("seven"), NotApplicableError("seven")])
def test_what_an_author_meant_to_say_stays(error):
    with pytest.raises(type(error), match=r"^seven$"), author_errors_explained("needs of a/b"):
        author(error)


def test_an_interrupt_is_no_mistake():
    with pytest.raises(KeyboardInterrupt), author_errors_explained("needs of a/b"):
        author(KeyboardInterrupt())
