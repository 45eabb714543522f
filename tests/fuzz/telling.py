"""What a refusal must be: one readable text of bounded length, and nothing of Python's own."""

from __future__ import annotations

import re
from collections.abc import Callable

from tic.errors import LONGEST_SENTENCE, TicError
from tic.text import visible

_FOREIGN = re.compile(r"Traceback|pydantic|errors\.|validation errors? for|File \"|0x[0-9a-f]{8}")


def require_sentence(text: str) -> None:
    """Fail where a refusal could not be read by a person."""
    assert text.strip(), "a refusal says nothing"
    assert len(text) <= LONGEST_SENTENCE + 10, f"a refusal of {len(text)} characters: {text[:200]}"
    assert visible(text) == text, f"a refusal hides something: {text!r}"
    assert not _FOREIGN.search(text), f"a refusal is Python's: {text}"
    assert text.count("\n") <= 1, f"a refusal has many lines: {text}"


def require_shown(text: str) -> None:
    """Fail where a report or a summary hides something that its reader does not see."""
    hidden = [character for character in set(text) if visible(character) != character]
    assert not hidden, f"shown text hides {hidden!r}"


def accepted(work: Callable[[], object]) -> bool:
    """Do something; return whether it was accepted, and see that a refusal is a sentence."""
    try:
        work()
    except TicError as error:
        require_sentence(str(error))
        return False
    return True
