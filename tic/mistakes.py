"""Mistakes in the code of a pack's author, explained in a sentence with their place."""

from __future__ import annotations

import inspect
import sysconfig
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tic.errors import TicError
from tic.text import shorten

_INSTALLED = (sysconfig.get_path(kind) for kind in ("stdlib", "purelib", "platlib"))
_NOT_THEIRS = (str(Path(__file__).parent), *_INSTALLED)
_LONGEST_MESSAGE = 300


@contextmanager
def author_errors_explained(what: str) -> Iterator[None]:
    """Turn whatever an author's code raises into one sentence.

    Args:
        what: What is called, such as `needs of smith2024/learns`.

    Raises:
        TicError: It raised.
    """
    try:
        yield
    except TicError:
        raise
    except Exception as error:
        raise TicError(f"{what} raised {sentence_of(error)}; mend it there") from error


def sentence_of(error: BaseException) -> str:
    """What an author's code raised, in a sentence with its place; what tic says needs none."""
    return str(error) if isinstance(error, TicError) else f"{_named(error)} ({place_of(error)})"


def _named(error: BaseException) -> str:
    said = shorten(str(error), _LONGEST_MESSAGE)
    return f"{type(error).__name__}{f': {said}' if said else ''}"


def place_of(error: BaseException) -> str:
    """File and line of the innermost call that is neither this library's nor an installed one's."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if not frame.filename.startswith(_NOT_THEIRS)]
    if not frames:
        return "no line is known"
    place = (theirs or frames)[-1]
    return _place(place.filename, place.lineno)


def place_of_function(function: Callable[..., object]) -> str:
    """File and line where a function begins, for what it returns."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return _place(code.co_filename, code.co_firstlineno) if code else repr(function)


def _place(file: str, line: int | None) -> str:
    return f"{'/'.join(Path(file).parts[-2:])}, line {line}"
