"""What an audit does not tell: who ran it, on which host, with which secrets.

An audit is made to be passed on. Nothing here is needed to repeat it.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

HIDDEN = "…"
_NAME = r"""[^/\\\s'"]+"""
# The user's name ends at the next separator, or without one at the next space.
_HOMES = re.compile(
    rf"(?:[A-Za-z]:)?(?:[/\\][\w.-]+)*?[/\\](?:home|Home|users|Users)[/\\]"
    rf"(?:{_NAME}(?: {_NAME})*(?=[/\\])|{_NAME})|(?<![\w.~-])/root(?![\w.-])"
)
_SECRET = re.compile(
    r"token|secret|passw|api[-_]?key|access[-_]?key|private[-_]?key|credential|auth(?!or)", re.I
)
_KEYS = re.compile(r"\b(?:gh[opsur]_|github_pat_|sk-|hf_|xox[abp]-|AKIA)[\w-]{8,}")
_USERS = re.compile(r"(?<=://)[^/\s'\"]+|[\w.+-]+@[\w.-]+|\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b")
_PLACES = re.compile(r"""(?<![\w.~…/])/(?:[^/\s'":,;()]+/){2,}(?=[^/\s'":,;()]+/[^/\s'":,;()]+)""")
_SHORTEST_VALUE = 6
_HOSTS = ("--address", "--tic-address")
"""Options whose value names a machine."""


def discreet_arguments(arguments: Iterable[str]) -> Iterator[str]:
    """Give a command line without secrets, host names and names of users; paths stay paths."""
    value_is_secret = False
    for argument in arguments:
        option, equals, _ = argument.partition("=")
        is_option = argument.startswith("-")
        names_a_secret = bool(_SECRET.search(option)) or option in _HOSTS
        if value_is_secret and not is_option:
            yield HIDDEN
        elif names_a_secret and equals:
            yield f"{option}={HIDDEN}"
        else:
            yield anonymous(argument)
        value_is_secret = is_option and names_a_secret and not equals


def discreet(text: str) -> str:
    """Return a sentence without secrets, hosts and users; of long paths only the end is left."""
    return _PLACES.sub(f"{HIDDEN}/", anonymous(text))


def anonymous(text: str) -> str:
    """Return a sentence without secrets, hosts and users."""
    for value in _values_to_hide():
        text = text.replace(value, HIDDEN)
    text = _HOMES.sub("~", _without_own_home(text))
    return _USERS.sub(HIDDEN, _KEYS.sub(HIDDEN, text))


def _without_own_home(text: str) -> str:
    try:
        home = Path.home()
    except RuntimeError:
        return text
    return text if home == Path(home.anchor) else text.replace(f"{home}/", "~/")


def _values_to_hide() -> Iterator[str]:
    """Values of the environment that are secret by their name, and the name of this host."""
    for name, value in os.environ.items():
        if _SECRET.search(name) and len(value) >= _SHORTEST_VALUE:
            yield value
    host = platform.node()
    # A host may be called like a folder of claims; one with a digit or a dot is not.
    if len(host) >= _SHORTEST_VALUE and not host.isalpha():
        yield host
