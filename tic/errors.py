"""Errors that a user can mend; everything else is a defect and keeps its traceback."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from tic.text import quoted, visible

LONGEST_SENTENCE = 2000
"""Characters of a message at most; a value that it quotes may be of any length."""


class TicError(ValueError):
    """A rule was broken by input; the message states the rule, the value and the way out.

    Control and bidirectional characters in it are escaped, since it is shown wherever it ends up.
    """

    def __init__(self, message: object = "") -> None:
        text = visible(str(message))
        half = LONGEST_SENTENCE // 2
        super().__init__(
            text if len(text) <= LONGEST_SENTENCE else f"{text[:half]} … {text[-half:]}"
        )


class UnwritableError(TicError):
    """Something cannot be written: the disk is full, the folder may not be written, or the like."""


class DataNotFoundError(TicError):
    """A data set is neither on this machine nor to be downloaded.

    Attributes:
        downloadable: Whether it was not allowed to be downloaded, and could be.
    """

    def __init__(self, message: object = "", *, downloadable: bool = False) -> None:
        super().__init__(message)
        self.downloadable = downloadable


class DivergedRunError(TicError):
    """Training left finite numbers, so nothing measured on the Run would mean anything."""


class NotApplicableError(TicError):
    """A claim says nothing about the setting that was asked for."""


@contextmanager
def as_tic_error() -> Iterator[None]:
    """Raise what `tic.arrays` refuses, in the same words, as a TicError."""
    try:
        yield
    except ValueError as error:
        raise TicError(error) from None


def require_known(kind: str, name: object, options: Iterable[str]) -> None:
    """Refuse an option that is none, which would else be taken for another.

    Raises:
        TicError: There is none of that name.
    """
    known = tuple(options)
    if name not in known:
        raise TicError(f"unknown {kind} {quoted(name)}; known: {', '.join(known)}")
