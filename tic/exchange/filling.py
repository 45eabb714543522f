"""Texts that are filled in: Jinja templates whose mistakes are told by file and line."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import (
    Environment,
    FileSystemLoader,
    StrictUndefined,
    TemplateRuntimeError,
    TemplateSyntaxError,
    UndefinedError,
)
from jinja2.sandbox import SandboxedEnvironment
from jinja2.utils import missing

from tic.errors import TicError
from tic.files import read_whole
from tic.text import shorten

_LONGEST_REASON = 600
_OF_THE_TEXT = "<template>"
"""What Jinja calls the file of a template that it was given as a string."""


def fill_in(template: Path, printed: Callable[[object], object], **given: object) -> str:
    """Fill in a text, which may include others of its folder.

    Args:
        template: Jinja template.
        printed: Takes the value of every expression and returns what is printed of it.
        given: What the text can name.

    Raises:
        TicError: It cannot be read, is no template, or names what is not there.
    """
    environment = SandboxedEnvironment(
        loader=FileSystemLoader(template.parent),
        undefined=_Absent,
        keep_trailing_newline=True,
        finalize=printed,
    )
    try:
        content = read_whole(template)
    except OSError as error:
        raise TicError(
            f"cannot read the text {template}: {error.strerror}; name a text that can be read"
        ) from None
    try:
        return environment.from_string(content.decode("utf-8")).render(given)
    except TicError as error:
        raise TicError(f"{_place(error, template, environment)}: {error}") from None
    except Exception as error:  # an expression in a text may raise anything
        reason, place = shorten(str(error), _LONGEST_REASON), _place(error, template, environment)
        raise TicError(f"{place} is not a text that can be filled in: {reason}") from None


class _Absent(StrictUndefined):
    """What a text names and is not there, told with what is."""

    __slots__ = ()

    def __init__(
        self,
        hint: str | None = None,
        obj: Any = missing,
        name: str | None = None,
        exc: type[TemplateRuntimeError] = UndefinedError,
    ) -> None:
        super().__init__(hint or _what_there_is(obj, name), obj, name, exc)


def _what_there_is(owner: object, name: str | None) -> str | None:
    if owner is missing:
        return f"{name!r} is undefined; a text has audit(PATH) and what it sets itself"
    if not type(owner).__module__.startswith("tic."):
        return None
    names = [known for known in dir(owner) if not known.startswith("_")]
    return f"a {type(owner).__name__} has no {name!r}; it has {', '.join(names)}"


def _place(error: Exception, template: Path, environment: Environment) -> str:
    """Name the text and the line in which a mistake is, which may be in one that it includes."""
    included = {text.filename for text in (environment.cache or {}).values()}
    lines = [
        (frame.f_code.co_filename, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_code.co_filename in {_OF_THE_TEXT, *included}
    ]
    if isinstance(error, TemplateSyntaxError):
        lines = [(error.filename or _OF_THE_TEXT, error.lineno)]
    if not lines:
        return str(template)
    name, line = lines[-1]
    return f"{template if name == _OF_THE_TEXT else name}, line {line}"
